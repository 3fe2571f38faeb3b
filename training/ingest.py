"""Brings a data set in MVTec's layout into data/raw, from a folder, an archive or the web, and says what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pooch
import requests
from pydantic import Field
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tqdm import tqdm

from cli.settings import Settings, from_flags, run
from snag.errors import BadConfig, BadDataset
from training.archives import CHUNK, Budget
from training.folders import scratch_folder, whole_folder
from training.layout import Finding, check_layout, pictures_of
from training.unpack import safe_parts, unpack

MARKER: Final = "source.json"
#: Seconds without a byte after which a download is given up.
PATIENCE: Final = 60


class IngestSettings(Settings):
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
    """Where a data set came from, kept beside it: the source as given, its digest if it was a file, all that came with it."""

    source: str
    sha256: str | None
    categories: tuple[str, ...]


def ingest(settings: IngestSettings) -> tuple[list[Path], bool]:
    """Bring the source in: the folders of its categories, and whether they are new.

    What an earlier run brought in from the same source is kept, unless `replace`.

    Raises BadConfig, BadDataset (nothing is changed then), DiskFull.
    """
    source = settings.source or ""
    if settings.category is not None and safe_parts(settings.category) != (settings.category,):
        raise BadConfig(detail=f"category = {settings.category!r}: expected the name of one folder")
    is_address = "://" in source
    present = _present(settings)
    if present and (is_address or Path(source).is_dir()):
        return present, False
    path = _download(source, settings) if is_address else Path(source).expanduser()
    if not path.exists():
        raise BadDataset(detail=f"no such file or folder: {source}; expected a folder, an archive or an http(s) address")
    digest = _digest(path, settings.sha256)
    if present and all(_origin(folder).sha256 == digest for folder in present):  # type: ignore[union-attr]
        return present, False
    budget = Budget(int(settings.max_gigabytes * 1e9), settings.max_files)
    with scratch_folder(settings.target / "ingest") as scratch:
        found = unpack(path, scratch, settings.category, _plain_name(source), budget)
        folders = [settings.target / name for name in found]
        for folder in folders:
            _refuse_to_overwrite(folder, settings, path)
        for folder in folders:
            origin = Origin(source, digest, tuple(found))
            (scratch / folder.name / MARKER).write_text(json.dumps(asdict(origin), indent=2) + "\n")
            with whole_folder(folder) as whole:
                for entry in (scratch / folder.name).iterdir():
                    entry.rename(whole / entry.name)
    return folders, True


def _present(settings: IngestSettings) -> list[Path]:
    """The folders that an earlier run brought in from the same source, if all of them are there."""
    for marker in sorted(settings.target.glob(f"{settings.category or '*'}/{MARKER}")):
        origin = _origin(marker.parent)
        if origin is None or origin.source != settings.source or settings.replace:
            continue
        names = [settings.category] if settings.category else list(origin.categories)
        same_file = settings.sha256 is None or settings.sha256.lower() == origin.sha256
        if same_file and all(_origin(settings.target / name) for name in names):
            return [settings.target / name for name in names]
    return []


def _origin(folder: Path) -> Origin | None:
    try:
        known = json.loads((folder / MARKER).read_text())
        return Origin(known["source"], known["sha256"], tuple(known["categories"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refuse_to_overwrite(folder: Path, settings: IngestSettings, source: Path) -> None:
    if not folder.exists():
        return
    origin = _origin(folder)
    if source.resolve() in (folder.resolve(), *folder.resolve().parents) or origin is None:
        raise BadDataset(detail=f"{folder} is there already and was not brought in from elsewhere; choose another --target")
    if not settings.replace:
        raise BadDataset(detail=f"{folder} is there already, from {origin.source}; --replace puts the new one in its place")


def _plain_name(source: str) -> str:
    """What to call a data set that lies at the top of its source."""
    name = Path(source.split("?")[0].rstrip("/")).absolute().name
    for suffix in (".zip", ".tar", ".tgz", ".txz", ".tar.gz", ".tar.xz", ".tar.bz2"):
        name = name.removesuffix(suffix)
    return name or "data"


def _digest(path: Path, expected: str | None) -> str | None:
    """The file's SHA-256, None for a folder. Raises BadDataset when another was expected."""
    if path.is_dir():
        if expected is not None:
            raise BadDataset(detail=f"{path} is a folder; --sha256 checks files")
        return None
    digest = hashlib.sha256()
    size = path.stat().st_size
    with path.open("rb") as file, tqdm(total=size, desc="checking", unit="B", unit_scale=True, disable=None) as bar:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            bar.update(len(chunk))
    if expected is not None and digest.hexdigest() != expected.lower():
        raise BadDataset(
            detail=f"{path} has the SHA-256 {digest.hexdigest()}, expected {expected.lower()}; nothing was unpacked"
        )
    return digest.hexdigest()


class _Bar(tqdm):  # type: ignore[type-arg]
    """pooch's progress bar, which also ends a download that never ends."""

    budget: Budget

    def update(self, n: float | None = 1) -> bool | None:
        """Count `n` bytes. Raises BadDataset past the limit."""
        self.budget.spend(int(n or 0))
        return super().update(n)

    def reset(self, total: float | None = None) -> None:
        """pooch counts all once more at the end."""
        self.budget.bytes_left += int(self.n)
        super().reset(total)


def _download(address: str, settings: IngestSettings) -> Path:
    """Fetch a file into the target's .downloads, or find it there. Raises BadDataset."""
    if not address.lower().startswith(("http://", "https://")):
        raise BadDataset(detail=f"{address}: expected an address that begins with http:// or https://")
    logging.getLogger("pooch").setLevel(logging.WARNING)
    kept = settings.target / ".downloads"
    name = pooch.utils.unique_file_name(address)
    if settings.replace:
        (kept / name).unlink(missing_ok=True)
    bar = _Bar(desc="downloading", unit="B", unit_scale=True, disable=None)
    bar.budget = Budget(int(settings.max_gigabytes * 1e9), 1)
    fetch = pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=PATIENCE, headers={"Accept-Encoding": "identity"})
    known = f"sha256:{settings.sha256.lower()}" if settings.sha256 else None
    try:
        return Path(pooch.retrieve(address, known, fname=name, path=kept, downloader=fetch))
    except requests.RequestException as error:
        raise BadDataset(detail=f"{address} can't be fetched: {' '.join(str(error).split())}") from error
    except ValueError as error:  # pooch names both digests
        raise BadDataset(detail=f"{address} is not the file that was asked for: {' '.join(str(error).split())}") from error
    finally:
        bar.close()
        for empty in (kept, settings.target):  # after a refusal nothing is left behind
            with suppress(OSError):
                empty.rmdir()


def print_check(folder: Path, console: Console) -> list[Finding]:
    """Check a data set and print what it holds and what is wrong with it, every file by name."""
    findings = check_layout(folder, lambda paths: tqdm(paths, desc="looking", unit="picture", disable=None, leave=False))
    holds = Table("folder", "pictures", title=str(folder), title_justify="left")
    for name, count in pictures_of(folder).items():
        holds.add_row(Text(name), str(count))
    console.print(holds)
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
        wrong = {folder: errors for folder in folders if (errors := _errors(print_check(folder, console)))}
        if wrong:
            raise BadDataset(detail="; ".join(f"{folder} has errors, named above: {count}" for folder, count in wrong.items()))
        print(f"ready: DATA={' DATA='.join(str(folder) for folder in folders)}")

    return run(command)


def _errors(findings: list[Finding]) -> int:
    return sum(finding.severity == "error" for finding in findings)


if __name__ == "__main__":
    raise SystemExit(main())
