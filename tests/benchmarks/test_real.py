"""The ladder's runs: each cell once, few good pictures among the same, and a cell that fails keeps no other back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.accuracy.record import read_records
from benchmarks.accuracy.run import ResultLine, carried_rate
from benchmarks.accuracy.sets import known_set, name_of_few
from benchmarks.control import ControlResult
from benchmarks.real import cells
from benchmarks.real.__main__ import main
from benchmarks.real.few import with_few
from snag.core.calibration import conformal_threshold
from snag.core.errors import BadConfig, TooFewPictures
from snag.training.data.dataset import digest_of, good_pictures

CONTROL = ControlResult("full_frame", 0.7, {"a": 0.7, "b": 0.6}, 0.5, 0.1, 20, 30, 0.05, 1.0, 40.0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cells that were really measured, in order; what measures is made up."""
    found: list[str] = []

    def run_one(data: Path, preset: str, seed: int, folder: Path, extra: list[str]) -> ResultLine:
        found.append(f"{data.name}, {preset}, {seed}, {folder.name}, {' '.join(extra)}")
        if data.name == "fails":
            raise TooFewPictures(found=3, folder=data, needed=12)
        return ResultLine(
            data.name, preset, seed, "scene", 0.9, 0.8, 0.5, 0.7, 0.6, 0.05, 20, 30, 1 / 33, 0.6, 0.9, 0.9, 1, 2, 3
        )

    def control_of(data: Path, scale: float, seed: int) -> ControlResult:
        found.append(f"{data.name}, {scale}, {seed}")
        return CONTROL

    monkeypatch.setattr(cells, "run_one", run_one)
    monkeypatch.setattr(cells, "control_of", control_of)
    return found


def sets(folder: Path, *names: str, good: int = 20) -> Path:
    """Data sets whose pictures are their names."""
    for name in names:
        for part in (*(f"train/good/{number:03d}.png" for number in range(good)), "test/good/0.png", "test/a/0.png"):
            (folder / name / part).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / part).write_text(part)
    return folder


def test_every_cell_is_measured_once_and_written_at_once(tmp_path: Path, asked: list[str]) -> None:
    flags = ["--data", str(sets(tmp_path / "data", "tire", "cookie")), "--out", str(tmp_path / "out"), "--seed", "3"]
    flags += ["--preset", "quick", "--control", "1,2", "--extra", "--epochs 3"]

    assert main([*flags, "--sets", "tire"]) == 0

    assert asked == ["tire, quick, 3, tire-quick-epochs-3-3, --epochs 3", "tire, 1.0, 3", "tire, 2.0, 3"]
    first = (tmp_path / "out" / "tire-patchcore-2-3.json").read_bytes()
    asked.clear()
    assert main([*flags, "--sets", "tire,cookie"]) == 0
    assert asked == ["cookie, quick, 3, cookie-quick-epochs-3-3, --epochs 3", "cookie, 1.0, 3", "cookie, 2.0, 3"]
    assert (tmp_path / "out" / "tire-patchcore-2-3.json").read_bytes() == first
    text = (tmp_path / "out" / "table.md").read_text()
    assert text.startswith("`python ")
    assert "| mean of 2 |" in text
    control = [one for one in read_records(tmp_path / "out") if one.preset == "patchcore-2"]
    assert [one.figures["worst_defect"] for one in control] == [[0.6, None]] * 2
    assert {one.mode for one in control} == {"full_frame"}


def test_another_mode_is_tried_where_it_was_not_chosen(tmp_path: Path, asked: list[str]) -> None:
    flags = ["--data", str(sets(tmp_path / "data", "tire")), "--sets", "tire", "--preset", "quick", "--control", "1"]

    assert main([*flags, "--mode", "scene,full_frame", "--out", str(tmp_path / "out")]) == 0

    assert asked == [
        "tire, quick, 0, tire-quick-0, ",
        "tire, quick, 0, tire-quick-in-full_frame-0, --mode full_frame",
        "tire, 1.0, 0",
    ]
    assert {one.preset for one in read_records(tmp_path / "out")} == {"quick", "quick-in-full_frame", "patchcore-1"}
    text = (tmp_path / "out" / "table.md").read_text()
    assert "quick-in-full_frame" not in text
    assert "| data | preset | mode chosen |" in text


