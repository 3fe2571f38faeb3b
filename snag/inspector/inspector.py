"""`snag.load(...).judge(...)`: the server's verdict in one's own program, by the code, settings and checks of a worker."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
import yaml

import snag
from snag.core.bundle import Bundle, load_bundle
from snag.core.calibration import Calibration
from snag.core.errors import BadArtifact
from snag.core.inspection import RowInspector
from snag.core.serving import ServingSettings, serving_settings
from snag.core.telemetry import MetricsBuffer
from snag.core.verdict import Verdict
from snag.inspector.pixels import Picture, tensor_of
from snag.inspector.unpacked import other_code, unpacked

_CONFIGURATION: Final = "model-config.yaml"


class Inspector:
    """Judges pictures with one model, as a server with the same archive does. `snag.load` makes it."""

    def __init__(self, bundle: Bundle, settings: ServingSettings, path: Path) -> None:
        self._bundle = bundle
        self._settings = settings
        self._limits = settings.limits(bundle.artifact.limits)
        self.path: Final = path  #: of the archive or run folder

    @property
    def calibration(self) -> Calibration:
        """The calibration scores with the threshold that they gave, of all pictures and of each group."""
        return self._bundle.calibration

    def judge(self, picture: Picture, group: str | None = None) -> Verdict:
        """The verdict on one picture; equal bytes get the server's score.

        `picture` is a file's path, the bytes of an encoded picture (PNG, JPEG, BMP, TIFF, WebP), a Pillow image, or an array,
        uint8 or uint16: [H, W] grey, [H, W, 3] RGB or [H, W, 4] with alpha. White of 16 bits is where it was in the pictures
        that the model was trained on, or, where all of them had 8, the least of 255, 1023, 4095, 16383 and 65535 that the
        picture does not exceed. Files and Pillow images are turned upright by their EXIF orientation; of an array row 0 is the
        upper edge. `group` names the camera, tool or shift, where calibration knows such groups.

        The score is in the unit `calibration.score_unit`, higher is more anomalous; the p-value is the share of good pictures
        that look at least as anomalous, 0 to 1. While it judges, torch uses as many threads as a worker, since the last digits
        of a score depend on them.

        Raises BrokenPicture, PictureTooLarge or UnsupportedFormat, each with what would be accepted.
        """
        decoded = tensor_of(picture, self._limits)
        with _threads(self._settings.torch_threads):
            return self._bundle.judge(decoded, group)


def load(path: str | os.PathLike[str]) -> Inspector:
    """Open an archive (`screw.mar`) or a run folder (with `snag.pt` and `calibration.json`).

    The model must answer its golden pictures with the scores that it was packed with, as in a worker. An archive is read
    without leaving files behind; where its own scoring code is not the code installed here, a UserWarning says which files
    differ.

    Raises BadArtifact for what is neither, is damaged or of an older Snag, ArtifactMismatch where its parts do not belong
    together, GoldenMismatch where it scores otherwise here, BadConfig for wrong settings of the server.
    """
    place = Path(path)
    if place.is_dir():
        return _opened(place, place)
    if not place.is_file():
        raise BadArtifact(path=place, detail="there is no such file; expected an archive (.mar) or a run folder")
    with unpacked(place) as folder:
        if differing := other_code(place):
            warnings.warn(_other(place, differing), UserWarning, stacklevel=2)
        return _opened(folder, place)


def _opened(folder: Path, path: Path) -> Inspector:
    settings = _settings(folder)
    bundle = load_bundle(folder)
    worker = RowInspector(
        bundle.artifact, bundle.calibration, settings, path.stem, "loaded", MetricsBuffer(), _report, bundle.reference
    )
    with _threads(settings.torch_threads):
        worker.prove(bundle.golden, bundle.pictures)
    return Inspector(replace(bundle, artifact=replace(bundle.artifact, path=path)), settings, path)


def _settings(folder: Path) -> ServingSettings:
    """A worker's settings: the archive's, or those with which a run folder would be packed. Raises BadConfig or BadArtifact."""
    own = folder / _CONFIGURATION
    path = own if own.exists() else Path(snag.__file__).parent / "handler" / _CONFIGURATION
    try:
        return serving_settings((yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("handler"))
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise BadArtifact(path=path, detail=f"not a model's settings for the server ({error})") from error


def _other(archive: Path, files: list[str]) -> str:
    return (
        f"{archive} carries another version of the code that scores than is installed here (snag {snag.__version__}; "
        f"{', '.join(files)}): a server runs the archive's own. Its golden pictures are scored here before it is used; "
        "pack it again with this version to have one code"
    )


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """While it lasts, torch works with so many threads."""
    before = torch.get_num_threads()
    if before == count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
