"""The losses of a run, read back from its TensorBoard events while it trains or afterwards, for whoever draws them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from google.protobuf.message import DecodeError
from tensorboardX.proto.event_pb2 import Event, SessionLog

_HEADER: Final = struct.Struct("<Q4x")  #: of a record: its length and, passed over, the length's checksum
_FOOT: Final = 4  #: bytes of the content's checksum
_TAG: Final = "loss/"


def read_losses(folder: Path) -> dict[str, dict[int, float]]:
    """Each loss's mean by epoch, from the events in RUN/tensorboard; empty where there are none.

    A run that went on from its last checkpoint says which epochs it does again; what an earlier file says of those is dropped.
    A record that is just being written, or was cut off, ends its file.
    """
    found: dict[str, dict[int, float]] = {}
    files = [list(_events(path)) for path in folder.glob("events.out.tfevents.*")]
    for events in sorted(filter(None, files), key=lambda some: some[0].wall_time):
        for event in events:
            if event.session_log.status == SessionLog.START:
                found = {name: {at: mean for at, mean in means.items() if at < event.step} for name, means in found.items()}
            for value in event.summary.value:
                if value.tag.startswith(_TAG):
                    found.setdefault(value.tag.removeprefix(_TAG), {})[event.step] = value.simple_value
    return found


def _events(path: Path) -> Iterator[Event]:
    try:
        data = path.read_bytes()
    except OSError:
        return
    place = 0
    while place + _HEADER.size <= len(data):
        (length,) = _HEADER.unpack_from(data, place)
        begin = place + _HEADER.size
        place = begin + length + _FOOT
        if place > len(data):
            return
        try:
            yield Event.FromString(data[begin : begin + length])
        except DecodeError:
            return
