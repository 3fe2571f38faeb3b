"""Settings of every command that decodes pictures of a data set."""

from __future__ import annotations

from pydantic import Field

from snag.cli.settings import Settings
from snag.core.picture import DEFAULT_LIMITS, PictureLimits


class PictureSettings(Settings):
    """How large a picture may be; a model keeps what it was trained with, and so does its server."""

    max_pixels: int = Field(DEFAULT_LIMITS.max_pixels, ge=1, description="pictures of more pixels are refused unread")
    max_side: int = Field(DEFAULT_LIMITS.max_side, ge=1, description="so are those with more on a side")

    @property
    def limits(self) -> PictureLimits:
        """What is read. A file says what it is: no bare pixels."""
        return PictureLimits(self.max_pixels, self.max_side, raw_shape=None)
