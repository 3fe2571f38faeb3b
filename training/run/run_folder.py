"""The run folder: whether what it holds was made by these settings from these pictures, and what becomes of it if not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from snag.core.artifact import load_artifact
from snag.core.errors import BadArtifact, FinishedModel
from snag.training.run.provenance import read_config, write_config
from snag.training.settings import TrainSettings

#: Settings that say where, by how many and over what, not what: a run moved or called by another name is still the same run.
_PLACES: Final = {"run", "data", "config", "preset", "nproc", "hosts", "rendezvous", "fresh", "keep_finished"}
#: What belongs to one model. An old one on a new split would be calibrated on pictures that it was trained on.
_FILES: Final = ("snag.pt", "checkpoint.pt", "split.json", "calibration.json", "config.json")
#: What a run's finished model was made with and is not asked for, each by its name in a sentence.
Differences = dict[str, str]


def identity(settings: TrainSettings) -> dict[str, Any]:
    """The settings that decide the result."""
    return _without(settings.model_dump(mode="json"), _PLACES)


def differences(settings: TrainSettings, data_digest: str) -> Differences | None:
    """How the run's finished model differs from what these settings would make of these pictures; None without such a model.

    With `keep_finished` only what was asked for is compared: who serves a model need not say again how it was made.
    """
    made = _finished(settings)
    if made is None:
        return None
    had, wanted = _complete(made.get("training", {})), identity(settings)
    same_pictures = made.get("data_digest") == data_digest
    if same_pictures and had == wanted:
        return {}
    asked = settings.model_fields_set if settings.keep_finished else {"preset", *had, *wanted}
    found = {}
    if not same_pictures:
        found["pictures"] = f"{settings.data / 'train' / 'good'} does not hold the pictures that it was trained on"
    if "preset" in asked and made.get("preset") != settings.preset:
        found["preset"] = f"its preset was {made.get('preset')}, not {settings.preset}"
    for name in [name for name in {**wanted, **had} if name in asked and had.get(name) != wanted.get(name)]:
        found[name] = f"its {name} was {_said(had.get(name))}, not {_said(wanted.get(name))}"
    return found


def is_to_be_trained(settings: TrainSettings, found: Differences | None) -> bool:
    """Whether there is something to do, given the `differences`. Raises FinishedModel where it was not asked to replace one."""
    if found is None or settings.fresh:
        return True
    if found and not settings.keep_finished:
        raise FinishedModel(path=settings.run / "snag.pt", differences="; ".join(found.values()))
    return False


def begin(settings: TrainSettings, data_digest: str) -> None:
    """Note what this run is. What other settings or pictures made is no start for it: it is set aside.

    A finished model too, which is there only if it may be replaced.
    """
    path = settings.run / "config.json"
    made = _finished(settings)
    wanted, had = identity(settings), _earlier(settings, made, data_digest)
    aside: tuple[str, ...] = ()
    what = "training starts anew"
    if had != wanted:
        aside, what = _FILES, f"settings or pictures changed: {what}"
    elif settings.fresh and made is not None:
        aside = _FILES
    for file in (settings.run / name for name in aside):
        if file.exists():
            old = file.with_suffix(f".old{file.suffix}")
            file.replace(old)
            print(f"{what}; the old {file.name} is kept as {old.name}")
    for left in (*settings.run.glob(".*.pt.*.part"), *settings.run.glob("cache/.*.part")):
        left.unlink()  # a run that was killed while it wrote
    write_config(settings.model_dump(mode="json"), data_digest, path)


def _finished(settings: TrainSettings) -> Mapping[str, Any] | None:
    """What the run's finished model tells of itself; None without such a model."""
    try:
        return load_artifact(settings.run / "snag.pt").settings
    except BadArtifact:
        return None


def _earlier(settings: TrainSettings, made: Mapping[str, Any] | None, data_digest: str) -> dict[str, Any]:
    """The settings that decide what lies there, finished (`made`) or not; none of other pictures. Raises BadArtifact."""
    if made is not None:
        digest, had = made.get("data_digest"), made.get("training", {})
    else:
        config = read_config(settings.run / "config.json") or {"data_digest": None, "settings": {}}
        digest, had = config["data_digest"], _without(config["settings"], _PLACES)
    return _complete(had) if digest == data_digest else {}


def _complete(settings: dict[str, Any]) -> dict[str, Any]:
    """With the default of each setting that there was not yet when they were written."""
    return {**identity(TrainSettings()), **settings}


def _said(value: Any) -> str:
    return "unset" if value is None else str(value)


def _without(settings: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}
