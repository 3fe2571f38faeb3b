"""`snag calibrate`: scores of unseen good pictures -> threshold for a stated false-alarm rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from snag.cli.settings import from_flags, run
from snag.core.artifact import UNJUDGED_SCORE, Artifact, load_artifact
from snag.core.calibration import MANUAL, SPLIT_CONFORMAL, Calibration, Group, rank_of_threshold, write_calibration
from snag.core.errors import BadDataset, BadScores, TooFewCalibrationPictures, UnjudgedCalibrationPictures
from snag.core.files import sha256_of
from snag.core.guarantee import Guarantee
from snag.core.picture import SUFFIXES
from snag.core.threshold_comparison import ThresholdComparison
from snag.training.calibration.calibration_set import calibration_set, pictures_below
from snag.training.calibration.capture_reference import write_capture_reference
from snag.training.calibration.compare_thresholds import compare_thresholds
from snag.training.calibration.golden import write_golden_pictures
from snag.training.calibration.groups import calibrated_groups, groups_by_folder, groups_by_list
from snag.training.calibration.guarantee import guarantee_of_chosen, promised_threshold
from snag.training.calibration.highest import FILE, write_highest
from snag.training.calibration.order_in_time import order_in_time
from snag.training.calibration.settings import CalibrateSettings
from snag.training.calibration.summary import lines_of
from snag.training.data.dataset import digest_of, read
from snag.training.data.lots import basis
from snag.training.modes import FALLBACK
from snag.training.run.progress import progress

#: Pictures scored at a time; more gains nothing on a CPU.
BATCH = 4


def calibrate(settings: CalibrateSettings) -> Calibration:
    """Score the calibration pictures through the artefact and write `calibration.json`."""
    artifact = load_artifact(settings.run / "snag.pt")
    chosen = calibration_set(settings, artifact)
    paths, root = chosen.paths, chosen.root
    if settings.by_rule:  # too few pictures: say so before scoring them
        promised_threshold([0.0] * len(paths), settings.fpr, settings.promise, settings.confidence)
    names, defects = _group_names(settings, paths, root), _defects(settings)
    unsorted, peaks = score_files(artifact, paths)
    scores = sorted(unsorted)
    if wrong := sum(not math.isfinite(score) for score in scores):
        raise BadScores(count=wrong, total=len(scores))
    compared = _compare(settings, scores, score_files(artifact, defects)[0]) if defects else ()
    threshold, promised = _threshold(settings, scores, compared)
    if settings.by_rule and threshold >= UNJUDGED_SCORE:
        unjudged = [path for path, score in zip(paths, unsorted, strict=True) if score >= UNJUDGED_SCORE]
        raise UnjudgedCalibrationPictures(
            count=len(unjudged), total=len(paths), path=unjudged[0], rate=settings.fpr, fallback=FALLBACK.name
        )
    calibration = Calibration(
        scores=tuple(scores),
        rate=settings.fpr,
        threshold=threshold,
        method=MANUAL if settings.threshold is not None else SPLIT_CONFORMAL if settings.by_rule else settings.method,
        score_unit=artifact.score_unit,
        artifact=artifact.fingerprint,
        data_digest=digest_of(paths, root),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        map_level=_map_level(peaks, settings.fpr) if artifact.settings.get("score") == "mse" and peaks else None,
        map_peaks=() if sorted(peaks) == scores else tuple(sorted(peaks)),
        guarantee=promised,
        left_out=chosen.left_out,
        groups=_groups(settings, unsorted, names),
        comparisons=compared,
    )
    write_golden_pictures(artifact, by_path := dict(zip(paths, unsorted, strict=True)), settings.run)
    write_highest(artifact, by_path, threshold, root, settings.run)
    own = {group.name for group in calibration.groups if group.threshold is not None}
    write_capture_reference(paths, calibration.data_digest, settings.run, [name if name in own else None for name in names])
    write_calibration(calibration, settings.run / "calibration.json")
    print("".join(f"{line}\n" for line in (basis(chosen.lots), order_in_time(paths, unsorted)) if line), end="")
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


def _threshold(
    settings: CalibrateSettings, scores: list[float], compared: Sequence[ThresholdComparison]
) -> tuple[float, Guarantee | None]:
    if settings.threshold is not None:
        return settings.threshold, None
    if settings.by_rule:
        return promised_threshold(scores, settings.fpr, settings.promise, settings.confidence)
    threshold = next(one.threshold for one in compared if one.method == settings.method)
    return threshold, guarantee_of_chosen(scores, threshold, settings.confidence)


def _compare(settings: CalibrateSettings, scores: list[float], defects: list[float]) -> tuple[ThresholdComparison, ...]:
    """Every method side by side. Pictures that can't be judged are rejected whatever the threshold: infinite scores."""
    good, bad = ([math.inf if score >= UNJUDGED_SCORE else score for score in some] for some in (scores, defects))
    try:
        threshold, promised = promised_threshold(scores, settings.fpr, settings.promise, settings.confidence)
        conformal = threshold, promised.bound
    except TooFewCalibrationPictures:
        conformal = None
    return compare_thresholds(good, bad, conformal, settings.confidence, settings.costs)


def _groups(settings: CalibrateSettings, scores: list[float], names: list[str | None]) -> tuple[Group, ...]:
    return calibrated_groups(scores, names, settings.fpr, settings.promise, settings.confidence) if settings.by_rule else ()


def _map_level(peaks: list[float], rate: float) -> float:
    """The mean over a picture says nothing of how high its map may rise: the map gets the same rate on its own peaks."""
    return sorted(peaks)[min(rank_of_threshold(len(peaks), rate), len(peaks)) - 1]


def _group_names(settings: CalibrateSettings, paths: list[Path], root: Path) -> list[str | None]:
    """The group of each picture."""
    if settings.groups is not None:
        return groups_by_list(paths, settings.groups, root)
    return groups_by_folder(paths, root / "train" / "good" if settings.good is None else root) if settings.by_rule else []


def _defects(settings: CalibrateSettings) -> list[Path]:
    """The labelled defects. Raises BadDataset where the test set has one of them, under whatever name."""
    if settings.defects is None:
        return []
    defects, test = pictures_below(settings.defects, "pictures of defective parts"), settings.data / "test"
    tested = {sha256_of(path) for path in test.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()}
    if taken := next((path for path in defects if sha256_of(path) in tested), None):
        raise BadDataset(
            detail=f"{taken} is a picture of {test}: what a threshold is chosen with can't test it; expected other defects"
        )
    return defects


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""

    def work() -> None:
        settings = from_flags(CalibrateSettings, argv)
        print(*lines_of(calibrate(settings)), sep="\n")
        print(f"{settings.run / FILE}: the highest scores. A picture that shows a defect holds the threshold up: see EXCLUDE")

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())
