"""The files of a published data set: of a plain folder, or of a commit in a git repository, checked out or bare."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from snag.core.errors import BadConfig
from snag.core.hidden_files import is_in_hidden
from snag.core.picture_files import walk


@dataclass(frozen=True)
class Source:
    """What is published: files, each by its path from the set's folder on, with forward slashes."""

    names: Sequence[str]  #: sorted
    read: Callable[[str], bytes]  #: one of them; raises LookupError or OSError where there is no such file

    def below(self, folder: str, suffix: str = "") -> list[str]:
        """The files below a folder whose names end so, in order."""
        return [name for name in self.names if name.startswith(f"{folder}/") and name.endswith(suffix)]


@contextmanager
def opened(path: Path, commit: str, folder: str) -> Iterator[Source]:
    """The files of `folder`: at `commit` where `path` is a git repository, else of the plain folder.

    A plain folder may be the set's own, or one that holds it where the repository does. Raises BadConfig where there is no such
    folder, or no such commit.
    """
    if not path.is_dir():
        raise BadConfig(detail=f"{path} is no folder: expected what was published, or a git repository of it")
    if not _is_repository(path):
        top = path / folder if (path / folder).is_dir() else path
        names = (found.path.relative_to(top).as_posix() for found in walk(top))
        yield Source(_visible(names), lambda name: (top / name).read_bytes())
        return
    blobs = _blobs(path, commit, folder)
    with subprocess.Popen(
        ["git", "-C", str(path), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as git:
        asked, answers = cast(IO[bytes], git.stdin), cast(IO[bytes], git.stdout)  # both are pipes
        yield Source(_visible(blobs), lambda name: _content(asked, answers, blobs[name]))


def _visible(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not is_in_hidden(name))


def _is_repository(path: Path) -> bool:
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


def _blobs(path: Path, commit: str, folder: str) -> dict[str, str]:
    """The object of every file below the folder. A commit that no branch leads to is found too, so history may be rewritten."""
    tree = f"{commit}:{folder}"
    done = subprocess.run(["git", "-C", str(path), "ls-tree", "-r", "-z", tree], capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise BadConfig(detail=f"{path}: {said}; expected a git repository that holds {tree}, or a plain folder")
    found = {}
    for line in done.stdout.decode(errors="surrogateescape").split("\0")[:-1]:
        about, name = line.split("\t", 1)
        _, kind, number = about.split()
        if kind == "blob":  # other repositories may be named in this one
            found[name] = number
    return found


def _content(asked: IO[bytes], answers: IO[bytes], number: str) -> bytes:
    asked.write(f"{number}\n".encode())
    asked.flush()
    head = answers.readline().decode().split()
    if len(head) != 3:  # a partial clone lacks what was not checked out
        raise LookupError(f"the repository lacks object {number}")
    content = answers.read(int(head[2]))
    answers.read(1)
    return content
