"""Remarks: what of a data set evaluation left out or read in a way that whoever made it may not expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from snag.core.file_names import spelled
from snag.evaluation.labelled import GOOD, LabelledFolder
from snag.labels.folder_names import folders_in, meant
from snag.pages.formats import counted


def folder_remarks(data: Path, found: LabelledFolder) -> Iterator[str]:
    """What of DATA/test is not judged: what is no picture or lies in no folder of a kind, and folders that may mean good."""
    if sentence := found.left_out.sentence("test"):
        yield sentence
    if not (data / "test").is_dir():
        for other in meant(folders_in(data), "test"):
            yield f"There is no folder test, but {other}, which is not read: rename it to test."
    is_there = (data / "test" / GOOD).is_dir()
    for folder, count in sorted(found.like_good.items()):
        cure = f"move them into test/{GOOD}" if is_there else f"rename it to test/{GOOD}"
        yield (
            f'"test/{spelled(folder)}" ({counted(count)}) is left out: its name seems to mean good, and only '
            f"test/{GOOD} is. If these are good parts, {cure}; if they are defective, give the folder the defect's name."
        )


def mask_remarks(data: Path, found: LabelledFolder, faults: Sequence[str], soft: int) -> Iterator[str]:
    """Masks that are missing, can't be used, belong to no picture or are read at half; `faults` as evaluation lists them."""
    bad = [picture for picture in found.pictures if picture.is_bad]
    if not (data / "ground_truth").is_dir():
        for other in meant(folders_in(data), "ground_truth"):
            yield f"There is no folder ground_truth, but {other}, which is not read: if it holds masks, rename it so."
    if bad and not any(picture.mask_path or picture.mask_fault for picture in bad):
        yield (
            f"There are no figures by pixel: none of {counted(len(bad), 'defective picture')} has a mask, expected as "
            "ground_truth/<kind of defect>/<same name>_mask.png."
        )
    elif faults:
        is_one = len(faults) == 1
        yield (
            f"{len(faults)} of {counted(len(bad), 'defective picture')} {'has' if is_one else 'have'} no usable mask and "
            f"{'is' if is_one else 'are'} missing in the figures by pixel: {_named(faults)}."
        )
    if soft:
        yield (
            f"{counted(soft, 'mask')} {'has' if soft == 1 else 'have'} grey values between black and white (soft edges, JPEG): "
            "what reaches half of the brightest counts as defect."
        )
    if strays := [spelled(one.as_posix()) for one in found.stray_masks]:
        is_one = len(strays) == 1
        yield (
            f"{counted(len(strays), 'mask')} {'belongs' if is_one else 'belong'} to no picture and {'is' if is_one else 'are'} "
            f"not used: {_named(strays)}."
        )


def _named(some: Sequence[str]) -> str:
    """The first few."""
    shown = "; ".join(some[:3])
    return shown if len(some) <= 3 else f"{shown}; and {len(some) - 3} more"
