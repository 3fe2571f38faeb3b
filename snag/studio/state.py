"""The state of a product, read from the files of its data set, its run and the server; nothing is kept besides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from snag.cli.lock import is_locked
from snag.core.calibration import Calibration
from snag.core.errors import BadArtifact
from snag.review.spooled import Spooled, read_spooled
from snag.server.state.instance import Instance
from snag.server.state.served import Model, read_state
from snag.studio.album import Album, album_of
from snag.studio.findings import Findings, findings_of
from snag.studio.jobs import JobState, read
from snag.studio.labelled import labelled_ids
from snag.studio.products import Product, Workshop
from snag.studio.scores import calibration_of


@dataclass(frozen=True)
class State:
    """Where a product stands."""

    album: Album
    findings: Findings
    job: JobState
    is_training: bool  #: also where a terminal started it
    is_trained: bool
    calibration: Calibration | None
    served: Model | None  #: None while the server does not run, or not with this model

    @property
    def version(self) -> str | None:
        """The version that answers."""
        return self.served.default.version if self.served and self.served.default else None

    @property
    def previous(self) -> str | None:
        """The version to go back to."""
        return self.served.previous.version if self.served and self.served.previous else None


def state_of(product: Product, workshop: Workshop) -> State:
    """Everything that the pages tell of a product. Raises UnreadableFolder."""
    return State(
        album=album_of(product),
        findings=findings_of(product),
        job=read(product.own),
        is_training=product.run.is_dir() and is_locked(product.run),
        is_trained=(product.run / "snag.pt").exists(),
        calibration=calibration_of(product),
        served=served(workshop).get(product.model),
    )


def is_up(workshop: Workshop) -> bool:
    """Whether the server runs."""
    return workshop.server.is_dir() and Instance(workshop.server).process() is not None


def served(workshop: Workshop) -> dict[str, Model]:
    """What the server serves, by model; nothing while it does not run."""
    if not is_up(workshop):
        return {}
    try:
        return {model.name: model for model in read_state(Instance(workshop.server).served)}
    except BadArtifact:
        return {}


def open_reviews(workshop: Workshop, model: str) -> list[Spooled]:
    """Pictures of the server's spool that wait for a label, newest first."""
    labelled = labelled_ids(workshop.labels)
    paths = sorted((workshop.server / "spool").glob("*.json"), reverse=True)
    found = (_spooled(path) for path in paths if path.name != "seen.json" and path.stem not in labelled)
    return [one for one in found if one is not None and one.model == model]


def spooled_of(workshop: Workshop, request_id: str) -> Spooled | None:
    """The picture of one request, where the spool keeps it."""
    paths = (workshop.server / "spool").glob("*.json")
    found = (_spooled(path) for path in paths if path.name != "seen.json")
    return next((one for one in found if one is not None and one.request_id == request_id), None)


def spooled_requests(workshop: Workshop) -> frozenset[str]:
    """The requests whose pictures the spool keeps."""
    paths = (workshop.server / "spool").glob("*.json")
    found = (_spooled(path) for path in paths if path.name != "seen.json")
    return frozenset(one.request_id for one in found if one is not None)


@lru_cache(maxsize=50_000)
def _spooled(path: Path) -> Spooled | None:
    """A file of the spool never changes; it only goes."""
    return read_spooled(path)
