"""`python -m training.calibrate`: scores of unseen good pictures -> threshold for a stated false-alarm rate."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field

from cli.settings import Settings, from_flags, run
from snag.artifact import Artifact, load_artifact
from snag.calibration import Calibration, conformal_threshold, rank_of_threshold, write_calibration
from snag.errors import BadDataset, BadScores, NoPictures
from snag.picture import SUFFIXES
from training.dataset import digest_of, good_pictures, read, read_split
from training.golden import write_golden_pictures
from training.progress import progress

#: Pictures scored at a time; more gains nothing on a CPU.
BATCH = 4


class CalibrateSettings(Settings):
    """Calibrate a trained model: choose the threshold that keeps the asked false-alarm rate on good pictures."""

    data: Path = Field(Path("data/sample"), description="data set that the model was trained on")
    run: Path = Field(Path("runs/sample"), description="folder with snag.pt; calibration.json is written there")
    fpr: float = Field(0.05, gt=0, lt=1, description="target false-alarm rate")
    good: Path | None = Field(None, description="folder of other good pictures to calibrate on, instead of the kept ones")
    threshold: float | None = Field(None, description="set the threshold by hand; p-values still come from the scores")


def calibrate(settings: CalibrateSettings) -> Calibration:
    """Score the calibration pictures through the artefact and write `calibration.json`."""
    artifact = load_artifact(settings.run / "snag.pt")
    paths, root = _pictures(settings, artifact)
    if settings.threshold is None:
        conformal_threshold([0.0] * len(paths), settings.fpr)  # too few pictures: say so before scoring them
    scores, peaks = score_files(artifact, paths)
    scored = dict(zip(paths, scores, strict=True))
    scores.sort()
    if wrong := sum(not math.isfinite(score) for score in scores):
        raise BadScores(count=wrong, total=len(scores))
    chosen = settings.threshold
    calibration = Calibration(
        scores=tuple(scores),
        rate=settings.fpr,
        threshold=conformal_threshold(scores, settings.fpr) if chosen is None else chosen,
        method="split-conformal" if chosen is None else "manual",
        score_unit=artifact.score_unit,
        artifact=artifact.fingerprint,
        data_digest=digest_of(paths, root),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        map_level=_map_level(peaks, settings.fpr) if artifact.settings.get("score") == "mse" and peaks else None,
        map_peaks=() if sorted(peaks) == scores else tuple(sorted(peaks)),
    )
    write_golden_pictures(artifact, scored, settings.run)
    write_calibration(calibration, settings.run / "calibration.json")
    return calibration


def score_files(artifact: Artifact, paths: list[Path]) -> tuple[list[float], list[float]]:
    """Anomaly scores of picture files, in their order, and the peaks of the judged ones' maps. Raises UnreadablePictures."""
    scores: list[float] = []
    peaks: list[float] = []
    for start in progress(range(0, len(paths), BATCH), "calibrate", "batch"):
        batch = [read(path) for path in paths[start : start + BATCH]]
        found = artifact.score(batch)
        scores += [one.anomaly_score for one in found]
        peaks += [float(one.anomaly_map.max()) for one in found if one.reason is None]
    return scores, peaks


def _map_level(peaks: list[float], rate: float) -> float:
    """The mean over a picture says nothing of how high its map may rise: the map gets the same rate on its own peaks."""
    return sorted(peaks)[min(rank_of_threshold(len(peaks), rate), len(peaks)) - 1]


def _pictures(settings: CalibrateSettings, artifact: Artifact) -> tuple[list[Path], Path]:
    """The pictures to calibrate on, and the folder that their names are relative to."""
    if settings.good is not None:
        found = [path for path in settings.good.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
        if not found:
            raise NoPictures(folder=settings.good, expected="good pictures to calibrate on")
        return sorted(found), settings.good
    names = read_split(settings.run / "split.json").calibrate
    if not names:
        raise NoPictures(
            folder=f"the calibration share of {settings.run}", expected="good pictures of another folder in --good"
        )
    if digest_of(good_pictures(settings.data), settings.data) != artifact.settings["data_digest"]:
        raise BadDataset(
            detail=f"{settings.data} does not hold the pictures that {artifact.path} was trained on, or no longer the same; "
            "name them with --data, or other good ones with --good"
        )
    return [settings.data / name for name in names], settings.data


def _say(calibration: Calibration) -> None:
    stopped = sum(score > calibration.threshold for score in calibration.scores)
    print(
        f"threshold {calibration.threshold:.6g} ({calibration.method}) for a false-alarm rate of {calibration.rate:g}, "
        f"from {calibration.count} good pictures that training never saw; {stopped} of them lie above it"
    )


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: _say(calibrate(from_flags(CalibrateSettings, argv))))


if __name__ == "__main__":
    raise SystemExit(main())
