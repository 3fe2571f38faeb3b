"""`python -m doctor`: looks at a data set before any training and writes a page with what to do."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from cli.settings import Settings, from_flags, run
from doctor.advice import advice
from doctor.diagnosis import diagnose
from doctor.page import render
from snag.errors import BadDataset
from snag.files import write_text

#: What stands before a line on the terminal.
_MARKS = {"stop": "stop", "warning": "warning", "note": "note", "good": "ok"}


class DoctorSettings(Settings):
    """Look at a data set before any training: what is wrong with it, and what to do."""

    data: Path = Field(Path("data/sample"), description="data set in MVTec layout; only train/good is obligatory")
    run: Path = Field(Path("runs/sample"), description="folder of the model to come; doctor.html is written there")


def doctor(settings: DoctorSettings) -> None:
    """Write RUN/doctor.html and print the list of what to do. Raises BadDataset where there is no such folder."""
    if not settings.data.is_dir():
        raise BadDataset(detail=f"no such folder: {settings.data}")
    diagnosis = diagnose(settings.data)
    said = advice(diagnosis)
    for one in said:
        print(f"{_MARKS[one.urgency] + ':':9}{one.text}")
    page = settings.run / "doctor.html"
    write_text(page, render(diagnosis, said))
    print(f"{page}: contact sheets and figures")


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: doctor(from_flags(DoctorSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
