"""`snag score`: stored pictures -> scores.parquet, a row for each, exactly once; goes on where it stopped.

    source ── plan (SQLite) ── parts ── workers ── part files ─┬─► OUT                   a row for each judged picture
              each once, sorted                                ├─► OUT.refused.parquet   the others, with the reason
                                                               ├─► OUT.json, OUT.html    counts, histogram, contact sheet
A part is a range of the plan. Its file is written atomically and says what it was made from, so a part that a dead worker left
is made again, one that is there is not, and two workers that made the same one wrote the same. That, not the engine, is why
each picture has exactly one row.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import Field
from tqdm import tqdm

import snag
from snag.cli.lock import held
from snag.cli.settings import Settings, from_flags, run
from snag.core.artifact import check_pair, load_artifact
from snag.core.calibration import calibration_json, read_calibration
from snag.core.errors import BadConfig, NoPictures, OtherScores
from snag.core.file_names import spelled
from snag.core.files import write_text
from snag.core.left_out import LeftOut
from snag.core.serving import ServingSettings, serving_settings
from snag.offline.engine import run_parts
from snag.offline.plan import Plan, find, make_plan
from snag.offline.quarantine import judge_apart
from snag.offline.rows import assemble, batches, is_whole, origin_of
from snag.offline.scoring import Job, OfflineJudge
from snag.offline.sheet import render
from snag.offline.sources import entries
from snag.offline.summary import ScoringSummary, summarise, summary_json

_MODEL_CONFIG: Final = Path(snag.__file__).parent / "handler" / "model-config.yaml"


class ScoreSettings(Settings):
    """Score stored pictures by the million; run the same command again to go on after a stop."""

    source: str = Field(description="folder, glob in quotes, uncompressed .tar, or text file with a path a line")
    run: Path = Field(description="folder of the run: snag.pt and calibration.json")
    out: Path = Field(Path("scores.parquet"), description="table to write; the others lie beside it")
    workers: int = Field(os.cpu_count() or 1, ge=1, description="processes on this machine, each of which takes a core")
    scheduler: str | None = Field(None, description="address of a Dask scheduler whose workers see the same files, instead")
    part: int = Field(200, ge=1, description="pictures that are done or lost together")
    worst: int = Field(24, ge=0, description="pictures of the contact sheet")
    model_config_file: Path | None = Field(None, description="the server's limits for pictures (unset: the usual)")


def score(settings: ScoreSettings) -> ScoringSummary:
    """Score what is not yet scored, then make the tables and the summary.

    Raises NoPictures, OtherScores when the output is another scoring's, ScoringFailed when processes die before any picture.
    """
    work = beside(settings.out, ".parts")
    with held(work, "scoring into"):
        return _score(settings, work)


def _score(settings: ScoreSettings, work: Path) -> ScoringSummary:
    left_out = LeftOut()
    plan = make_plan(entries(settings.source, left_out), work / "plan.sqlite")
    sentence = left_out.sentence(settings.source)
    if not plan.count:
        raise NoPictures(folder=settings.source, expected=f"files of a picture format{'; ' if sentence else ''}{sentence}")
    if sentence:
        print(sentence, flush=True)
    job = _job(settings, plan, work)
    if not _is_done(settings.out, job.origin):
        _score_missing(settings, job)
        assemble(
            [job.part(number) for number in job.numbers], settings.out, beside(settings.out, ".refused.parquet"), job.origin
        )
    summary = _summarise(settings, job, left_out)
    shutil.rmtree(work)
    return summary


def beside(out: Path, ending: str) -> Path:
    """Another file of the same scoring."""
    return out.with_name(out.stem + ending)


def _job(settings: ScoreSettings, plan: Plan, work: Path) -> Job:
    artifact = load_artifact(settings.run / "snag.pt")
    calibration = read_calibration(settings.run / "calibration.json")
    check_pair(artifact, calibration, settings.run / "calibration.json")
    origin = {
        "name": spelled(settings.run.resolve().name),
        "model": artifact.fingerprint,
        "calibration": hashlib.sha256(calibration_json(calibration).encode()).hexdigest(),
        "threshold": calibration.threshold,
        "rate": calibration.rate,
        "source": plan.digest,
        "pictures": plan.count,
    }
    serving = _serving(settings.model_config_file or _MODEL_CONFIG)
    return Job(settings.run.resolve(), serving, plan.path.resolve(), work.resolve(), settings.part, plan.count, origin)


def _serving(path: Path) -> ServingSettings:
    try:
        return serving_settings(yaml.safe_load(path.read_text(encoding="utf-8"))["handler"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise BadConfig(detail=f"{path}: {error}; expected the server's settings for a model, in YAML") from error


def _is_done(out: Path, origin: Mapping[str, Any]) -> bool:
    found = origin_of(out)
    if (found is None and out.exists()) or found not in (None, origin):
        raise OtherScores(path=out)
    return found is not None


def _score_missing(settings: ScoreSettings, job: Job) -> None:
    missing = [number for number in job.numbers if not _is_there(job, number)]
    left = sum(stop - start for start, stop in map(job.bounds, missing))
    lost: list[int] = []
    counts: Counter[str] = Counter()
    interval = 0.5 if sys.stderr.isatty() else 10.0
    bar = tqdm(
        desc="score", unit="picture", total=job.count, initial=job.count - left, mininterval=interval, dynamic_ncols=True
    )
    with bar:
        for finished in run_parts(job, missing, settings.workers, settings.scheduler):
            counts += finished.counts
            lost += [finished.number] if finished.is_given_up else []
            bar.set_postfix(refused=counts.total() - counts["judged"], refresh=False)
            bar.update(finished.counts.total())
        for number in lost:  # at the end, when the workers' memory is free
            bar.update(judge_apart(job, number).total())


def _is_there(job: Job, number: int) -> bool:
    start, stop = job.bounds(number)
    return is_whole(job.part(number), stop - start, job.origin)


def _summarise(settings: ScoreSettings, job: Job, left_out: LeftOut) -> ScoringSummary:
    refused = beside(settings.out, ".refused.parquet")
    judged_rows, refused_rows = (chain.from_iterable(batches(path)) for path in (settings.out, refused))
    summary = summarise(judged_rows, refused_rows, job.origin["threshold"], settings.worst)
    judge = OfflineJudge(job.run, job.serving)
    sheet = render(summary, job.origin, lambda name: judge.overlay(find(job.plan, name)), left_out.sentence())
    document = summary_json(summary, job.origin) | {"left_out": left_out.as_json()}
    write_text(beside(settings.out, ".json"), json.dumps(document, indent=1) + "\n")
    write_text(beside(settings.out, ".html"), sheet)
    return summary


def _say(settings: ScoreSettings, summary: ScoringSummary) -> None:
    refused = ", ".join(f"{count} {code}" for code, count in sorted(summary.refused.items())) or "none"
    print(
        f"{settings.out}: {summary.judged} pictures judged, {summary.anomalies} anomalies ({summary.share:.2%}); "
        f"refused: {refused}; the sheet is {beside(settings.out, '.html')}"
    )


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""

    def work() -> None:
        settings = from_flags(ScoreSettings, argv)
        _say(settings, score(settings))

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())
