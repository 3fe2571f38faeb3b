"""The name of a model: what an address can hold, and what is made of a data folder's name where nobody gave one."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Final

from snag.cli.folder import check_folder
from snag.core.errors import BadConfig, SnagError

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"  #: it stands in addresses, file names and metrics
NAME_RULE: Final = "expected letters, digits, '_', '-' and '.', beginning with a letter or digit, at most 128"
EVERY: Final = "all"  #: where models are named it stands for all of them, so none can be called so
#: Letters that have no accent to take off.
_SPELT: Final = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d",
    "Ð": "D", "ł": "l", "Ł": "L", "þ": "th", "Þ": "TH",
}  # fmt: skip
SAMPLE: Final = Path("data/sample")  #: where the embedded sample is drawn
_FLAG: Final = "MODEL= (--model)"


def is_model_name(name: str) -> bool:
    """Whether it can be a model's name."""
    return re.fullmatch(NAME, name, re.ASCII) is not None


def check_model_name(name: str) -> str:
    """The name. Raises BadConfig where it can't be a model's."""
    if not is_model_name(name):
        raise BadConfig(detail=f"model = {name!r}: {NAME_RULE}")
    if name == EVERY:
        raise BadConfig(detail=f"model = {name!r}: `make serve` takes that for every model; expected another name")
    return name


def model_name(data: str | Path) -> str:
    """The model's name that follows from a data folder's: `M8 screw (new)` becomes M8-screw-new, `größe` grosse.

    Raises BadConfig when nothing of it is left.
    """
    folder = _folder(data)
    if folder == EVERY:
        raise BadConfig(detail=f"the folder's name {folder!r} would stand for every model: give the model another with {_FLAG}")
    if is_model_name(folder):
        return folder
    letters = unicodedata.normalize("NFKD", "".join(_SPELT.get(sign, sign) for sign in folder))
    bare = "".join(sign for sign in letters if not unicodedata.combining(sign))
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", bare).lstrip("_.-").rstrip("-")[:128]
    if not name:
        raise BadConfig(detail=f"no model's name can be made of the folder {folder!r}: give one with {_FLAG}")
    return name


def demonstration_name(data: str | Path) -> str:
    """The name of the model that a demonstration makes: `demo` of the sample, else one that keeps out of every other run."""
    return "demo" if Path(data) == SAMPLE else f"demo-{model_name(data)}"[:128]


def named_after(data: str | Path, name: str) -> str | None:
    """The sentence that tells the name where it is another than the folder's; None where it is the same."""
    folder = _folder(data)
    return None if folder == name else f"model {name}, after the folder {folder!r}"


def answer_to_make(data: str, model: str, version: str, model_store: str, demo: str) -> str:
    """The model's name, and the sentence that tells it where it was made of a folder's; or "!" and why there is none.

    `model` and `version` are empty where nobody gave them, `model_store` where no archive is to be made, `demo` where it is no
    demonstration. What is given and can't be is refused before anything is done.
    """
    try:
        name = check_model_name(model) if model else demonstration_name(data) if demo else model_name(data)
        if version and not is_model_name(version):
            raise BadConfig(detail=f"version = {version!r}: {NAME_RULE}")
        if model_store and not (Path(model_store) / f"{name}.mar").exists():
            check_folder(Path(model_store))
        is_made_up = not model and Path(data) != SAMPLE
        return f"{name} {(is_made_up and named_after(data, name)) or ''}".strip()
    except SnagError as error:
        return f"! {error}"


def _folder(data: str | Path) -> str:
    """The folder's own name, also of `.` and `parts/..`."""
    path = Path(data).absolute()
    return path.name if path.name not in ("", "..") else path.resolve().name
