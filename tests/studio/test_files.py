"""What the studio reads and writes besides jobs: albums, marks, uploads, scores, the line's files."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from snag.core.errors import BadDataset
from snag.core.group import Group
from snag.drift.martingale import Watch
from snag.server.state.instance import Instance
from snag.server.state.served import Model, write_state
from snag.studio import marks, uploads
from snag.studio.album import album_of, page_of, pages
from snag.studio.commands import calibrate, deploy, next_version, presets, train
from snag.studio.line import last_verdicts, pace, watched
from snag.studio.products import Workshop
from snag.studio.scores import Detection, at_the_edge, calibration_of, choice, detections, in_force, labelled_scores
from snag.studio.uploads import Brought
from snag.training.settings import PRESETS
from tests.support.studio import calibrated, png, product_with, reported


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_the_album_follows_its_folders(workshop: Workshop) -> None:
    product = product_with(workshop, good=2, defects=1)
    before = album_of(product)

    (product.data / "test/dent").mkdir()
    (product.data / "test/dent/0.png").write_bytes(png(7))
    (product.good / "00000.png").unlink()

    assert before.kinds == {
        "train/good": ("train/good/00000.png", "train/good/00001.png"),
        "test/scratch": ("test/scratch/00000.png",),
    }
    assert album_of(product).kinds == {
        "train/good": ("train/good/00001.png",),
        "test/dent": ("test/dent/0.png",),
        "test/scratch": ("test/scratch/00000.png",),
    }
    assert album_of(product) is album_of(product)


def test_pages_hold_every_picture_once() -> None:
    names = tuple(map(str, range(100)))

    assert pages(names) == 3
    assert [name for number in (1, 2, 3) for name in page_of(names, number)] == list(names)
    assert pages(()) == 1


def test_a_mark_leaves_a_calibration_picture_out_and_sets_a_learnt_one_aside(workshop: Workshop) -> None:
    product = product_with(workshop, good=3)
    calibrated(product)  # the first calibrates, the others were learnt
    for name in ("train/good/00000.png", "train/good/00002.png"):
        marks.mark(product, name, True)

    assert marks.calibration_marks(product) == ["train/good/00000.png"]
    assert marks.learnt_marks(product) == ["train/good/00002.png"]
    [step, _] = calibrate(product, 0.1)
    assert f"--exclude={product.own / 'exclude.txt'}" in step.flags
    assert "--exclude-many" not in step.flags
    assert (product.own / "exclude.txt").read_text() == "train/good/00000.png\n"

    assert marks.set_aside(product) == 2
    assert album_of(product).good == ("train/good/00001.png",)
    marks.mark(product, "train/good/00002.png", False)
    assert album_of(product).good == ("train/good/00001.png", "train/good/00002.png")


def test_an_archive_in_the_layout_keeps_its_places_and_other_pictures_are_of_the_kind_that_was_said(workshop: Workshop) -> None:
    product = product_with(workshop, good=0)
    source = workshop.data_root.parent / "bolts.zip"
    files = {
        "set/train/good/a.png": png(1),
        "set/test/dent/b.png": png(2),
        "set/ground_truth/dent/b_mask.png": png(3),
        "loose/c.png": png(4),
        "loose/.hidden.png": png(5),
        "notes.txt": b"hello",
    }
    source.write_bytes(packed(files))

    brought = uploads.bring_in(product, source, "test/good")
    again = uploads.bring_in(product, source, "test/good")

    found = {path.relative_to(product.data).as_posix() for path in product.data.rglob("*") if path.is_file()}
    assert found == {"train/good/a.png", "test/dent/b.png", "ground_truth/dent/b_mask.png", "test/good/c.png"}
    assert brought == Brought(4, 0, ["notes.txt"])
    assert again == Brought(0, 4, ["notes.txt"])


def test_folders_of_good_parts_stay_and_a_set_sorted_by_defects_is_refused_as_good_parts(workshop: Workshop) -> None:
    product = product_with(workshop, good=0)
    cameras, kinds = workshop.data_root.parent / "cameras.zip", workshop.data_root.parent / "kinds.zip"
    cameras.write_bytes(packed({"bolts/left/a.png": png(1), "bolts/right/a.png": png(2)}))
    kinds.write_bytes(packed({"good/a.png": png(3), "scratch/b.png": png(4)}))

    uploads.bring_in(product, cameras, "train/good")
    with pytest.raises(BadDataset, match="it holds good beside scratch"):
        uploads.bring_in(product, kinds, "train/good")

    assert album_of(product).good == ("train/good/left/a.png", "train/good/right/a.png")


def test_another_picture_of_the_same_name_is_kept_beside_the_first(workshop: Workshop) -> None:
    product, brought = product_with(workshop, good=0), Brought()

    for seed in (1, 2, 2):
        uploads.bring_in_picture(product, "C:\\pictures\\a.png".rpartition("\\")[2], png(seed), "train/good", brought)

    assert sorted(path.name for path in product.good.iterdir()) == ["a-2.png", "a.png"]
    assert (brought.new, brought.known) == (2, 1)


@pytest.mark.parametrize("name", ["../../a.png", "/etc/a.png", "a\0.png"])
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_written(workshop: Workshop, name: str) -> None:
    product = product_with(workshop, good=0)

    with pytest.raises(BadDataset):
        uploads.bring_in_picture(product, name, png(1), "train/good", Brought())

    assert list(product.data.rglob("*.png")) == []


@pytest.mark.parametrize(
    ("kind", "folder"), [("train/good", "train/good"), ("scratch", "test/scratch"), ("test/dent", "test/dent")]
)
def test_a_kind_is_a_folder(kind: str, folder: str) -> None:
    assert uploads.kind_folder(kind) == folder


@pytest.mark.parametrize("kind", ["../x", "train/bad", "a/b/c", ""])
def test_what_is_no_kind_is_refused(kind: str) -> None:
    with pytest.raises(BadDataset):
        uploads.kind_folder(kind)


def test_scores_of_another_model_say_nothing(workshop: Workshop) -> None:
    product = product_with(workshop)
    calibration = calibrated(product)
    reported(product, calibration, [("test/good/0.png", "good", 0, 1.0)])

    assert calibration_of(product) == calibration
    assert len(labelled_scores(product, calibration)) == 1

    (product.run / "snag.pt").write_bytes(b"another model")

    assert calibration_of(product) is None


def test_a_choice_is_what_calibration_would_set_and_counts_what_it_does(workshop: Workshop) -> None:
    product = product_with(workshop)
    calibration = calibrated(product, [float(score) for score in range(1, 100)])
    rows = [
        ("test/good/0.png", "good", 0, 10.0),
        *((f"test/dent/{i}.png", "dent", 1, score) for i, score in enumerate((90.0, 95.5, 99.0))),
    ]
    reported(product, calibration, rows)
    scores = labelled_scores(product, calibration)

    chosen = choice(calibration, 0.05, "average")

    assert (chosen.threshold, chosen.guarantee) == (calibration.threshold, calibration.guarantee)
    assert detections(scores, 95.0) == [Detection("good", False, 0, 1), Detection("dent", True, 2, 3)]
    passed, rejected = at_the_edge(scores, 95.0)
    assert [one.score for one in passed] == [90.0, 10.0]
    assert [one.score for one in rejected] == [95.5, 99.0]
    assert choice(calibration, 0.001, "average").threshold is None
    assert "999" in choice(calibration, 0.001, "average").why_not


def test_the_choice_in_force_counts_each_picture_by_its_groups_own_threshold(workshop: Workshop) -> None:
    product = product_with(workshop)
    usual = calibrated(product, [float(score) for score in range(1, 100)])  # its threshold is 95
    groups = (Group("left", usual.scores, 50.0), Group("right", usual.scores, 98.0))
    calibration = replace(usual, groups=groups)
    reported(product, calibration, [(f"test/dent/{i}.png", "dent", 1, 97.0) for i in range(2)], groups=["left", "right"])
    scores = labelled_scores(product, calibration)

    assert detections(scores, 95.0) == [Detection("dent", True, 2, 2)]
    assert detections(scores, 95.0, calibration) == [Detection("dent", True, 1, 2)]
    passed, rejected = at_the_edge(scores, 95.0, calibration)
    assert ([one.group for one in passed], [one.group for one in rejected]) == (["right"], ["left"])
    assert in_force(calibration, 0.05, "average")
    assert not in_force(calibration, 0.05, "confidence")
    assert not in_force(calibration, 0.06, "average")


def test_the_line_is_read_from_the_servers_log_and_its_watch(workshop: Workshop) -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    lines = ["cut off", json.dumps({"event": "started", "time": now.isoformat()})]
    for age, model in ((90, "bolt"), (30, "bolt"), (20, "nut"), (10, "bolt")):
        said = {"time": (now - timedelta(seconds=age)).isoformat(), "endpoint": "predictions", "model": model, "version": "1.0"}
        lines.append(
            json.dumps(said | {"anomaly": age == 10, "score": 2.5, "p_value": 0.01, "request_id": f"r{age}", "ms": float(age)})
        )
    log = workshop.server / "logs/requests.log"
    log.parent.mkdir(parents=True)
    log.write_text("\n".join(lines) + "\n")
    (workshop.server / "drift.json").write_text(json.dumps([{"line": ["bolt", "1.0", "pooled"], **Watch("c", seen=7).state()}]))

    verdicts = last_verdicts(workshop, "bolt")
    speed = pace(verdicts, now)

    assert [one.request_id for one in verdicts] == ["r10", "r30", "r90"]
    assert (speed.per_minute, speed.median, speed.slow, speed.rejected) == (2, 20.0, 30.0, 1)
    [watch] = watched(workshop, "bolt")
    assert (watch.group, watch.seen, set(watch.evidence)) == ("pooled", 7, {"exposure", "sharpness", "parts", "defects"})
    assert watched(workshop, "nut") == []


def test_every_preset_is_offered_with_what_it_says_of_itself() -> None:
    assert set(presets()) == {path.stem for path in PRESETS.glob("*.toml")}
    assert "two or three minutes" in presets()["quick"]


@pytest.mark.parametrize(
    ("version", "following"), [(None, "1.0"), ("1.0", "1.1"), ("2026-9", "2026-10"), ("b", "b.1"), ("3b", "4b")]
)
def test_versions_count_on(version: str | None, following: str) -> None:
    assert next_version(version) == following


def test_a_server_that_is_started_serves_again_what_it_served_before(workshop: Workshop) -> None:
    write_state(Instance(workshop.server).served, [Model("nut", None), Model("bolt", None), Model("gone", None)])
    workshop.model_store.mkdir()
    for name in ("nut", "bolt"):
        (workshop.model_store / f"{name}.mar").touch()

    [_, step] = deploy(product_with(workshop), workshop, is_up=False, version="1.0")

    assert step.verb == "serve"
    assert [flag for flag in step.flags if flag.startswith("--model=")] == ["--model=bolt", "--model=nut"]


def test_a_running_server_gets_a_deployment(workshop: Workshop) -> None:
    chain = deploy(product_with(workshop), workshop, is_up=True, version="1.1")

    assert [step.verb for step in chain] == ["archive", "deploy"]
    assert [step.verb for step in train(product_with(workshop, "nut"), "quick", fresh=True)] == [
        "train",
        "calibrate",
        "evaluate",
    ]
