"""A verb as one stage of a longer command: run in a process of its own, only where its result is missing or not of this run.

Whether it is, the files themselves say: a calibration names its model, a report and an archive name both. So a run that was
copied, moved or called by another name is still the same run, whatever the age of its files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import snag
from snag.core.calibration import Calibration, read_calibration
from snag.core.errors import BadArtifact, BadConfig
from snag.core.files import sha256_of
from snag.core.picture_files import visible_folders, walk

#: What of a training's flags says where and by how many, not what.
_PLACES: Final = {"run", "nproc", "hosts", "rendezvous"}
#: Flags besides --run that say where a verb's result lies, or what it was made from.
_ALSO: Final = {"train": ("data",), "archive": ("model", "model_store")}
_PACKAGE: Final = Path(snag.__file__).parent


def run_verb(verb: str, flags: Sequence[str]) -> int:
    """Run `snag <verb>` with these flags, words as they are, and answer its exit code.

    In a process of its own: what one stage does to memory ends with it, and the caller needs nothing of what it imports.
    """
    return subprocess.run([sys.executable, "-m", "snag", verb, *flags], check=False).returncode


def is_needed(verb: str, flags: Sequence[str]) -> bool:
    """Whether the result of `snag <verb>` with these flags, `--run` among them, is missing or not of this run.

    A training is needed too where what it is asked for, or its pictures, may not be what the model was made with: it finds out.
    Raises BadConfig where the flags don't say where the result lies.
    """
    given = _given(flags)
    lacking = [name for name in ("run", *_ALSO.get(verb, ())) if not given.get(name)]
    if lacking:
        raise BadConfig(detail=f"{verb}: expected --{lacking[0].replace('_', '-')}, which says where its result lies")
    return _NEEDED[verb](Path(given["run"]), given)


def is_older(made: Path, *sources: Path) -> bool:
    """Whether `made` is missing, or older than one of the sources that exist."""
    if not made.exists():
        return True
    age = made.stat().st_mtime_ns
    return any(source.exists() and source.stat().st_mtime_ns > age for source in sources)


def _given(flags: Sequence[str]) -> dict[str, str]:
    """The flags by the names of their settings: `--model-store=a` and `--model-store a` are model_store, a."""
    found: dict[str, str] = {}
    name = ""
    for word in flags:
        if word.startswith("--"):
            flag, _, value = word.partition("=")
            name = flag.removeprefix("--").replace("-", "_")
            found[name] = value
        elif name:
            found[name] = word
    return found


def _needs_training(run: Path, given: Mapping[str, str]) -> bool:
    weights, settings = run / "snag.pt", _object(run / "config.json").get("settings")
    if not weights.exists() or not isinstance(settings, dict):
        return True
    data = Path(given["data"])
    if os.path.realpath(data) != os.path.realpath(str(settings.get("data"))):
        return True
    asked = {name: value for name, value in given.items() if name not in _PLACES | {"data"}}
    return any(str(settings.get(name)) != value for name, value in asked.items()) or is_older(weights, *_below(data))


def _needs_calibration(run: Path, given: Mapping[str, str]) -> bool:
    return _calibration(run) is None


def _needs_evaluation(run: Path, given: Mapping[str, str]) -> bool:
    report, calibration = run / "report" / "metrics.json", _calibration(run)
    if calibration is None or is_older(report, run / "calibration.json"):
        return True
    figures = _object(report)
    try:
        return [figures["artifact"]["fingerprint"], figures["threshold"]] != [calibration.artifact, calibration.threshold]
    except (KeyError, TypeError):  # nothing that this Snag wrote
        return True


def _needs_packing(run: Path, given: Mapping[str, str]) -> bool:
    path, calibration = Path(given["model_store"]) / f"{given['model']}.mar", _calibration(run)
    results = (run / "calibration.json", run / "report" / "metrics.json", run / "model-config.yaml")
    code = (_PACKAGE / "__init__.py", *(_PACKAGE / "core").glob("*.py"), *(_PACKAGE / "handler").glob("*.*"))
    if calibration is None or not path.with_name(f"{path.name}.sha256").exists() or is_older(path, *results, *code):
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            held = json.loads(archive.read("calibration.json"))
            version = json.loads(archive.read("MAR-INF/MANIFEST.json"))["model"]["modelVersion"]
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return True
    return held != _object(run / "calibration.json") or given.get("version", version) != version


_NEEDED: Final[dict[str, Callable[[Path, Mapping[str, str]], bool]]] = {
    "train": _needs_training,
    "calibrate": _needs_calibration,
    "evaluate": _needs_evaluation,
    "archive": _needs_packing,
}
STAGES: Final = tuple(_NEEDED)  #: the verbs that can be asked about, in their order


def _calibration(run: Path) -> Calibration | None:
    """The run's calibration, if there is one that was made with the run's model."""
    try:
        calibration = read_calibration(run / "calibration.json")
        return calibration if calibration.artifact == sha256_of(run / "snag.pt") else None
    except (BadArtifact, OSError):
        return None


def _below(data: Path) -> Iterator[Path]:
    """Folders and files of the good pictures: what is added, changed or taken away leaves its time in one of them."""
    good = data / "train" / "good"
    folders, seen = [good], set()
    while folders:
        folder = folders.pop()
        if folder.resolve() not in seen:
            seen.add(folder.resolve())
            folders += visible_folders(folder)
            yield folder
    yield from (found.path for found in walk(good))


def _object(path: Path) -> dict[str, Any]:
    """The object that a file of JSON holds; an empty one where it is missing or none of ours."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
