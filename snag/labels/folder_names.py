"""Names of a data set's folders: which of them was probably meant to be another."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from snag.core.picture_files import visible_folders

#: The folder of good pictures; every other folder under test/ is a kind of defect.
GOOD: Final = "good"

_LISTS: Final[dict[str, frozenset[str]]] = {
    name: frozenset(text.split())
    for name, text in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items()
}
_FAULT: Final = f"({'|'.join(sorted(_LISTS['fault']))})"
#: No fault, said as its absence: no_defects, non-defective, defect free, fehlerfrei, sans défaut.
_FAULTLESS: Final = re.compile(
    rf"^(no|non|not|un|without|zero|free|ohne|keine?|sans|sin|senza|sem) ?(an?|any)? ?{_FAULT}\w*( found)?$"
    rf"|^{_FAULT}\w*? ?(free|less|los|frei)$"
)


def means_good(name: str) -> bool:
    """Whether a folder that is not called "good" is probably meant so: Good, OK, i.O., pass, normal, defect-free.

    Compared without case, spaces, signs and numbers, with the words in several languages of folder_names.toml; a word that
    begins with "good" or is it misspelt counts, unless another says "not".
    """
    if name == GOOD:
        return False
    words = _words(name)
    said = [word for word in words if word not in _LISTS["filler"]]
    if not said:
        return False
    if _FAULTLESS.match(" ".join(said)):
        return True
    if "".join(said) in _LISTS["good"] or all(word in _LISTS["good"] for word in said):
        return True
    return any(_is_good(word) for word in said) and not _LISTS["contrary"] & set(said)


def meant(names: Iterable[str], wanted: str) -> list[str]:
    """Which of these names of folders were probably meant to be `wanted`: "train", "test" or "ground_truth"; sorted."""
    return sorted(name for name in names if name != wanted and "".join(_words(name)) in _LISTS[wanted])


def folders_in(folder: Path) -> list[str]:
    """Names of the folders right in `folder` that are not hidden, sorted; none where it is no folder."""
    return sorted(path.name for path in visible_folders(folder))


def instead_of_train_good(data: Path) -> list[str]:
    """Folders of `data` that were probably meant to be train/good, as <train>/<good>; none where that is there."""
    if (data / "train" / GOOD).is_dir():
        return []
    pairs = [(top, name) for top in folders_in(data) for name in folders_in(data / top)]
    return [f"{top}/{name}" for top, name in pairs if is_like_train_good(top, name)]


def is_like_train_good(top: str, name: str) -> bool:
    """Whether a folder `name` in a folder `top` was probably meant to be train/good, and is not."""
    is_train, is_good = top == "train", name == GOOD
    return (is_train or bool(meant([top], "train"))) and (is_good or means_good(name)) and not (is_train and is_good)


def _words(name: str) -> list[str]:
    """The name's words in one spelling: letters alone, without case, width and invisible signs; g00d is good."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    plain = re.sub(r"(?<=[a-z0])0(?=[a-z0]*[a-z])", "o", plain)
    return re.findall(r"[^\W\d_]+", plain)


def _is_good(word: str) -> bool:
    """Good, or misspelt: a letter twice or once, two in the wrong order, more behind it."""
    return word.startswith(GOOD) or sorted(word) == sorted(GOOD) or re.sub(r"(.)\1+", r"\1", word) == "god"
