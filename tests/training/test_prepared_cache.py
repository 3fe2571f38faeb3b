"""Prepared pictures on disk: decoded and prepared once, and anew when anything that they depend on changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from snag.core.errors import UnreadablePictures
from snag.detector.full_frame import FullFrame
from snag.detector.preparation import Prepared
from snag.training import prepared_cache as prepared
from snag.training.prepared_cache import PreparedPictures, prepared_pictures
from tests.support.parts import as_bytes, good_picture, write_data_set

NAMES = [f"train/good/{i:03d}.png" for i in range(5)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data_set(tmp_path / "data", 5, (40, 30))


def whole(height: int = 32, spread: float = 0.15) -> FullFrame:
    return FullFrame(1, [height], [16], 0.5, spread)


def test_pictures_come_in_the_order_of_their_names_prepared_and_without_a_reason(data: Path, tmp_path: Path) -> None:
    pictures, reasons = prepared_pictures(data, NAMES[::-1], whole(), tmp_path / "cache", "digest")

    expected = [whole()(torch.from_numpy(as_bytes(good_picture(i, (40, 30))))[None])[0].numpy() for i in (4, 3, 2, 1, 0)]
    assert {(one.dtype, one.shape) for one in pictures} == {(np.dtype(np.float16), (1, 32, 16))}
    assert np.allclose(np.stack(pictures), np.stack(expected), atol=5e-4)
    assert reasons == [""] * 5


def test_they_are_prepared_once(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = prepared_pictures(data, NAMES, whole(), tmp_path / "cache", "digest")
    monkeypatch.setattr(prepared, "_prepare", lambda *_: pytest.fail("prepared again"))

    again, reasons = prepared_pictures(data, NAMES, whole(), tmp_path / "cache", "digest")

    assert np.array_equal(first, again)
    assert reasons == [""] * 5


@pytest.mark.parametrize("what", ["pictures", "names", "order", "size", "grey values"])
def test_they_are_prepared_anew_when_something_changed(data: Path, tmp_path: Path, what: str) -> None:
    prepared_pictures(data, NAMES, whole(), tmp_path / "cache", "digest")
    names = {"names": NAMES[:4], "order": NAMES[::-1]}.get(what, NAMES)
    module = {"size": whole(48), "grey values": whole(spread=0.2)}.get(what, whole())

    prepared_pictures(data, names, module, tmp_path / "cache", "other" if what == "pictures" else "digest")

    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2


def test_a_reason_stays_with_its_picture(data: Path, tmp_path: Path) -> None:
    class Picky(torch.nn.Module):
        channels, height, width = 1, 4, 4

        def forward(self, picture: torch.Tensor) -> Prepared:
            reason = "not_aligned" if int(picture[0, 0, 0]) == bad else ""
            return Prepared(torch.zeros(1, 4, 4), torch.zeros(2, 3), reason)

    bad = int(as_bytes(good_picture(2, (40, 30)))[0, 0])
    expected = ["not_aligned" if int(as_bytes(good_picture(i, (40, 30)))[0, 0]) == bad else "" for i in range(5)]

    for _ in range(2):  # from the pictures, from the cache
        _, reasons = prepared_pictures(data, NAMES, Picky(), tmp_path / "cache", "digest")  # type: ignore[arg-type]
        assert reasons == expected
    assert "not_aligned" in expected


def test_no_pictures_are_no_trouble(data: Path, tmp_path: Path) -> None:
    pictures, _ = prepared_pictures(data, [], whole(), tmp_path / "cache", "digest")

    assert pictures == []


def test_each_picture_keeps_its_own_size(data: Path, tmp_path: Path) -> None:
    Image.fromarray(as_bytes(good_picture(5, (60, 30)))).save(data / "train" / "good" / "tall.png")
    module = FullFrame(1, [32, 48], [16], 0.5, 0.15, 0.8)
    names = [NAMES[0], "train/good/tall.png"]

    for _ in range(2):  # from the pictures, from the cache
        pictures, _ = prepared_pictures(data, names, module, tmp_path / "cache", "digest")
        assert [one.shape for one in pictures] == [(1, 32, 16), (1, 48, 16)]
        assert np.isfinite(pictures[0]).all()
        assert float(pictures[0].std()) == pytest.approx(0.15, abs=0.01)  # nothing but its own grey values


def test_an_unreadable_picture_is_named_and_leaves_no_cache(data: Path, tmp_path: Path) -> None:
    (data / NAMES[3]).write_bytes(b"nothing")

    with pytest.raises(UnreadablePictures, match=r"003\.png"):
        prepared_pictures(data, NAMES, whole(), tmp_path / "cache", "digest")

    assert list((tmp_path / "cache").iterdir()) == []


# --- as tensors -------------------------------------------------------------------------------------------------------------


class Counted(list[np.ndarray]):
    """Arrays that note which of them are asked for."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        super().__init__(arrays)
        self.read: list[int | slice] = []

    def __getitem__(self, which: int | slice) -> Any:
        self.read.append(which)
        return super().__getitem__(which)


def arrays(count: int = 5) -> list[np.ndarray]:
    return [np.full((1, 2, 3 + number), number, np.float16) for number in range(count)]


def test_prepared_pictures_come_one_by_one_by_number_and_in_order() -> None:
    pictures = PreparedPictures(arrays())

    assert len(pictures) == 5
    assert [pictures[number].unique().tolist() for number in (0, 3, -1)] == [[0], [3], [4]]
    assert [tuple(picture.shape) for picture in pictures] == [(1, 2, 3 + number) for number in range(5)]
    with pytest.raises(IndexError):
        pictures[5]


def test_some_of_them_are_prepared_pictures_too() -> None:
    pictures = PreparedPictures(arrays())

    some = pictures[1:4]

    assert isinstance(some, PreparedPictures)
    assert [int(picture[0, 0, 0]) for picture in some] == [1, 2, 3]
    assert [int(picture[0, 0, 0]) for picture in pictures[::2]] == [0, 2, 4]
    assert [int(picture[0, 0, 0]) for picture in some[1:]] == [2, 3]
    assert len(pictures[:0]) == len(PreparedPictures([])) == 0


def test_each_is_read_when_it_is_asked_for() -> None:
    counted = Counted(arrays())
    pictures = PreparedPictures(counted)

    assert (len(pictures), counted.read) == (5, [])
    assert (int(pictures[3][0, 0, 0]), counted.read) == (3, [3])


def test_as_a_tensor_one_is_a_copy_in_single_precision(data: Path, tmp_path: Path) -> None:
    prepared, _ = prepared_pictures(data, NAMES, whole(), tmp_path / "cache", "digest")
    pictures = PreparedPictures(prepared)

    tensor = pictures[0]
    tensor += 1

    assert tensor.dtype == torch.float32
    assert np.allclose(tensor.numpy() - 1, prepared[0], atol=1e-3)
    assert torch.equal(pictures[0] + 1, tensor)
