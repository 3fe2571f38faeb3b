"""Rows: one for each picture, judged or refused, in Parquet; the parts that workers write, and the two tables made of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from snag.core.files import write_atomically

_NAME: Final = pa.field("name", pa.string(), nullable=False)
_JUDGED: Final = (
    pa.field("anomaly", pa.bool_()),
    pa.field("score", pa.float64()),
    pa.field("p_value", pa.float64()),
    pa.field("reconstruction_error", pa.float64()),
    pa.field("reason", pa.string()),
)
_REFUSED: Final = (pa.field("code", pa.string()), pa.field("message", pa.string()))
#: Of the parts: a row either has a score or a code.
PART: Final = pa.schema([_NAME, *_JUDGED, *_REFUSED])
JUDGED: Final = pa.schema([_NAME, *_JUDGED])
REFUSED: Final = pa.schema([_NAME, *_REFUSED])
_KEY: Final = b"snag"  #: where a file says what it was made from
_GROUP: Final = 65_536  #: rows that are written together


@dataclass(frozen=True)
class ScoreRow:
    """What is said of one picture."""

    name: str
    anomaly: bool | None = None
    score: float | None = None
    p_value: float | None = None
    reconstruction_error: float | None = None
    reason: str | None = None
    code: str | None = None  #: of the error, as the server would answer it; None: the picture was judged
    message: str | None = None


def write_part(rows: Sequence[ScoreRow], path: Path, origin: Mapping[str, Any]) -> None:
    """Write a part so that it is there whole or not at all. Raises DiskFull."""
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=_described(PART, origin))
    write_atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def is_whole(path: Path, rows: int, origin: Mapping[str, Any]) -> bool:
    """Whether the part is there, has that many rows, and was made from `origin`."""
    try:
        found = pq.read_metadata(path)
    except (OSError, pa.ArrowInvalid):
        return False
    return bool(found.num_rows == rows and origin_in(found.metadata) == origin)


def origin_of(path: Path) -> dict[str, Any] | None:
    """What a table says it was made from; None where there is no such table."""
    try:
        return origin_in(pq.read_metadata(path).metadata)
    except (OSError, pa.ArrowInvalid):
        return None


def origin_in(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """What stands in a file's metadata; empty where nothing does."""
    return dict(json.loads((metadata or {}).get(_KEY, b"{}")))


def assemble(parts: Sequence[Path], judged: Path, refused: Path, origin: Mapping[str, Any]) -> None:
    """Make the two tables from the parts in their order, the one with the scores last: where it is, all is there."""
    for path, schema, has_code in ((refused, REFUSED, True), (judged, JUDGED, False)):
        write_atomically(path, _Filtered(parts, _described(schema, origin), has_code))


@dataclass(frozen=True)
class _Filtered:
    """Writes the rows of the parts that have a code, or those that have none."""

    parts: Sequence[Path]
    schema: pa.Schema
    has_code: bool

    def __call__(self, path: Path) -> None:
        with pq.ParquetWriter(path, self.schema, compression="zstd") as writer:
            waiting: list[pa.Table] = []
            for part in self.parts:
                table = pq.read_table(part)
                chosen = pc.is_valid(table["code"]) if self.has_code else pc.is_null(table["code"])
                waiting.append(table.filter(chosen).select(self.schema.names))
                if sum(map(len, waiting)) >= _GROUP:
                    writer.write_table(pa.concat_tables(waiting).cast(self.schema))
                    waiting = []
            if waiting:
                writer.write_table(pa.concat_tables(waiting).cast(self.schema))


def batches(path: Path) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table as dictionaries, some thousand at a time."""
    with ExitStack() as open_files:
        file = open_files.enter_context(pq.ParquetFile(path))
        for batch in file.iter_batches(batch_size=4096):
            yield batch.to_pylist()


def _described(schema: pa.Schema, origin: Mapping[str, Any]) -> pa.Schema:
    return schema.with_metadata({_KEY: json.dumps(origin, sort_keys=True).encode()})
