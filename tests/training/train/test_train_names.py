"""From pictures to a report with names of any bytes: none of them ends a command, and each is written the same way."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
from PIL import Image

from snag.core.calibration import read_calibration
from snag.core.file_names import original
from snag.evaluation.evaluate import main as evaluate
from snag.training.calibrate import main as calibrate
from snag.training.data.split import read_split
from tests.support.parts import write_data_set
from tests.support.tiny_training import COUNT, in_child

ODD = [b"gr\xf6sse.png", b"two\nlines.png", "größe.png".encode()]


def odd_data(folder: Path) -> Path:
    """Half of the good pictures, and those of the test, have names with odd bytes; beside them lies what is left out."""
    data = write_data_set(folder, COUNT, (48, 48))
    good = data / "train" / "good"
    for number in range(0, COUNT, 2):
        (good / f"{number:03d}.png").rename(Path(os.fsdecode(os.fsencode(good) + b"/%d" % number + ODD[number % 3])))
    (good / "left.gif").write_bytes(b"GIF89a")
    for kind in ("good", os.fsdecode(b"kr\xe4tz")):
        for name in ODD:
            path = data / "test" / kind / os.fsdecode(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.random.default_rng(len(name)).integers(0, 256, (48, 48), dtype=np.uint8)).save(path)
    (data / "test" / "loose.png").write_bytes(b"")
    return data


def test_odd_names_from_training_to_report(tmp_path, capsys):
    """They train, calibrate, are excluded and are judged; split, calibration, table and report hold what leads back to them."""
    data, run = odd_data(tmp_path / "data"), tmp_path / "run"
    place = ["--data", str(data), "--run", str(run)]

    trained = in_child(data, run)
    assert trained.code == 0
    assert (
        f"left out of {data}/train/good: 1 picture of a format that Snag does not read (gif): left.gif; expected PNG"
        in trained.out
    )
    split = read_split(run / "split.json")
    names = {*split.fit, *split.standardise, *split.calibrate}
    assert names == {path.relative_to(data).as_posix() for path in (data / "train/good").glob("*.png")}

    listed = tmp_path / "no good parts.txt"
    excluded = next(name for name in json.loads((run / "split.json").read_text())["calibrate"] if "\\x" in name)
    listed.write_text(f"{excluded}\n")
    assert calibrate([*place, "--fpr", "0.5", "--exclude", str(listed), "--exclude-many"]) == 0
    assert read_calibration(run / "calibration.json").left_out == (excluded,)

    assert evaluate(place) == 0
    with (run / "report/results.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert all((data / original(row["path"])).is_file() for row in rows)
    assert {row["class"] for row in rows} == {"good", "kr\\xe4tz"}
    assert "kr\\xe4tz/two\\x0alines.png" in (run / "report/index.html").read_text(encoding="utf-8")
    loose = "left out of test: 1 picture outside of test/good and test/<kind of defect>: loose.png"
    assert json.loads((run / "report/metrics.json").read_text())["remarks"][0] == loose
    assert loose in capsys.readouterr().out
