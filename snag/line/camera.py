"""Camera: frames of an RTSP stream, a USB camera or a video file by PyAV, one kept at each trigger.

PyAV and not OpenCV: it says in FFmpeg's words why a source gives nothing, takes FFmpeg's options and time-outs for each source,
gives grey of more than 8 bits as it is, and is about two thirds as large.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from PIL import Image

from snag.core.errors import CameraAway
from snag.line.tables import CameraTable

#: Seconds to open a source, and between two frames, after which it counts as away.
_OPEN, _READ = 10.0, 5.0
#: FFmpeg's pixel formats of grey with more than 8 bits: a PNG of 16 bits keeps them.
_DEEP_GREY: Final = ("gray9", "gray10", "gray12", "gray14", "gray16")
_DEVICES: Final = "/dev/video"


class Camera:
    """One source. Frames are read all the time, so that the one that is kept is not of long before its trigger."""

    def __init__(self, table: CameraTable) -> None:
        self._table = table

    @property
    def is_live(self) -> bool:
        """Whether frames go by; of a file they wait."""
        return "://" in self._table.url or self._table.url.startswith(_DEVICES)

    def frames(self) -> Iterator[VideoFrame]:
        """Open the source and give every frame until it ends. Raises CameraAway."""
        try:
            with self._opened() as container:
                yield from container.decode(video=0)
        except (av.FFmpegError, OSError, IndexError) as error:  # IndexError: it has no picture at all
            raise CameraAway(url=without_password(self._table.url), detail=_reason(error)) from error

    def _opened(self) -> InputContainer:
        url, options = self._table.url, dict(self._table.options)
        kind = self._table.format or ("v4l2" if url.startswith(_DEVICES) else None)
        if url.startswith("rtsp"):
            options.setdefault("rtsp_transport", "tcp")  # over UDP lost packets are torn pictures
        return av.open(url, format=kind, options=options, timeout=(_OPEN, _READ) if self.is_live else None)


def png_of(frame: VideoFrame) -> bytes:
    """The frame as PNG, without a loss but that of colour spaces: grey stays grey, with its bits."""
    buffer = io.BytesIO()
    _image(frame).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _image(frame: VideoFrame) -> Any:
    name = frame.format.name
    if name.startswith(_DEEP_GREY):
        deep = frame.reformat(format="gray16le")
        plane = deep.planes[0]
        return Image.frombuffer("I;16", (deep.width, deep.height), bytes(plane), "raw", "I;16", plane.line_size, 1)
    if name.startswith("gray"):
        plane = frame.planes[0]
        return Image.frombuffer("L", (frame.width, frame.height), bytes(plane), "raw", "L", plane.line_size, 1)
    return frame.to_image()


def without_password(url: str) -> str:
    """An address as it may be shown."""
    scheme, sign, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if sign else url


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
