"""Videos of drawn parts, as a camera over a line would take them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame


def write_video(
    path: Path, levels: list[int], rate: int = 10, codec: str = "ffv1", pixels: str = "gray", side: int = 64
) -> None:
    """A film of a frame for each grey level; without a loss by default."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width = stream.height = side
        stream.pix_fmt = pixels
        for level in levels:
            array = np.full((side, side), level, np.uint16 if "16" in pixels else np.uint8)
            frame = VideoFrame.from_ndarray(array, format="gray16le" if "16" in pixels else "gray")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
