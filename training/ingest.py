"""Brings a data set in MVTec's layout into data/raw, from a folder, an archive or the web, and says what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import unicodedata
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import Field
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tqdm import tqdm

from snag.cli.model_name import model_name, named_after
from snag.cli.settings import from_flags, run
from snag.core.errors import BadConfig, BadDataset
from snag.core.file_names import spelled
from snag.core.left_out import LeftOut
from snag.core.picture import PictureLimits
from snag.training.data.dataset import LIMITS
from snag.training.data.download import download, public_address
from snag.training.data.folders import scratch_folder, whole_folder
from snag.training.data.layout import Finding, check_layout, left_out_of, pictures_of
from snag.training.data.picture_settings import PictureSettings
from snag.training.data.sources import CHUNK, Budget
from snag.training.data.unpack import safe_parts, unpack

MARKER: Final = "source.json"


class IngestSettings(PictureSettings):
    """Bring a data set in MVTec's layout into data/raw/<category>, and check it; or check one that is there already."""

    source: str | None = Field(None, description="folder, zip, tar, tar.gz, tar.xz, or http(s) address of such a file")
    sha256: str | None = Field(None, pattern="^[0-9a-fA-F]{64}$", description="the file's SHA-256; another is refused")
    category: str | None = Field(None, description="which category (folder with train/good) to bring in; unset: all of them")
    target: Path = Field(Path("data/raw"), description="folder that the categories are put into")
    replace: bool = Field(False, description="bring it in again, in place of what an earlier run brought in")
    max_gigabytes: float = Field(20, gt=0, description="refuse sources that unpack to more")
    max_files: int = Field(200_000, ge=1, description="refuse sources with more files")
    check: Path | None = Field(None, description="only check this data set")


@dataclass(frozen=True)
class Origin:
    """Where a data set came from, kept beside it: the source as given, its digest if it was a file, and what came of it."""

    source: str
    sha256: str | None
    #: All that the source held, or the one category that was asked for.
    categories: tuple[str, ...]
    only: bool


def ingest(settings: IngestSettings) -> tuple[list[Path], bool]:
    """Bring the source in: the folders of its categories, and whether they are new.

    What an earlier run brought in from the same source is kept, unless `replace`.

    Raises BadConfig, BadDataset (nothing is changed then), DiskFull.
    """
    source = settings.source or ""
    if settings.category is not None and not _is_name(settings.category):
        raise BadConfig(detail=f"category = {settings.category!r}: expected the name of one folder")
    is_address = "://" in source
    present = _present(settings)
    if present and (is_address or Path(source).is_dir()):
        return present, False
    limit = int(settings.max_gigabytes * 1e9)
    path = Path(source).expanduser()
    if is_address:
        path = download(source, settings.target, settings.sha256, limit, settings.replace)
    if not path.exists():
        raise BadDataset(detail=f"no such file or folder: {source}; expected a folder, an archive or an http(s) address")
    digest = _digest(path, settings.sha256)
    if present and (origin := _origin(present[0])) and origin.sha256 == digest:
        return present, False
    budget = Budget(limit, settings.max_files)
    with scratch_folder(settings.target / "ingest") as scratch:
        left_out = LeftOut()
        found = unpack(path, scratch, settings.category, _plain_name(source), budget, left_out)
        if sentence := left_out.sentence(public_address(source)):
            print(sentence)
        folders = [settings.target / name for name in found]
        origin = Origin(public_address(source), digest, tuple(found), only=settings.category is not None)
        missing = [folder for folder in folders if settings.replace or not _same(folder, origin)]
        for folder in missing:
            _refuse_to_overwrite(folder, settings, path)
        for folder in missing:
            (scratch / folder.name / MARKER).write_text(json.dumps(asdict(origin), indent=2) + "\n")
            with whole_folder(folder) as whole:
                for entry in (scratch / folder.name).iterdir():
                    entry.rename(whole / entry.name)
    return folders, True


def _is_name(category: str) -> bool:
    try:
        return safe_parts(category) == (category,)
    except BadDataset:
        return False


def _present(settings: IngestSettings) -> list[Path]:
    """The folders that an earlier run brought in from the same source, if all of them are there."""
    if settings.replace:
        return []
    for marker in sorted(settings.target.glob(f"{settings.category or '*'}/{MARKER}")):
        origin = _origin(marker.parent)
        if (
            origin is None
            or origin.source != public_address(settings.source or "")
            or (origin.only and settings.category is None)
        ):
            continue
        folders = [settings.target / name for name in ([settings.category] if settings.category else origin.categories)]
        same_file = settings.sha256 is None or settings.sha256.lower() == origin.sha256
        if same_file and all(_same(folder, origin) for folder in folders):
            return folders
    return []


