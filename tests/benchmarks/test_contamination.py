"""Hiding defects among the good pictures: which, how many, and that the test stays the same."""

import pytest

from benchmarks.contamination.hide import HIDDEN, hidden_count, with_hidden
from snag.core.errors import BadDataset


@pytest.fixture
def data(tmp_path):
    """40 good pictures and 12 + 6 defective ones with masks; their bytes are their names."""
    names = [f"train/good/{index:03d}.png" for index in range(40)] + [f"test/good/{index}.png" for index in range(3)]
    for kind, count in (("dent", 12), ("scratch", 6)):
        names += [f"test/{kind}/{index:02d}.png" for index in range(count)]
        names += [f"ground_truth/{kind}/{index:02d}_mask.png" for index in range(count)]
    for name in names:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(name)
    return tmp_path / "data"


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}


def test_share():
    """A tenth of the pictures, not a tenth as many."""
    assert hidden_count(90, 0.1) == 10
    assert hidden_count(320, 0) == 0


def test_hidden_pictures_lie_among_the_good_ones(data, tmp_path):
    """They come from all kinds in turn, and are what they were."""
    hidden = with_hidden(data, 0.1, 0.1, tmp_path / "made")

    assert hidden == [f"{HIDDEN}dent-00.png", f"{HIDDEN}scratch-00.png", f"{HIDDEN}dent-01.png", f"{HIDDEN}scratch-01.png"]
    train = {path.name: path.read_text() for path in (tmp_path / "made/train/good").iterdir()}
    assert len(train) == 44
    assert train[f"{HIDDEN}scratch-01.png"] == "test/scratch/01.png"


def test_the_test_is_the_same_for_every_share(data, tmp_path):
    """No hidden picture of any share is in it, and each that is there has its mask."""
    made = [tmp_path / "none", tmp_path / "some", tmp_path / "most"]
    for folder, share in zip(made, (0.0, 0.1, 0.2), strict=True):
        with_hidden(data, share, 0.2, folder)

    tests = [{name for name in names(folder) if not name.startswith("train")} for folder in made]
    assert tests[0] == tests[1] == tests[2]
    assert sum(name.startswith("test/dent") for name in tests[0]) == 7
    assert {
        name.replace("test", "ground_truth").replace(".png", "_mask.png")
        for name in tests[0]
        if "good" not in name and name[0] == "t"
    } == {name for name in tests[0] if name.startswith("ground_truth")}


def test_too_few_defects(data, tmp_path):
    """A share that would hide most of the defects is refused."""
    with pytest.raises(BadDataset, match="18 defective pictures; 13 of them would be hidden"):
        with_hidden(data, 0.1, 0.25, tmp_path / "made")


def test_made_anew_over_an_earlier_one(data, tmp_path):
    """A second call gives the same folder."""
    with_hidden(data, 0.1, 0.1, tmp_path / "made")
    before = names(tmp_path / "made")

    with_hidden(data, 0.1, 0.1, tmp_path / "made")

    assert names(tmp_path / "made") == before
