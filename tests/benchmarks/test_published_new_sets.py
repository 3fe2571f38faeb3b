"""The later published sets, on tiny made-up sources: what comes where, and nothing that is tested is trained on."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.published.__main__ import main
from benchmarks.published.parts import HOLES
from benchmarks.published.sets import SETS


def save(path: Path, picture: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def grey(value: int) -> Image.Image:
    return Image.new("RGB", (20, 16), (value, value, value))


def marked(mode: str, ground: object, mark: object) -> Image.Image:
    """A picture whose upper left corner of 5 x 4 pixels has another value."""
    picture = Image.new(mode, (20, 16), ground)
    picture.paste(mark, (0, 0, 5, 4))
    return picture


def laid_out(name: str, source: Path, out: Path) -> dict[str, set[str]]:
    """Lay it out; the names in each folder."""
    assert main(["--set", name, "--source", str(source), "--out", str(out)]) == 0
    found: dict[str, set[str]] = {}
    for path in (out / name).glob("*/*/*"):
        found.setdefault(path.parent.relative_to(out / name).as_posix(), set()).add(path.name)
    return found


def mask_of(path: Path) -> tuple[int, int, int, int] | None:
    """Where a mask says 255; it says 0 everywhere else."""
    with Image.open(path) as mask:
        assert mask.mode == "L"
        assert set(mask.tobytes()) <= {0, 255}
        return mask.getbbox()


def held_out(name: str) -> bool:
    """Slow twin: the first 32 bits of the name's SHA-1, as a share of all that they may be."""
    bits = "".join(f"{byte:08b}" for byte in hashlib.sha1(name.encode(), usedforsecurity=False).digest())[:32]
    return sum(int(bit) / 2 ** (at + 1) for at, bit in enumerate(bits)) < 0.2


def test_tyres_come_without_their_heights_and_validation_is_tested(tmp_path: Path) -> None:
    source = tmp_path / "published"
    for split, kind in (("train", "good"), ("validation", "good"), ("test", "good"), ("test", "cut")):
        for number in range(3):
            save(source / split / kind / "rgb" / f"{number:03d}.png", grey(number))
            (source / split / kind / "xyz").mkdir(exist_ok=True)
            (source / split / kind / "xyz" / f"{number:03d}.tiff").write_bytes(b"heights")
            save(source / split / kind / "gt" / f"{number:03d}.png", marked("L", 0, 2))

    found = laid_out("tire", source, tmp_path)

    three = {"000.png", "001.png", "002.png"}
    assert found == {
        "train/good": three,
        "test/good": three | {f"val_{name}" for name in three},
        "test/cut": three,
        "ground_truth/cut": {"000_mask.png", "001_mask.png", "002_mask.png"},
    }
    assert mask_of(tmp_path / "tire/ground_truth/cut/001_mask.png") == (0, 0, 5, 4)
    assert (tmp_path / "tire/train/good/001.png").read_bytes() == (source / "train/good/rgb/001.png").read_bytes()


def test_crops_of_a_sheet_are_on_one_side_and_copies_are_not_trained_on(tmp_path: Path) -> None:
    source = tmp_path / "published"
    for at, (paper, masks) in enumerate((("PA_AAA01_TL", "GroundThruth"), ("PA_BBB01_RL", "GroundTruth"))):
        for sheet in range(1, 7):
            for crop in range(1, 3):
                value = 100 * at + 10 * sheet + crop
                save(source / paper / "NoDefects" / f"{paper}_S_ND_{sheet:02d}_{crop}.bmp", grey(value))
                save(source / paper / "Defects" / f"{paper}_S_D_{sheet:02d}_{crop}.bmp", grey(255 - value))
                save(source / paper / "Defects" / masks / f"{paper}_S_GT_{sheet}_{crop}.bmp", marked("L", 255, 0))
    first = source / "PA_AAA01_TL" / "NoDefects"
    for sheet in (3, 4):  # a copy of a tested crop, and one of another that is trained on
        copied = first / ("PA_AAA01_TL_S_ND_01_1.bmp" if sheet == 3 else "PA_AAA01_TL_S_ND_05_1.bmp")
        (first / f"PA_AAA01_TL_S_ND_{sheet:02d}_1.bmp").write_bytes(copied.read_bytes())
    save(source / "PU_CCC01_TL" / "NoDefect" / "PL_CCC01_1.bmp", grey(5))

    found = laid_out("paper_all", source, tmp_path)

    sheets = {folder: {name.split("_")[-2] for name in found[folder]} for folder in ("train/good", "test/good")}
    assert sheets == {"train/good": {"03", "04", "05", "06"}, "test/good": {"01", "02"}}
    assert len(found["train/good"]) == 2 * 4 * 2 - 2
    assert not found["train/good"] & {"PA_AAA01_TL_S_ND_03_1.bmp", "PA_AAA01_TL_S_ND_04_1.bmp"}
    assert {f"{Path(name).stem}_mask.png" for name in found["test/impurity"]} == found["ground_truth/impurity"]
    assert mask_of(tmp_path / "paper_all/ground_truth/impurity/PA_BBB01_RL_S_D_06_2_mask.png") == (0, 0, 5, 4)


