"""Evaluation by groups: a test picture is judged by its group's threshold where there is one, as the server would judge it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from snag.core.calibration import calibration_json, read_calibration
from snag.core.group import Group
from snag.evaluation.evaluate import main
from tests.support.labelled_folder import DEFECT_COUNT, GOOD_COUNT, evaluate, page, rows, tiny_run

#: A camera whose pictures may look as they like: nothing of it is rejected. The other has too few pictures for a threshold.
TOLERANT, FEW = Group("tolerant", (1000.0,) * 99, 1000.0), Group("few", (0.02,), None)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tiny_run(tmp_path / "tiny")
    path = folder / "calibration.json"
    path.write_text(calibration_json(replace(read_calibration(path), groups=(FEW, TOLERANT))))
    return folder


def into(data: Path, kind: str, number: int, group: str) -> None:
    """Move a picture, and its mask, into a folder of its group."""
    moves = [(f"test/{kind}", f"{number:03}.png"), (f"ground_truth/{kind}", f"{number:03}_mask.png")]
    for folder, name in moves:
        if (data / folder / name).exists():
            (data / folder / group).mkdir(exist_ok=True)
            shutil.move(data / folder / name, data / folder / group / name)


def test_a_picture_in_its_groups_folder_is_judged_by_its_groups_threshold(data: Path, run: Path) -> None:
    """Verdicts, shares and their rows follow the group; ranks, pixels and masks are as they were without it."""
    before = evaluate(data, run)
    into(data, "bright", 0, "tolerant")
    into(data, "bright", 1, "few")
    into(data, "dark", 2, "unheard of")
    into(data, "good", 3, "tolerant")

    found = evaluate(data, run)

    assert before["tpr"] == 1.0
    assert found["tpr"] == 1 - 1 / (2 * DEFECT_COUNT)
    assert found["per_class"]["bright"]["rejected"] == DEFECT_COUNT - 1
    assert found["per_defect"]["bright"]["tpr"] == 1 - 1 / DEFECT_COUNT
    assert found["per_defect"]["dark"]["tpr"] == 1.0
    assert found["ci"]["tpr"][0] < 1.0
    same = ("image_auroc", "image_ap", "pixel_auroc", "pixel_ap", "aupro_30", "counts", "threshold", "fpr")
    assert {name: found[name] for name in same} == {name: before[name] for name in same}
    grouped = {row["path"]: (row["group"], float(row["threshold"]), row["anomaly"]) for row in rows(run) if row["group"]}
    assert grouped == {
        "test/bright/tolerant/000.png": ("tolerant", 1000.0, "0"),
        "test/bright/few/001.png": ("few", found["threshold"], "1"),
        "test/dark/unheard of/002.png": ("unheard of", found["threshold"], "1"),
        "test/good/tolerant/003.png": ("tolerant", 1000.0, "0"),
    }
    total = GOOD_COUNT + 2 * DEFECT_COUNT
    assert f"2 of {total} test pictures are of a group with a threshold of its own and were judged by it" in page(run)


def test_a_list_names_groups_too(data: Path, run: Path, tmp_path: Path) -> None:
    """With a list, which may be that of the calibration, folders say nothing."""
    into(data, "bright", 1, "tolerant")
    listed = tmp_path / "groups.csv"
    listed.write_text("path,group\ntrain/good/000.png,few\ntest/dark/000.png,tolerant\n")

    found = evaluate(data, run, "--groups", str(listed))

    assert (found["per_class"]["bright"]["rejected"], found["per_class"]["dark"]["rejected"]) == (
        DEFECT_COUNT,
        DEFECT_COUNT - 1,
    )


def test_what_a_list_leaves_out_is_said(data: Path, run: Path, tmp_path: Path) -> None:
    """Also where it names not one of the test pictures; out of a European spreadsheet it says the same."""
    listed, total = tmp_path / "groups.csv", GOOD_COUNT + 2 * DEFECT_COUNT
    (data / "train/good").mkdir(parents=True)
    (data / "train/good/000.png").touch()
    listed.write_bytes("path;group\r\ntest\\dark\\000.png;größer\r\ngone.png;few\r\n".encode("cp1252"))

    assert evaluate(data, run, "--groups", str(listed))["remarks"] == [
        "groups.csv names 1 of 2 pictures that are not there: gone.png.",
        f"groups.csv names 1 of {total} test pictures; the others are in no group and go by the pooled threshold.",
    ]
    assert [row["path"] for row in rows(run) if row["group"] == "größer"] == ["test/dark/000.png"]

    listed.write_text("path,group\ntrain/good/000.png,few\n")
    assert evaluate(data, run, "--groups", str(listed))["remarks"] == [
        f"groups.csv names none of {total} test pictures; they are all in no group and go by the pooled threshold."
    ]


@pytest.mark.parametrize("text", [None, "picture,group\na,b\n", "\xff"])
def test_a_list_that_is_none_is_refused(data: Path, run: Path, tmp_path: Path, capsys, text: str | None) -> None:
    listed = tmp_path / "groups.csv"
    if text is not None:
        listed.write_bytes(text.encode("latin-1"))

    assert main(["--data", str(data), "--run", str(run), "--groups", str(listed)]) == 2
    assert f"{listed}: " in (said := capsys.readouterr().err)
    assert "expected a CSV with the columns path and group" in said
