"""Fetching a data set's archive from the web, with progress, checksum and an end."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

import pooch
import requests
from tqdm import tqdm

from snag.core.errors import BadDataset, DiskFull
from snag.training.data.sources import Budget

#: Seconds without a byte after which a download is given up.
PATIENCE: Final = 60


class _Bar:
    """pooch's progress bar, which also ends a download that never ends."""

    def __init__(self, limit: int) -> None:
        self._bar = tqdm(desc="downloading", unit="B", unit_scale=True, disable=None)
        self._limit = limit
        self._budget = Budget(limit, 1)

    @property
    def total(self) -> int:
        """Bytes announced by the server; 0 when it does not say."""
        return int(self._bar.total or 0)

    @total.setter
    def total(self, count: int) -> None:
        self._bar.total = count or None

    def update(self, count: int) -> None:
        """Count bytes. Raises BadDataset past the limit."""
        self._budget.spend(count)
        self._bar.update(count)

    def reset(self) -> None:
        """Back to nothing: at the end pooch counts all once more."""
        self._budget = Budget(self._limit, 1)
        self._bar.reset()

    def close(self) -> None:
        """Leave the line."""
        self._bar.close()


def public_address(address: str) -> str:
    """The address without a name and password in it; anything else as it is."""
    return re.sub(r"(?<=://)[^/@]*@", "", address)


def download(address: str, target: Path, sha256: str | None, limit: int, again: bool) -> Path:
    """Fetch a file of at most `limit` bytes into `target`/.downloads, or find it there unless `again`. Raises BadDataset."""
    shown = public_address(address)
    if not address.lower().startswith(("http://", "https://")):
        raise BadDataset(detail=f"{shown}: expected an address that begins with http:// or https://")
    pooch.get_logger().setLevel(logging.WARNING)
    kept = target / ".downloads"
    name = pooch.utils.unique_file_name(address)
    if again:
        (kept / name).unlink(missing_ok=True)
    bar = _Bar(limit)
    fetch = pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=PATIENCE, headers={"Accept-Encoding": "identity"})
    known = f"sha256:{sha256.lower()}" if sha256 else None
    try:
        return Path(pooch.retrieve(address, known, fname=name, path=kept, downloader=fetch))
    except requests.RequestException as error:
        raise BadDataset(detail=f"{shown} can't be fetched: {_one_line(error)}") from error
    except ValueError as error:  # pooch names both digests
        raise BadDataset(detail=f"{shown} is not the file that was asked for: {_one_line(error)}") from error
    except OSError as error:
        raise DiskFull(path=kept, detail=error) from error
    finally:
        bar.close()
        for empty in (kept, target):  # after a refusal nothing is left behind
            with suppress(OSError):
                empty.rmdir()


def _one_line(error: Exception) -> str:
    return public_address(" ".join(str(error).split()))