def test_impellers_that_are_tested_are_not_trained_on(tmp_path: Path) -> None:
    source = tmp_path / "published"
    for split, kind, values in (
        ("train", "ok_front", range(8)),
        ("test", "ok_front", range(6, 10)),
        ("train", "def_front", range(20, 24)),
        ("test", "def_front", range(30, 33)),
    ):
        for value in values:
            save(source / split / kind / f"{split}_{value}.jpeg", grey(20 * value % 256))
    (source / "train" / "ok_front" / "Thumbs.db").write_bytes(b"none of it")

    found = laid_out("casting", source, tmp_path)

    assert found == {
        "train/good": {f"train_{value}.jpeg" for value in range(6)},
        "test/good": {f"test_{value}.jpeg" for value in range(6, 10)},
        "test/defect": {f"test_{value}.jpeg" for value in range(30, 33)},
    }


def test_each_hole_is_a_picture_and_those_of_a_photograph_are_on_one_side(tmp_path: Path) -> None:
    source = tmp_path / "published"
    patterns = ["1111", "0110", "1011", "0000"]
    for number in range(1, 25):
        picture = Image.new("RGB", (600, 700))
        for at, hole in enumerate(HOLES):
            picture.paste((number, at, 9), hole)
        (source).mkdir(exist_ok=True)
        content = io.BytesIO()
        picture.save(content, "PNG")  # told by its content; without JPEG's losses the values can be compared
        (source / f"{number}_{patterns[number % 4]}.jpg").write_bytes(content.getvalue())
    (source / "readme.md").write_text("no photograph")

    found = laid_out("screw_block", source, tmp_path)

    expected: dict[str, set[str]] = {"train/good": set(), "test/good": set(), "test/missing": set()}
    for number in range(1, 25):
        pattern = patterns[number % 4]
        good = "test/good" if held_out(f"{number}_{pattern}.jpg") else "train/good"
        for at in range(4):
            expected["test/missing" if pattern[at] == "0" else good].add(f"{number:03d}_{at}.png")
    assert all(expected.values())
    assert found == expected
    with Image.open(tmp_path / "screw_block/test/missing/003_2.png") as hole:
        assert (hole.size, hole.getcolors()) == ((256, 257), [(256 * 257, (3, 2, 9))])


def test_a_share_of_the_whole_toys_is_held_out_by_their_names(tmp_path: Path) -> None:
    source = tmp_path / "published"
    for number in range(30):
        save(source / "normal" / f"{number}.png", grey(number))
        save(source / "anomaly" / f"{number}.png", grey(100 + number))

    found = laid_out("alien_toy", source, tmp_path)

    assert found["test/good"] == {f"{number}.png" for number in range(30) if held_out(f"normal/{number}.png")}
    assert found["train/good"] == {f"{number}.png" for number in range(30)} - found["test/good"]
    assert len(found["test/broken"]) == 30
    assert 0 < len(found["test/good"]) < 15


def test_cracked_cookies_are_tested_all_and_masks_are_opacity(tmp_path: Path) -> None:
    source = tmp_path / "published"
    for number in range(3):
        save(source / "dataset-files" / "training-images" / f"normal-{number}.jpg", grey(number))
        save(source / "dataset-files" / "training-images" / f"anomaly-{number}.jpg", grey(50 + number))
        mask = marked("RGBA", (0, 255, 0, 127), (0, 255, 0, 128))
        save(source / "dataset-files" / "mask-images" / f"anomaly-{number}.png", mask)
        save(source / "test-images" / f"test-normal-{number}.jpg", grey(100 + number))
        save(source / "test-images" / f"test-anomaly-{number}.jpg", grey(150 + number))

    found = laid_out("cookie", source, tmp_path)

    assert found == {
        "train/good": {f"normal-{number}.jpg" for number in range(3)},
        "test/good": {f"test-normal-{number}.jpg" for number in range(3)},
        "test/cracked": {f"{kind}-{number}.jpg" for number in range(3) for kind in ("anomaly", "test-anomaly")},
        "ground_truth/cracked": {f"anomaly-{number}_mask.png" for number in range(3)},
    }
    assert mask_of(tmp_path / "cookie/ground_truth/cracked/anomaly-1_mask.png") == (0, 0, 5, 4)


@pytest.mark.parametrize("name", sorted(SETS))
def test_each_set_says_what_it_is_and_where_it_is_from(name: str) -> None:
    one = SETS[name]

    assert one.name == name
    assert one.content.endswith(".")
    assert one.title[0].islower()
    assert one.repository.count("/") == 1
    assert len(one.commit) == 40
    assert one.licence
