"""`snag calibrate`: scores of unseen good pictures -> threshold for a stated false-alarm rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from snag.cli.settings import from_flags, run
from snag.core.artifact import UNJUDGED_SCORE, Artifact, load_artifact
from snag.core.calibration import Calibration, rank_of_threshold, write_calibration
from snag.core.errors import BadDataset, BadScores, TooFewCalibrationPictures, UnjudgedCalibrationPictures
from snag.core.file_names import original
from snag.core.group import REST, Group
from snag.core.guarantee import Guarantee
from snag.core.threshold_comparison import ThresholdComparison
from snag.training.calibration.calibration_set import CalibrationSet, calibration_set, pictures_below
from snag.training.calibration.capture_reference import write_capture_reference
from snag.training.calibration.compare_thresholds import compare_thresholds
from snag.training.calibration.golden import write_golden_pictures
from snag.training.calibration.groups import calibrated_groups, groups_by_folder, groups_by_list, scores_by_group
from snag.training.calibration.guarantee import guarantee_of_chosen, measured_share, promised_threshold, with_left_out
from snag.training.calibration.highest import FILE, write_highest
from snag.training.calibration.order_in_time import order_in_time
from snag.training.calibration.seen_pictures import same_picture, tested_pictures, unseen
from snag.training.calibration.settings import CalibrateSettings
from snag.training.calibration.summary import lines_of
from snag.training.data.dataset import digest_of, read
from snag.training.data.lots import basis
from snag.training.modes import FALLBACK
from snag.training.run.progress import progress

#: Pictures scored at a time; more gains nothing on a CPU.
BATCH = 4
#: Share of the calibration pictures up to which some may be left out without a word.
MANY = 0.05


def calibrate(settings: CalibrateSettings) -> Calibration:
    """Score the calibration pictures through the artefact and write `calibration.json`."""
    artifact = load_artifact(settings.run / "snag.pt")
    chosen, unchecked = _chosen(settings, artifact)
    paths, root, left_out = chosen.paths, chosen.root, [chosen.root / original(name) for name in chosen.left_out]
    if settings.by_rule:  # too few pictures: say so before scoring them
        promised_threshold([0.0] * len(paths), settings.fpr, settings.promise, settings.confidence)
    names, defects = _group_names(settings, [*paths, *left_out], root), _defects(settings, artifact)
    scores, peaks = score_files(artifact, paths)
    known = ScoredPictures(scores, score_files(artifact, left_out)[0] if left_out else [], names)
    if wrong := sum(not math.isfinite(score) for score in known.every):
        raise BadScores(count=wrong, total=len(known.every))
    compared = _compare(settings, scores, score_files(artifact, defects)[0]) if defects else ()
    threshold, promised = _threshold(settings, known, compared)
    _check_judged(settings, threshold, dict(zip(paths, scores, strict=True)))
    groups, rest = _groups(settings, known)
    calibration = Calibration(
        scores=tuple(sorted(scores)),
        rate=settings.fpr if settings.by_rule else None,
        threshold=threshold,
        method=settings.calibration_method,
        score_unit=artifact.score_unit,
        artifact=artifact.fingerprint,
        data_digest=digest_of(paths, root),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        map_level=_map_level(peaks, settings.fpr) if artifact.settings.get("score") == "mse" and peaks else None,
        map_peaks=() if sorted(peaks) == sorted(scores) else tuple(sorted(peaks)),
        guarantee=promised,
        left_out=chosen.left_out,
        groups=groups,
        rest=rest,
        comparisons=compared,
        unchecked=unchecked,
    )
    _write(settings.run, artifact, calibration, chosen, known)
    for line in filter(None, (basis(chosen.lots), order_in_time(paths, scores))):
        print(line)
    return calibration


@dataclass(frozen=True)
class ScoredPictures:
    """Scores of the calibration pictures, and of those that were left out as no good parts, with their groups."""

    kept: list[float]
    left_out: list[float]
    names: list[str | None]  #: the group of each, first of those kept

    @property
    def every(self) -> list[float]:
        """All scores, in the order of the names."""
        return [*self.kept, *self.left_out]

    @property
    def kept_names(self) -> list[str | None]:
        """Groups of the calibration pictures alone."""
        return self.names[: len(self.kept)]

    @property
    def left_out_by_group(self) -> list[tuple[str | None, float]]:
        """Group and score of each picture that was left out."""
        return list(zip(self.names[len(self.kept) :], self.left_out, strict=True))


def score_files(artifact: Artifact, paths: list[Path]) -> tuple[list[float], list[float]]:
    """Anomaly scores of picture files, in their order, and the peaks of the judged ones' maps. Raises UnreadablePictures."""
    scores: list[float] = []
    peaks: list[float] = []
    for start in progress(range(0, len(paths), BATCH), "calibrate", "batch"):
        batch = [read(path, artifact.limits) for path in paths[start : start + BATCH]]
        found = artifact.score(batch)
        scores += [one.anomaly_score for one in found]
        peaks += [float(one.anomaly_map.max()) for one in found if one.reason is None]
    return scores, peaks


