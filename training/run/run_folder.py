"""The run folder: whether what it holds was made by these settings from these pictures, and what becomes of it if not."""

from __future__ import annotations

from typing import Any, Final

from snag.core.artifact import load_artifact
from snag.core.errors import BadArtifact
from snag.training.run.provenance import read_config, write_config
from snag.training.settings import TrainSettings

#: Settings that say where and by how many, not what: a run moved or called by another name is still the same run.
_PLACES: Final = {"run", "data", "config", "preset", "nproc", "hosts", "rendezvous"}
#: Settings of what comes after the learning: where only these differ, nothing has to be learnt again.
_AFTERWARDS: Final = {"features"}


def identity(settings: TrainSettings) -> dict[str, Any]:
    """The settings that decide the result."""
    return _without_places(settings.model_dump(mode="json"))


def finished(settings: TrainSettings, data_digest: str) -> bool:
    """Whether the run's artefact was made by these settings from these pictures."""
    try:
        made = load_artifact(settings.run / "snag.pt").settings
    except BadArtifact:
        return False
    return made.get("data_digest") == data_digest and made.get("training") == identity(settings)


def begin(settings: TrainSettings, data_digest: str) -> None:
    """Note what this run is. What other settings or pictures made is no start for it: it is set aside.

    The artefact too, since the new split may calibrate it on pictures that it was trained on. Where only what comes after the
    learning differs, the checkpoint stays.
    """
    path = settings.run / "config.json"
    earlier = read_config(path)
    wanted, had = identity(settings), {}
    if earlier is not None and earlier["data_digest"] == data_digest:
        had = _without_places(earlier["settings"])
    learnt = _without(had, _AFTERWARDS) == _without(wanted, _AFTERWARDS)
    what = "settings changed: what was learnt stays" if learnt else "settings or pictures changed: training starts anew"
    for name in () if had == wanted else ("snag.pt",) if learnt else ("checkpoint.pt", "snag.pt"):
        made = settings.run / name
        if made.exists():
            old = made.with_suffix(".old.pt")
            made.replace(old)
            print(f"{what}; the old {name} is kept as {old.name}")
    for left in (*settings.run.glob(".*.pt.*.part"), *settings.run.glob("cache/.*.part")):
        left.unlink()  # a run that was killed while it wrote
    write_config(settings.model_dump(mode="json"), data_digest, path)


def _without_places(settings: dict[str, Any]) -> dict[str, Any]:
    return _without(settings, _PLACES)


def _without(settings: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}
