"""Commands: which verbs with which flags do what a page offers; each is what make would call."""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from snag.core.errors import BadConfig
from snag.core.files import write_text
from snag.studio.jobs import VerbStep
from snag.studio.marks import calibration_marks
from snag.studio.products import Product, Workshop

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
    return [VerbStep("train", tuple(flags)), *calibrate(product)]


def go_on(steps: Sequence[VerbStep]) -> list[VerbStep]:
    """A training that was stopped, from where it stopped: the same, but nothing is thrown away again."""
    return [VerbStep(step.verb, tuple(flag for flag in step.flags if flag != "--fresh")) for step in steps]


def calibrate(product: Product, rate: float | None = None, promise: str = "average", surely: bool = False) -> list[VerbStep]:
    """Set the threshold, without the calibration pictures that were marked as not good, and judge the test pictures.

    `surely`: also where those that are marked are many.
    """
    flags = [*_where(product), *([f"--fpr={rate!r}"] if rate else []), f"--promise={promise}"]
    left_out = calibration_marks(product)
    if left_out:
        listed = product.own / "exclude.txt"
        write_text(listed, "".join(f"{name}\n" for name in left_out))
        flags += [f"--exclude={listed}", *(["--exclude-many"] if surely else [])]
    return [VerbStep("calibrate", tuple(flags)), VerbStep("evaluate", _where(product))]


def deploy(product: Product, workshop: Workshop, is_up: bool, version: str) -> list[VerbStep]:
    """Pack the model under a version, and serve it: by the running server, or by one that is started."""
    what = (f"--model={product.model}", f"--model-store={workshop.model_store}")
    folder, port = f"--server-folder={workshop.server}", workshop.inference_port
    packed = VerbStep("archive", (f"--run={product.run}", *what, f"--version={version}"))
    if is_up:
        return [packed, VerbStep("deploy", (*what, f"--inference-port={port}", folder))]
    ports = (f"--inference-port={port}", f"--management-port={port + 1}", f"--metrics-port={port + 2}")
    return [packed, VerbStep("serve", (*what, *ports, folder, f"--spool={SPOOL}"))]


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


def _where(product: Product) -> tuple[str, ...]:
    return (f"--data={product.data}", f"--run={product.run}")


def _which(workshop: Workshop) -> tuple[str, ...]:
    return (f"--inference-port={workshop.inference_port}", f"--server-folder={workshop.server}")


def _place(preset: str) -> tuple[int, str]:
    return (_OFFERED.index(preset) if preset in _OFFERED else len(_OFFERED), preset)
