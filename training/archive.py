"""Packs a run's model and calibration, with the code that scores, into the archive that the server loads.

The same inputs give the same bytes: the zip is written here, in sorted order, with one fixed date and nothing compressed (a
compressor's bytes depend on its version), since torch-model-archiver stamps the clock into it. Its manifest is its own code's.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from model_archiver.manifest_components.manifest import Manifest
from model_archiver.manifest_components.model import Model
from pydantic import Field

import snag
from snag.cli.model_name import NAME, check_model_name
from snag.cli.settings import Settings, from_flags, run
from snag.core.artifact import Artifact
from snag.core.bundle import Bundle, load_bundle
from snag.core.calibration import Calibration, calibration_json
from snag.core.capture_reference import REFERENCE_FILE
from snag.core.errors import BadArtifact, BadConfig
from snag.core.files import sha256_of, write_bytes, write_text
from snag.core.golden import GOLDEN_FILE

_SNAG: Final = Path(snag.__file__).parent
_HANDLER: Final = Path(__file__).parents[1] / "handler"
_DATE: Final = (1980, 1, 1, 0, 0, 0)  #: the earliest that a zip can hold
#: What a worker imports; pinned in the archive to what the model was made with.
_REQUIREMENTS: Final = ("isal", "kornia-rs", "numpy", "pillow", "pybase64", "pyyaml", "torch", "torchserve")


class ArchiveSettings(Settings):
    """Pack a calibrated model for the server."""

    run: Path = Field(description="folder of the run: snag.pt and calibration.json")
    model: str = Field(description="name under which the model is served")
    version: str = Field("1.0", pattern=rf"^{NAME}$", description="version of the model")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    model_config_file: Path | None = Field(
        None, description="workers, batches, timeouts of the server (unset: RUN/model-config.yaml of `snag tune`, or the usual)"
    )


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag archive`."""
    return run(lambda: report(archive(from_flags(ArchiveSettings, argv))))


def archive(settings: ArchiveSettings) -> Path:
    """Write `<model>.mar` and `<model>.mar.sha256` into the model store and return the archive's path.

    Raises BadArtifact or ArtifactMismatch without model, calibration, golden pictures and reference that belong together,
    BadConfig for an impossible name.
    """
    check_model_name(settings.model)
    members = _members(settings, load_bundle(settings.run))
    path = settings.model_store / f"{settings.model}.mar"
    write_bytes(path, _zip(members))
    write_text(path.with_name(f"{path.name}.sha256"), f"{sha256_of(path)}  {path.name}\n")
    return path


def report(path: Path) -> None:
    """Say what was written."""
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, sha256 {sha256_of(path)}")


def _members(settings: ArchiveSettings, bundle: Bundle) -> dict[str, bytes]:
    """Every file of the archive by its name there."""
    core = [_SNAG / "__init__.py", *sorted((_SNAG / "core").glob("*.py"))]
    members = {path.relative_to(_SNAG.parent).as_posix(): path.read_bytes() for path in core}
    members |= {name: (settings.run / name).read_bytes() for name in (GOLDEN_FILE, REFERENCE_FILE)}
    return {
        **members,
        **bundle.pictures,
        "snag_handler.py": (_HANDLER / "snag_handler.py").read_bytes(),
        "snag.pt": bundle.artifact.path.read_bytes(),
        "calibration.json": calibration_json(bundle.calibration).encode(),
        "model-config.yaml": _model_config(settings),
        "model-card.json": _json(_model_card(settings, bundle.artifact, bundle.calibration)),
        "requirements.txt": _requirements().encode(),
        "MAR-INF/MANIFEST.json": _json(_manifest(settings, bundle.calibration)),
    }


def _model_config(settings: ArchiveSettings) -> bytes:
    tuned = settings.run / "model-config.yaml"
    path = settings.model_config_file or (tuned if tuned.exists() else _HANDLER / "model-config.yaml")
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadConfig(detail=f"{path}: {error.strerror}; expected the server's settings for a model, in YAML") from error


def _model_card(settings: ArchiveSettings, artifact: Artifact, calibration: Calibration) -> dict[str, Any]:
    """Where the model comes from and how well it does, for whoever holds only the archive."""
    configuration = _read_json(settings.run / "config.json") or {}
    return {
        "model": settings.model,
        "version": settings.version,
        "fingerprint": artifact.fingerprint,
        "data_digest": configuration.get("data_digest", artifact.settings.get("data_digest")),
        "git_revision": configuration.get("git_revision"),
        "versions": {"snag": snag.__version__, **(artifact.settings.get("versions") or {})},
        "settings": artifact.settings,
        "calibration": {
            "method": calibration.method,
            "threshold": calibration.threshold,
            "false_alarm_rate": calibration.rate,  # that was asked for; what is kept stands in the promise
            "rate_on_average": calibration.guarantee.average if calibration.guarantee else None,
            "promise": calibration.guarantee.sentence if calibration.guarantee else None,
            "pictures": calibration.count,
            "left_out": list(calibration.left_out),
            "unchecked": calibration.unchecked,
            "score_unit": calibration.score_unit,
            "created": calibration.created,
            "data_digest": calibration.data_digest,
        },
        "metrics": _metrics(settings, artifact, calibration),
    }


def _metrics(settings: ArchiveSettings, artifact: Artifact, calibration: Calibration) -> Any:
    """The evaluation's figures, or None where there are none of this very model at this very threshold."""
    report = _read_json(settings.run / "report" / "metrics.json") or {}
    belongs = report.get("artifact", {}).get("fingerprint") == artifact.fingerprint
    return report if belongs and report.get("threshold") == calibration.threshold else None


def _read_json(path: Path) -> Any:
    """The file's content, or None where an earlier stage did not write it."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BadArtifact(path=path, detail=f"not JSON ({error})") from error


def _manifest(settings: ArchiveSettings, calibration: Calibration) -> dict[str, Any]:
    model = Model(
        model_name=settings.model,
        serialized_file="snag.pt",
        handler="snag_handler.py",
        model_version=settings.version,
        requirements_file="requirements.txt",
        config_file="model-config.yaml",
    )
    # The archiver writes the clock here; the calibration's date is the model's own and does not change from call to call.
    created = datetime.fromisoformat(calibration.created).astimezone(UTC).strftime("%d/%m/%Y %H:%M:%S")
    return {**Manifest(runtime="python", model=model).manifest_dict, "createdOn": created}


def _requirements() -> str:
    """Pinned without local labels such as +cpu, which no index but one's own can resolve.

    What packs a model need not be able to serve it: without TorchServe its line is missing.
    """
    installed = [name for name in _REQUIREMENTS if name != "torchserve" or importlib.util.find_spec("ts")]
    versions = {name: importlib.metadata.version(name).partition("+")[0] for name in installed}
    return "".join(f"{name}=={version}\n" for name, version in versions.items())


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3  # Unix, also when packed elsewhere
            entry.external_attr = 0o644 << 16
            file.writestr(entry, members[name])
    return buffer.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