def test_the_table_stands_after_each_cell(tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(data: Path, scale: float, seed: int) -> ControlResult:
        raise KeyboardInterrupt

    monkeypatch.setattr(cells, "control_of", interrupted)
    flags = [
        "--data",
        str(sets(tmp_path / "data", "tire")),
        "--sets",
        "tire",
        "--preset",
        "quick",
        "--out",
        str(tmp_path / "out"),
    ]

    assert main(flags) == 130

    assert "| tyres " in (tmp_path / "out" / "table.md").read_text()
    assert [one.preset for one in read_records(tmp_path / "out")] == ["quick"]


def test_a_cell_that_fails_is_told_at_the_end(tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--data", str(sets(tmp_path / "data", "fails", "tire")), "--preset", "quick", "--out", str(tmp_path / "out")]

    assert main([*flags, "--sets", "fails,tire", "--control", "1"]) == 2

    assert len(asked) == 4
    told = capsys.readouterr()
    assert "fails, quick: " in told.out
    assert "error: these cells failed, see above: fails, quick" in told.err
    assert len(read_records(tmp_path / "out")) == 3


def test_a_set_that_is_not_laid_out_is_told_before_anything_runs(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--data", str(sets(tmp_path / "data", "tire")), "--sets", "tire,cookie", "--out", str(tmp_path / "out")]

    assert main(flags) == 2

    assert f"{tmp_path / 'data' / 'cookie'}: expected data sets as" in capsys.readouterr().err
    assert asked == []


def test_few_good_pictures_are_rows_of_their_own_after_the_whole_sets(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    data = sets(tmp_path / "data", "tire")
    sets(data, "cookie", good=14)
    flags = ["--data", str(data), "--sets", "tire,cookie", "--few", "12,15", "--preset", "quick", "--control", "1"]

    assert main([*flags, "--out", str(tmp_path / "out")]) == 0

    assert [one.split(",")[0] for one in asked[::2]] == ["tire", "cookie", "tire-12_good", "cookie-12_good", "tire-15_good"]
    assert "cookie has no more than 15 good pictures" in capsys.readouterr().out


def test_fewer_pictures_are_among_more_and_the_test_is_the_same(tmp_path: Path) -> None:
    data = sets(tmp_path / "data", "tire") / "tire"

    made = {count: with_few(data, count, 5, tmp_path) for count in (12, 15, 12)}

    names = {count: {path.name for path in good_pictures(folder)} for count, folder in made.items()}
    assert [len(some) for some in names.values()] == [12, 15]
    assert names[12] < names[15]
    assert all(path.read_text() == f"train/good/{path.name}" for path in good_pictures(made[15]))
    assert (made[12] / "test" / "a" / "0.png").read_text() == "test/a/0.png"
    assert digest_of(good_pictures(with_few(data, 12, 6, tmp_path / "other")), tmp_path) != digest_of(
        good_pictures(made[12]), tmp_path
    )
    assert with_few(data, 20, 5, tmp_path) is None
    few = known_set(name_of_few("tire", 12))
    assert (few.title, few.few, few.say) == (f"{known_set('tire').title}, 12 good", 12, known_set("tire").say)


@pytest.mark.parametrize("count", [1, 15, 18, 19, 20, 100])
def test_so_many_calibration_pictures_carry_the_rate_that_is_asked_of_them(count: int) -> None:
    rate = carried_rate(count)

    assert conformal_threshold([float(score) for score in range(count)], rate) <= count - 1
    assert (rate == 0.05) is (count >= 19)


def test_records_of_a_folder_are_kept_by_set_and_preset(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path / "kept")
    flags = ["--data", str(sets(tmp_path / "data", "tire")), "--sets", "tire", "--few", "12", "--preset", "default"]
    assert main([*flags, "--control", "1", "--out", str(tmp_path / "out")]) == 0
    for path in (tmp_path / "out").glob("*.json"):
        table = json.loads(path.read_text()) | {"command": "python -m benchmarks.real --few 12", "revision": "c5ffc61"}
        path.write_text(json.dumps(table))

    kept = results.keep_records(tmp_path / "out")

    assert sorted(path.name for path in kept) == [
        "tire-12_good-default.json", "tire-12_good-patchcore-1.json", "tire-default.json", "tire-patchcore-1.json",
    ]  # fmt: skip
    assert "tyres (MVTec 3D-AD, pictures alone), 12 good" in results.text_of(results.LADDER)
    for name in ("docs/results/accuracy.md", "docs/results/accuracy-short.md"):
        rows = [line for line in results.text_of(name).splitlines() if line.startswith("| tyres")]
        assert len(rows) == 1
        assert "12 good" not in rows[0]


def test_a_record_of_uncommitted_code_is_not_kept(tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path / "kept")
    monkeypatch.setattr("benchmarks.accuracy.record.git_revision", lambda: "c5ffc61-dirty")
    flags = ["--data", str(sets(tmp_path / "data", "tire")), "--sets", "tire", "--preset", "default", "--control", "1"]
    assert main([*flags, "--out", str(tmp_path / "out")]) == 0

    with pytest.raises(BadConfig, match="do not name a committed revision: tire, default; tire, patchcore-1"):
        results.keep_records(tmp_path / "out")
    with pytest.raises(BadConfig, match="do not name a committed revision: none"):
        results.keep_records(tmp_path / "nothing")

    (tmp_path / "out" / "other.json").write_text("{}")
    with pytest.raises(BadConfig, match=r"other\.json is no accuracy record"):
        results.keep_records(tmp_path / "out")
    assert not (tmp_path / "kept").exists()
