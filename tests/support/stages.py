"""Stages that leave what the real ones leave, of a tiny model, in no time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from snag.core.artifact import load_artifact
from snag.core.calibration import read_calibration
from snag.core.files import write_text
from snag.training.archive import main as archive
from tests.support.fakes import tiny_artifact, tiny_calibration


def given(flags: Sequence[str]) -> dict[str, str]:
    """Flags in pairs or with `=`, by their names."""
    words = [word for flag in flags for word in (flag.split("=", 1) if flag.startswith("--") else [flag])]
    return dict(zip(words[::2], words[1::2], strict=True))


def leave(verb: str, flags: Sequence[str]) -> None:
    """The files of train, calibrate, evaluate or archive with these flags."""
    asked = given(flags)
    run = Path(asked["--run"])
    if verb == "train" and not (run / "snag.pt").exists():
        tiny_artifact(run)
        settings = {name.removeprefix("--"): value for name, value in asked.items()}
        write_text(run / "config.json", json.dumps({"settings": settings}))
    if verb == "calibrate":
        tiny_calibration(run, load_artifact(run / "snag.pt"), rate=float(asked.get("--fpr", "0.05")))
    if verb == "evaluate":
        calibration = read_calibration(run / "calibration.json")
        figures = {"artifact": {"fingerprint": calibration.artifact}, "threshold": calibration.threshold}
        write_text(run / "report/metrics.json", json.dumps(figures))
    if verb == "archive":
        assert archive(list(flags)) == 0