def _chosen(settings: CalibrateSettings, artifact: Artifact) -> tuple[CalibrationSet, str]:
    """The calibration pictures, and why nobody knows whether training saw them, or nothing. Raises BadDataset."""
    chosen = calibration_set(settings, artifact)
    unchecked = ""
    if settings.good is not None:
        found = unseen(chosen, settings.data, settings.run, artifact)
        chosen, unchecked = found.chosen, found.unchecked
        if found.copies:
            print(f"{found.copies} pictures of {settings.good} are copies of others there: each picture counts once")
    left_out, every = len(chosen.left_out), len(chosen.paths) + len(chosen.left_out)
    if left_out > MANY * every and not settings.exclude_many:
        raise BadDataset(
            detail=f"{settings.exclude} leaves out {left_out} of {every} calibration pictures, more than {100 * MANY:g} %: if "
            "these are good parts after all, the threshold rejects many more than it promises. Expected fewer, or "
            "--exclude-many where each of them surely shows no good part"
        )
    return chosen, unchecked


def _write(run: Path, artifact: Artifact, calibration: Calibration, chosen: CalibrationSet, known: ScoredPictures) -> None:
    """The calibration, and what belongs to it."""
    by_path = dict(zip(chosen.paths, known.kept, strict=True))
    write_golden_pictures(artifact, by_path, run)
    write_highest(artifact, by_path, calibration.threshold, chosen.root, run)
    own = {group.name for group in calibration.groups if group.threshold is not None}
    other = REST if calibration.rest and calibration.rest.threshold is not None else None
    judged_by = [name if name in own else other for name in known.kept_names]
    write_capture_reference(chosen.paths, calibration.data_digest, run, judged_by, artifact.limits)
    write_calibration(calibration, run / "calibration.json")


def _check_judged(settings: CalibrateSettings, threshold: float, scores: Mapping[Path, float]) -> None:
    """Raises UnjudgedCalibrationPictures where the rule's threshold would stop nothing but what can't be judged."""
    if settings.by_rule and threshold >= UNJUDGED_SCORE:
        unjudged = [path for path, score in scores.items() if score >= UNJUDGED_SCORE]
        raise UnjudgedCalibrationPictures(
            count=len(unjudged), total=len(scores), path=unjudged[0], rate=settings.fpr, fallback=FALLBACK.name
        )


def _threshold(
    settings: CalibrateSettings, known: ScoredPictures, compared: Sequence[ThresholdComparison]
) -> tuple[float, Guarantee]:
    scores, confidence = known.kept, settings.confidence
    if settings.threshold is not None:
        threshold, promised = settings.threshold, measured_share(scores, settings.threshold, confidence)
    elif settings.by_rule:
        threshold, promised = promised_threshold(scores, settings.fpr, settings.promise, confidence)
    else:
        threshold = next(one.threshold for one in compared if one.method == settings.method)
        promised = guarantee_of_chosen(scores, threshold, confidence)
    return threshold, with_left_out(promised, threshold, scores, known.left_out)


def _compare(settings: CalibrateSettings, scores: list[float], defects: list[float]) -> tuple[ThresholdComparison, ...]:
    """Every method side by side. Pictures that can't be judged are rejected whatever the threshold: infinite scores."""
    good, bad = ([math.inf if score >= UNJUDGED_SCORE else score for score in some] for some in (scores, defects))
    try:
        threshold, promised = promised_threshold(scores, settings.fpr, settings.promise, settings.confidence)
        conformal = threshold, promised.bound
    except TooFewCalibrationPictures:
        conformal = None
    return compare_thresholds(good, bad, conformal, settings.confidence, settings.costs)


def _groups(settings: CalibrateSettings, known: ScoredPictures) -> tuple[tuple[Group, ...], Group | None]:
    """The groups, those with enough pictures with a threshold, and the rest of them; none has any where the rule sets none."""
    scores, names = known.kept, known.kept_names
    if not settings.by_rule:
        return tuple(Group(name, tuple(some), None) for name, some in scores_by_group(scores, names).items()), None
    asked = settings.fpr, settings.promise, settings.confidence
    return calibrated_groups(scores, names, *asked, known.left_out_by_group)


def _map_level(peaks: list[float], rate: float) -> float:
    """The mean over a picture says nothing of how high its map may rise: the map gets the same rate on its own peaks."""
    return sorted(peaks)[min(rank_of_threshold(len(peaks), rate), len(peaks)) - 1]


def _group_names(settings: CalibrateSettings, paths: list[Path], root: Path) -> list[str | None]:
    """The group of each picture."""
    if settings.groups is not None:
        return groups_by_list(paths, settings.groups, root)
    return groups_by_folder(paths, root / "train" / "good" if settings.good is None else root)


def _defects(settings: CalibrateSettings, artifact: Artifact) -> list[Path]:
    """The labelled defects. Raises BadDataset where the test set has one of them, under whatever name."""
    if settings.defects is None:
        return []
    defects, test = pictures_below(settings.defects, "pictures of defective parts"), settings.data / "test"
    if taken := same_picture(defects, tested_pictures(settings.data), artifact.limits):
        raise BadDataset(
            detail=f"{taken[0]} is a picture of {test}: what a threshold is chosen with can't test it; expected other defects"
        )
    return defects


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""

    def work() -> None:
        settings = from_flags(CalibrateSettings, argv)
        calibration = calibrate(settings)
        print(*lines_of(calibration), sep="\n")
        # A threshold from elsewhere is held up by no picture.
        advice = "" if calibration.rate is None else ". A picture that shows a defect holds the threshold up: see EXCLUDE"
        print(f"{settings.run / FILE}: the highest scores{advice}")

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())
