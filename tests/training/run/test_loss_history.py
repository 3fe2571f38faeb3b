"""The losses of a run, read back from the events that training writes."""

from __future__ import annotations

from pathlib import Path

from snag.training.run.curves import LossEvents
from snag.training.run.loss_history import read_losses


def written(folder: Path, done: int, *means: float) -> None:
    with LossEvents(folder, done) as events:
        for epoch, mean in enumerate(means, done + 1):
            events.add({"reconstruction": mean}, epoch)


def test_the_losses_are_those_that_were_written(tmp_path: Path) -> None:
    written(tmp_path, 0, 0.5, 0.25)

    assert read_losses(tmp_path) == {"reconstruction": {1: 0.5, 2: 0.25}}


def test_epochs_that_are_done_again_replace_those_of_before(tmp_path: Path) -> None:
    written(tmp_path, 0, 0.5, 0.25, 0.125)
    written(tmp_path, 1, 0.75)

    assert read_losses(tmp_path) == {"reconstruction": {1: 0.5, 2: 0.75}}


def test_an_event_that_is_just_being_written_is_not_read_yet(tmp_path: Path) -> None:
    written(tmp_path, 0, 0.5, 0.25)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-3])

    assert read_losses(tmp_path) == {"reconstruction": {1: 0.5}}


def test_where_nothing_was_trained_there_are_none(tmp_path: Path) -> None:
    assert read_losses(tmp_path / "none") == {}
