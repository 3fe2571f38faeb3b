"""Evaluate: labelled pictures through the exported artefact to RUN/report: metrics.json, results.csv, index.html.

Without test/ the report covers the calibration alone; without ground_truth/ its image part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydantic import Field
from tqdm import tqdm

from snag.cli.settings import Settings, from_flags, run
from snag.core.artifact import Artifact, check_pair, load_artifact
from snag.core.calibration import Calibration, read_calibration
from snag.core.errors import BadDataset, UnreadablePictures
from snag.core.file_names import spelled
from snag.core.files import write_text
from snag.core.heatmap import scale_of
from snag.evaluation.aupro import region_weights
from snag.evaluation.figures import figures
from snag.evaluation.gallery import Gallery
from snag.evaluation.groups import grouped
from snag.evaluation.judged_pictures import JudgedPicture, Unreadable, judge_pictures
from snag.evaluation.labelled import LabelledPicture, labelled_folder, read_mask
from snag.evaluation.remarks import folder_remarks, mask_remarks
from snag.evaluation.report import render
from snag.evaluation.results import PictureResult, result_of, results_csv
from snag.evaluation.score_histogram import PixelHistogram
from snag.evaluation.shift_table import ShiftTable, chosen_pictures, score_shifts, shift_table
from snag.evaluation.summary import Evaluation, metrics_json


class EvaluateSettings(Settings):
    """Judge DATA/test with a trained and calibrated model and write RUN/report."""

    data: Path = Field(
        Path("data/sample"), description="folder in the MVTec AD layout: test/good, test/<defect>, ground_truth/<defect>"
    )
    run: Path = Field(Path("runs/sample"), description="folder with snag.pt, calibration.json; report/ is written there")
    batch: int = Field(4, ge=1, description="pictures that go through the model together; changes speed and memory alone")
    shifts: bool = Field(
        False, description="also judge every picture under other lamps, focus and places; some forty times as long"
    )
    shift_pictures: int = Field(0, ge=0, description="of those at most so many good and as many defective pictures; 0: all")
    groups: Path | None = Field(
        None, description="CSV with the columns path, group; without it the folders below test/<kind> are the groups"
    )
    gallery: int = Field(2, ge=0, le=20, description="how many best and how many worst pictures of each class are shown")


@dataclass
class Gathered:
    """What is gathered while the pictures pass by."""

    gallery: Gallery
    results: list[PictureResult] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    pixels: PixelHistogram = field(default_factory=PixelHistogram)
    mask_faults: list[str] = field(default_factory=list)  #: one line for each unusable or missing mask
    soft_masks: int = 0  #: how many masks were cut at half


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    return run(lambda: evaluate(from_flags(EvaluateSettings, argv)))


def evaluate(settings: EvaluateSettings) -> None:
    """Judge every labelled picture and write the three files. Raises UnreadablePictures when not one could be read."""
    artifact = load_artifact(settings.run / "snag.pt")
    calibration_path = settings.run / "calibration.json"
    calibration = read_calibration(calibration_path)
    check_pair(artifact, calibration, calibration_path)
    found = labelled_folder(settings.data)
    pictures, group_remarks = grouped(found.pictures, settings.groups, settings.data)
    gathered = _gather(settings, artifact, calibration, pictures)
    remarks = [
        *folder_remarks(settings.data, found),
        *group_remarks,
        *mask_remarks(settings.data, found, gathered.mask_faults, gathered.soft_masks),
    ]
    evaluation = Evaluation(
        name=spelled(settings.run.resolve().name),
        data=spelled(settings.data),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        artifact=artifact,
        calibration=calibration,
        figures=figures(gathered.results, gathered.pixels, calibration.threshold),
        results=gathered.results,
        unreadable=gathered.unreadable,
        mask_faults=gathered.mask_faults,
        remarks=remarks,
        pixels=gathered.pixels,
        gallery=gathered.gallery,
        shifts=_shifts(settings, artifact, calibration, pictures),
    )
    report = settings.run / "report"
    write_text(report / "results.csv", results_csv(gathered.results, gathered.unreadable))
    write_text(report / "index.html", render(evaluation))
    write_text(report / "metrics.json", metrics_json(evaluation))  # last: make takes it as the sign that all is there
    print(*(f"warning: {remark}" for remark in remarks), sep="\n", end="\n" if remarks else "")
    print(f"{report / 'index.html'}: the report; figures in metrics.json, a row for each picture in results.csv")


def _gather(
    settings: EvaluateSettings, artifact: Artifact, calibration: Calibration, pictures: Sequence[LabelledPicture]
) -> Gathered:
    gathered = Gathered(Gallery(settings.gallery, scale_of(calibration), artifact.settings.get("memory_weight") is not None))
    has_masks = any(picture.mask_path or picture.mask_fault for picture in pictures)
    stream = judge_pictures(artifact, calibration, pictures, settings.batch)
    for item in tqdm(stream, "evaluate", len(pictures), unit="picture", disable=None):
        if isinstance(item, Unreadable):
            gathered.unreadable.append(item)
        else:
            _take(gathered, artifact, item, has_masks)
    if pictures and not gathered.results:
        first = gathered.unreadable[0]
        raise UnreadablePictures(count=len(pictures), first=first.picture.name, detail=first.detail)
    return gathered


def _shifts(
    settings: EvaluateSettings, artifact: Artifact, calibration: Calibration, pictures: Sequence[LabelledPicture]
) -> ShiftTable | None:
    if not settings.shifts or not pictures:
        return None
    chosen = chosen_pictures(pictures, settings.shift_pictures)
    scores = score_shifts(artifact, tqdm(chosen, "shifts", unit="picture", disable=None))
    return shift_table(scores, calibration)


def _take(gathered: Gathered, artifact: Artifact, item: JudgedPicture, has_masks: bool) -> None:
    result = result_of(item)
    gathered.results.append(result)
    wanted = gathered.gallery.wants(result)
    if not (has_masks or wanted):
        return
    height, width = item.pixels.shape[-2:]
    anomaly_map = artifact.map_in_picture(item.scores, height, width)
    if item.verdict.reason:  # its pose is a guess, so its map points nowhere: it finds no defect and marks no good pixel
        anomaly_map = anomaly_map.new_zeros(height, width)
    mask = _marked(gathered, item.picture, height, width) if has_masks and item.picture.is_bad else None
    if has_masks and (mask is not None or not item.picture.is_bad):
        gathered.pixels.add(anomaly_map.numpy(), None if mask is None else region_weights(mask))
    if wanted:
        gathered.gallery.add(item, result, anomaly_map, mask)


def _marked(gathered: Gathered, picture: LabelledPicture, height: int, width: int) -> np.ndarray | None:
    """The picture's ground truth; None, and a line among the faults, where there is none to use."""
    if picture.mask_path is None:
        gathered.mask_faults.append(f"{picture.name}: {picture.mask_fault or 'no ground truth'}")
        return None
    try:
        mask = read_mask(picture.mask_path, height, width)
    except BadDataset as fault:
        gathered.mask_faults.append(f"{picture.name}: {fault}")
        return None
    gathered.soft_masks += mask.is_soft
    return mask.marked


if __name__ == "__main__":
    raise SystemExit(main())
