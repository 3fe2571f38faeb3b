"""The control, on whole pictures and on those of a small run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from benchmarks.control import control_of, main
from benchmarks.control_pictures import of_whole_pictures
from snag.training.settings import TrainSettings
from snag.training.training_set import read_training_set
from tests.support.parts import as_bytes, draw_scene, good_picture
from tests.support.trained import SIZE, Trained


def test_it_tells_marked_parts_and_what_can_not_be_prepared_from_good_ones(
    bolts: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "table.md"
    data.mkdir()
    (data / "train").symlink_to(bolts.data / "train")
    marked = [good_picture(index, SIZE) for index in range(500, 504)]
    for picture in marked:
        dark = picture < picture.amin() + 0.3 * (picture.amax() - picture.amin())
        picture[dark] = picture[dark] + 60 * (dark.nonzero()[:, 1] // 6 % 2)  # rings across the part
    shown = {"good": [good_picture(index, SIZE) for index in range(400, 410)], "ringed": marked}
    shown["empty"] = [draw_scene(SIZE, [], noise_seed=1)]
    for kind, pictures in shown.items():
        (data / "test" / kind).mkdir(parents=True)
        for number, picture in enumerate(pictures):
            Image.fromarray(as_bytes(picture)).save(data / "test" / kind / f"{number:03d}.png")

    assert main(["--data", str(data), "--run", str(bolts.run), "--scale", "2", "--fpr", "0.1", "--out", str(out)]) == 0

    text = out.read_text()
    assert capsys.readouterr().out == text + "\n"
    assert "| data | 2 | 1.000 | 1.000 | 1.000 |" in text
    assert "| empty | 1.000 |" in text
    assert "| ringed | 1.000 |" in text


def test_without_test_pictures_it_says_what_it_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table.md"

    assert main(["--data", str(tmp_path), "--run", str(tmp_path), "--out", str(out)]) == 2

    assert f"error: {tmp_path / 'test' / 'good'} is not there: expected the test pictures" in capsys.readouterr().err
    assert not out.exists()


def surface(folder: Path, good: int = 16, side: int = 64) -> Path:
    """Rough surfaces, good ones and some with a bright spot."""
    random = torch.Generator().manual_seed(0)
    for name, count in (("train/good", good), ("test/good", 6), ("test/spot", 4)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            picture = 120 + 25 * torch.randn(side, side, generator=random)
            if name == "test/spot":
                picture[20:36, 20:36] = 250
            Image.fromarray(picture.clamp(0, 255).byte().numpy()).save(folder / name / f"{number:03d}.png")
    return folder


def test_alone_it_takes_whole_pictures_and_the_lowest_rate_that_few_pictures_carry(tmp_path: Path) -> None:
    data = surface(tmp_path / "surface")

    found = control_of(data, 1)

    assert (found.mode, found.good, found.bad) == ("full_frame", 6, 4)
    assert found.told == pytest.approx(1 / 9)  # eight of sixteen calibrate
    assert (found.image_auroc, found.worst_defect, found.tpr) == (1.0, 1.0, 1.0)
    assert found.minutes > 0
    assert found.score_ms > 0
    again = control_of(data, 1)
    assert (again.kinds, again.fpr) == (found.kinds, found.fpr)


@pytest.mark.parametrize("seed", [0, 7])
def test_alone_it_splits_as_training_would(seed: int, tmp_path: Path) -> None:
    data = surface(tmp_path / "surface", good=40)
    expected = read_training_set(TrainSettings(data=data, run=tmp_path / "run", mode="full_frame", features=False, seed=seed))

    pictures = of_whole_pictures(data, 1, seed)

    assert [path.relative_to(data).as_posix() for path in pictures.fit] == list(expected.split.fit)
    assert [path.relative_to(data).as_posix() for path in pictures.calibrate] == list(expected.split.calibrate)
    for path, prepared in zip(pictures.fit, expected.fit, strict=True):
        assert torch.allclose(pictures.prepared(path), prepared, atol=1e-3)  # training keeps them in half precision


def test_a_larger_scale_takes_a_pictures_own_pixels_before_it_enlarges(tmp_path: Path) -> None:
    large, small = surface(tmp_path / "large", good=12, side=500), surface(tmp_path / "small", good=12, side=64)

    def prepared(data: Path, scale: float) -> torch.Tensor:
        pictures = of_whole_pictures(data, scale, 0)
        return pictures.prepared(data / "test" / "spot" / "000.png")

    assert [tuple(prepared(large, scale).shape) for scale in (1, 2)] == [(1, 240, 240), (1, 480, 480)]
    assert [tuple(prepared(small, scale).shape) for scale in (1, 2)] == [(1, 64, 64), (1, 128, 128)]
    fine = prepared(large, 2)
    enlarged = torch.nn.functional.interpolate(prepared(large, 1)[None], (480, 480), mode="bilinear")[0]
    assert fine.diff(dim=2).abs().mean() > 1.5 * enlarged.diff(dim=2).abs().mean()


def test_a_data_set_without_test_pictures_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "table.md")]) == 2

    assert "expected the test pictures" in capsys.readouterr().err