def _origin(folder: Path) -> Origin | None:
    try:
        known = json.loads((folder / MARKER).read_text())
        return Origin(known["source"], known["sha256"], tuple(known["categories"]), known["only"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _same(folder: Path, origin: Origin) -> bool:
    """Whether a folder came from the same source, and if that was a file, from the same bytes."""
    known = _origin(folder)
    return known is not None and (known.source, known.sha256) == (origin.source, origin.sha256)


def _refuse_to_overwrite(folder: Path, settings: IngestSettings, source: Path) -> None:
    if not folder.exists():
        return
    origin = _origin(folder)
    if source.resolve() in (folder.resolve(), *folder.resolve().parents) or origin is None:
        raise BadDataset(detail=f"{folder} is there already and was not brought in from elsewhere; choose another --target")
    if not settings.replace:
        raise BadDataset(detail=f"{folder} is there already, from {origin.source}; --replace puts the new one in its place")


def _plain_name(source: str) -> str:
    """What to call a data set that lies at the top of its source: a name that needs no quotes, without a browser's " (2)"."""
    name = Path(source.split("?")[0].rstrip("/")).absolute().name
    for suffix in (".zip", ".tar", ".tgz", ".txz", ".tar.gz", ".tar.xz", ".tar.bz2"):
        name = name.removesuffix(suffix)
    letters = unicodedata.normalize("NFKD", re.sub(r" ?\(\d+\)$", "", name)).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "_", letters).strip("._-") or "data"


def _digest(path: Path, expected: str | None) -> str | None:
    """The file's SHA-256, None for a folder. Raises BadDataset when another was expected."""
    if path.is_dir():
        if expected is not None:
            raise BadDataset(detail=f"{path} is a folder; --sha256 checks files")
        return None
    digest = hashlib.sha256()
    try:
        size = path.stat().st_size
        with path.open("rb") as file, tqdm(total=size, desc="checking", unit="B", unit_scale=True, disable=None) as bar:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                bar.update(len(chunk))
    except OSError as error:
        raise BadDataset(detail=f"{path} can't be read: {error}") from error
    if expected is not None and digest.hexdigest() != expected.lower():
        raise BadDataset(
            detail=f"{path} has the SHA-256 {digest.hexdigest()}, expected {expected.lower()}; nothing was unpacked"
        )
    return digest.hexdigest()


def print_check(folder: Path, console: Console, limits: PictureLimits = LIMITS) -> list[Finding]:
    """Check a data set and print what it holds and what is wrong with it, every file by name."""
    findings = check_layout(folder, lambda paths: tqdm(paths, "looking", leave=False, unit="picture", disable=None), limits)
    holds = Table("folder", "pictures", title=Text(spelled(folder)), title_justify="left")
    for name, count in pictures_of(folder).items():
        holds.add_row(Text(name), str(count))
    console.print(holds)
    if sentence := left_out_of(folder).sentence():
        console.print(sentence, soft_wrap=True, markup=False, highlight=False)
    if findings:
        wrong = Table("", "what", "file", "why")
        for finding in findings:
            wrong.add_row(finding.severity, finding.kind, Text(finding.path, overflow="fold"), Text(finding.detail))
        console.print(wrong)
    errors = sum(finding.severity == "error" for finding in findings)
    console.print(f"errors: {errors}, warnings: {len(findings) - errors}", highlight=False)
    return findings


def main(argv: list[str] | None = None) -> int:
    """The command."""

    def command() -> None:
        settings = from_flags(IngestSettings, argv)
        if (settings.source is None) == (settings.check is None):
            raise BadConfig(detail="expected either --source <folder, archive or address> or --check <folder>")
        console = Console()
        if not console.is_terminal:
            console = Console(width=160)  # a log has no width of its own
        if settings.check is not None and not settings.check.is_dir():
            raise BadDataset(detail=f"no such folder: {settings.check}")
        folders, new = ([settings.check], True) if settings.check else ingest(settings)
        if not new:
            print(f"{settings.source} was brought in before; --replace brings it in again")
        wrong = {folder: errors for folder in folders if (errors := _errors(print_check(folder, console, settings.limits)))}
        if wrong:
            raise BadDataset(detail="; ".join(f"{folder} has errors, named above: {count}" for folder, count in wrong.items()))
        for sentence in filter(None, map(_told, folders)):
            print(sentence)
        print(f"ready: {' '.join(f'DATA={shlex.quote(str(folder))}' for folder in folders)}")

    return run(command)


def _told(folder: Path) -> str | None:
    """What its model will be called, where that is not the folder's name."""
    try:
        return named_after(folder, model_name(folder))
    except BadConfig as error:
        return str(error)


def _errors(findings: list[Finding]) -> int:
    return sum(finding.severity == "error" for finding in findings)


if __name__ == "__main__":
    raise SystemExit(main())
