"""Commands: which verbs with which flags do what a page offers; each is what make would call."""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Final

from snag.core.errors import BadArtifact, BadConfig
from snag.core.files import write_text
from snag.server.state.instance import Instance
from snag.server.state.served import read_state
from snag.studio.jobs import JobState, VerbStep
from snag.studio.marks import calibration_marks
from snag.studio.products import Product, Workshop
from snag.studio.scores import CONFIDENCE

PRESETS: Final = Path(__file__).parents[1] / "training" / "presets"
#: In the order in which they are offered.
_OFFERED: Final = ("quick", "default", "scratch", "baseline")
FIRST_VERSION: Final = "1.0"
SPOOL: Final = 1000  #: megabytes of flagged and borderline pictures that a server started here keeps for review


def presets() -> dict[str, str]:
    """Each preset, and what its own file says of it and of the time it takes."""
    found = {}
    for name in sorted((path.stem for path in PRESETS.glob("*.toml")), key=_place):
        lines = (PRESETS / f"{name}.toml").read_text().splitlines()
        said = " ".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))
        found[name] = said.split(". It holds nothing")[0].rstrip(".") + "."
    return found


def sample(folder: Path) -> list[VerbStep]:
    """Draw the embedded sample as a product."""
    return [VerbStep("sample", (f"--data={folder}",))]


def bring_in(source: str, workshop: Workshop) -> list[VerbStep]:
    """Bring data sets in MVTec's layout in, from a folder, an archive or an address."""
    return [VerbStep("ingest", (f"--source={source}", f"--target={workshop.data_root}"))]


def examine(product: Product) -> list[VerbStep]:
    """Look at the pictures before any training."""
    return [VerbStep("doctor", _where(product))]


def train(product: Product, preset: str, further: str = "", fresh: bool = False) -> list[VerbStep]:
    """Train and calibrate. `further` is TOML over the preset. Raises BadConfig where it is none, DiskFull."""
    flags = [*_where(product), f"--preset={preset}"]
    settings = product.own / "training.toml"
    if further.strip():
        try:
            tomllib.loads(further)
        except ValueError as error:
            raise BadConfig(detail=f"further settings: {error}; expected lines of TOML such as effort = 0.1") from error
        write_text(settings, further.strip() + "\n")
        flags.append(f"--config={settings}")
    if fresh:
        flags.append("--fresh")
    # What is marked is set aside before; what calibrates is drawn anew, so the present split says nothing of it.
    return [VerbStep("train", tuple(flags)), *_calibrate(product, "--promise=average")]


def go_on(product: Product, job: JobState) -> list[VerbStep]:
    """A training that was stopped, from where it stopped: the same, but nothing that it has made is thrown away again."""
    steps = job.steps[job.at :]
    if _is_older(product.run / "snag.pt", job.started):  # the model that was to be replaced: it was not set aside yet
        return list(steps)
    return [VerbStep(step.verb, tuple(flag for flag in step.flags if flag != "--fresh")) for step in steps]


def calibrate(
    product: Product, rate: float, promise: str = "average", confidence: float = CONFIDENCE, surely: bool = False
) -> list[VerbStep]:
    """Set the threshold, without the calibration pictures that were marked as not good, and judge the test pictures.

    `surely`: also where those that are marked are many.
    """
    flags = [f"--fpr={rate!r}", f"--promise={promise}", f"--confidence={confidence!r}"]
    left_out = calibration_marks(product)
    if left_out:
        listed = product.own / "exclude.txt"
        write_text(listed, "".join(f"{name}\n" for name in left_out))
        flags += [f"--exclude={listed}", *(["--exclude-many"] if surely else [])]
    return _calibrate(product, *flags)


def deploy(product: Product, workshop: Workshop, is_up: bool, version: str) -> list[VerbStep]:
    """Pack the model under a version, and serve it: by the running server, or by one that is started."""
    what = (f"--model={product.model}", f"--model-store={workshop.model_store}")
    folder, port = f"--server-folder={workshop.server}", workshop.inference_port
    packed = VerbStep("archive", (f"--run={product.run}", *what, f"--version={version}"))
    if is_up:
        return [packed, VerbStep("deploy", (*what, f"--inference-port={port}", folder))]
    ports = (f"--inference-port={port}", f"--management-port={port + 1}", f"--metrics-port={port + 2}")
    others = [f"--model={name}" for name in _served_before(workshop) if name != product.model]
    return [packed, VerbStep("serve", (*what, *others, *ports, folder, f"--spool={SPOOL}"))]


def rollback(product: Product, workshop: Workshop) -> list[VerbStep]:
    """Let the version before answer again."""
    return [VerbStep("rollback", (f"--model={product.model}", *_which(workshop)))]


def stop_server(workshop: Workshop) -> list[VerbStep]:
    """Stop the server, once what is under way is answered."""
    return [VerbStep("stop", _which(workshop))]


def packed_version(workshop: Workshop, product: Product) -> str | None:
    """The version of the product's archive; None where there is none."""
    try:
        with zipfile.ZipFile(workshop.model_store / f"{product.model}.mar") as archive:
            return str(json.loads(archive.read("MAR-INF/MANIFEST.json"))["model"]["modelVersion"])
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return None


def next_version(version: str | None) -> str:
    """The one after it: its last number is one greater."""
    if version is None:
        return FIRST_VERSION
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", version)
    return f"{found[1]}{int(found[2]) + 1}{found[3]}" if found else f"{version}.1"


def _calibrate(product: Product, *flags: str) -> list[VerbStep]:
    return [VerbStep("calibrate", (*_where(product), *flags)), VerbStep("evaluate", _where(product))]


def _is_older(path: Path, moment: str) -> bool:
    """Whether the file is there, and was before the moment, which is ISO 8601."""
    try:
        return path.stat().st_mtime < datetime.fromisoformat(moment).timestamp()
    except (OSError, ValueError):
        return False


def _served_before(workshop: Workshop) -> list[str]:
    """The models that the server served when it last ran, as far as their archives are still there."""
    try:
        models = read_state(Instance(workshop.server).served)
    except BadArtifact:
        return []
    return [model.name for model in models if (workshop.model_store / f"{model.name}.mar").is_file()]


def _where(product: Product) -> tuple[str, ...]:
    return (f"--data={product.data}", f"--run={product.run}")


def _which(workshop: Workshop) -> tuple[str, ...]:
    return (f"--inference-port={workshop.inference_port}", f"--server-folder={workshop.server}")


def _place(preset: str) -> tuple[int, str]:
    return (_OFFERED.index(preset) if preset in _OFFERED else len(_OFFERED), preset)
