"""`snag doctor`: looks at a data set before any training and writes a page with what to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import Field

from snag.cli.settings import from_flags, run
from snag.core.errors import BadDataset
from snag.core.files import write_text
from snag.doctor.advice import Advice, advice, suspects_of
from snag.doctor.diagnosis import Diagnosis, diagnose
from snag.doctor.page import render
from snag.training.data.picture_settings import PictureSettings

#: What stands before a line on the terminal.
_MARKS = {"stop": "stop", "warning": "warning", "note": "note", "good": "ok"}


class DoctorSettings(PictureSettings):
    """Look at a data set before any training: what is wrong with it, and what to do."""

    data: Path = Field(Path("data/sample"), description="data set in MVTec layout; only train/good is obligatory")
    run: Path = Field(
        Path("runs/sample"), description="folder of the model to come; doctor.html and doctor.json are written there"
    )
    lots: str | None = Field(None, description="how training is to tell lots: folder, date or a CSV with the columns path, lot")


def doctor(settings: DoctorSettings) -> None:
    """Write RUN/doctor.html and doctor.json and print what to do. Raises BadDataset where there is no such folder."""
    if not settings.data.is_dir():
        raise BadDataset(detail=f"no such folder: {settings.data}")
    diagnosis = diagnose(settings.data, settings.limits, settings.lots)
    said = advice(diagnosis)
    for one in said:
        print(f"{_MARKS[one.urgency] + ':':9}{one.text}")
    page = settings.run / "doctor.html"
    write_text(page.with_suffix(".json"), doctor_json(diagnosis, said))
    write_text(page, render(diagnosis, said))
    print(f"{page}: contact sheets and figures; the same list in doctor.json")


def doctor_json(diagnosis: Diagnosis, said: Sequence[Advice]) -> str:
    """What was found, for programs: advice, pictures by folder, suspects with their oddity, what is said of single files."""
    document = {
        "advice": [asdict(one) for one in said],
        "pictures": diagnosis.folders,
        "left_out": diagnosis.left_out.as_json(),
        "mode": None if diagnosis.choice is None else diagnosis.choice.mode.name,
        "suspects": [{"name": exam.name, "oddity": diagnosis.oddities[place].score} for exam, place in suspects_of(diagnosis)],
        "different_good_parts": diagnosis.different,
        "near_duplicates": [list(group) for group in diagnosis.twins],
        "leaks": [list(pair) for pair in diagnosis.leaks],
        "findings": [asdict(one) for one in diagnosis.findings],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: doctor(from_flags(DoctorSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
