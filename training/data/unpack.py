"""Taking data sets out of a folder or an archive that nobody vouches for, and nothing else."""

from __future__ import annotations

import os
import re
import unicodedata
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from snag.core.errors import BadDataset
from snag.core.hidden_files import is_in_hidden
from snag.core.left_out import LeftOut, Reason
from snag.labels.folder_names import is_like_train_good
from snag.training.data.layout import COMPANIONS, FOLDERS
from snag.training.data.sources import CHUNK, Budget, Member, members, reading


@dataclass
class Sorter:
    """Sorts members into data sets: `wanted` alone if set; a data set at the very top is called `fallback`."""

    wanted: str | None
    fallback: str
    roots: dict[str, tuple[str, ...]] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    left_out: LeftOut = field(default_factory=LeftOut)  #: what is hidden
    like_train_good: set[str] = field(default_factory=set)  #: folders that were probably meant to be train/good

    def place(self, member: Member) -> Path | None:
        """Where a member belongs, <category>/<path in it>, or None. Raises BadDataset for a name that leads elsewhere."""
        # What the user's own disk calls a file can be called so again, and a walk gives no name that leads elsewhere.
        parts = safe_parts(member.name) if member.is_foreign else PurePosixPath(member.name).parts
        if is_in_hidden("/".join(parts)):
            self.left_out.add(Reason.HIDDEN, member.name)
            return None
        self.like_train_good |= {
            "/".join(parts[: i + 2]) for i in range(len(parts) - 2) if is_like_train_good(parts[i], parts[i + 1])
        }
        top = next((i for i, part in enumerate(parts[:-1]) if part in FOLDERS), None)
        if top is None:
            if not parts or parts[-1].lower() not in COMPANIONS - {"source.json"}:
                return None
            top = len(parts) - 1
        root = parts[:top]
        category = root[-1] if root else self.wanted or self.fallback
        if self.wanted is not None and category != self.wanted:
            self.others.add(category)
            return None
        if self.roots.setdefault(category, root) != root:
            places = " and ".join("/".join(place) or "the top" for place in (self.roots[category], root))
            raise BadDataset(detail=f"it holds two folders called {category}: {places}")
        return Path(category, *parts[top:])


def unpack(
    source: Path, into: Path, wanted: str | None, fallback: str, budget: Budget, left_out: LeftOut | None = None
) -> list[str]:
    """Copy the data sets of `source` (folder, zip, tar and its kinds) to `into`/<category>; their names, sorted.

    What is hidden stays behind, and what in a folder is neither a file nor leads to one; it is added to `left_out`. Raises
    BadDataset for anything in an archive but regular files with names inside, for too much, and when no data set is found.
    """
    sorter = Sorter(wanted, fallback, left_out=LeftOut() if left_out is None else left_out)
    with reading(source):
        for member in members(source, budget, sorter.left_out):
            budget.spend_file()
            place = sorter.place(member)
            if place is not None:
                _copy(member, into / place)
    found = [name for name in sorted(sorter.roots) if (into / name / "train" / "good").is_dir()]
    if not found:
        what = f"a folder {wanted}" if wanted else "a folder"
        others = f"; it has {', '.join(sorted(sorter.others))}" if sorter.others else ""
        meant = " and ".join(sorted(sorter.like_train_good))
        others += f"; {meant} is there: rename it to train/good" if meant else ""
        raise BadDataset(detail=f"{source} holds no data set: expected {what} with train/good/<pictures>{others}")
    return found


def safe_parts(name: str) -> tuple[str, ...]:
    """The parts of a member's name. Raises BadDataset for any that leads out of the target or can't be a file's name."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    odd = any(unicodedata.category(sign) == "Cc" or sign == "\\" or _is_lone(sign) for sign in name)
    if odd or not parts or ".." in parts or name.startswith("/") or re.match(r"^[A-Za-z]:", name):
        raise BadDataset(detail=f"it holds a file called {name!r}; expected relative names that stay inside")
    if any(len(os.fsencode(part)) > 255 for part in parts) or len(parts) > 32:
        raise BadDataset(detail=f"it holds a file with a name too long: {name[:60]!r}…")
    return parts


def _is_lone(sign: str) -> bool:
    """Whether it is a surrogate that stands for no byte: bytes that are no UTF-8 are old archives' way to write names."""
    return "\ud800" <= sign <= "\udc7f" or "\udd00" <= sign <= "\udfff"


def _copy(member: Member, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with closing(member.open()) as content, target.open("xb") as file:
            while chunk := content.read(CHUNK):
                file.write(chunk)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadDataset(detail=f"it holds {member.name!r} twice, or a folder of that name too") from error
