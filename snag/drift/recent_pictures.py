"""Recent pictures: those of one line that were just seen, so that a picture that is sent twice is bet on once."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

#: Pictures of a line that are remembered: one that comes again after so many others is bet on anew.
MEMORY: Final = 10_000


class RecentPictures:
    """Remembers digests, the ones seen last."""

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def has_seen(self, digest: bytes) -> bool:
        """Whether a picture with this digest is among them; from now on it is."""
        is_known = digest in self._digests
        self._digests[digest] = None
        self._digests.move_to_end(digest)
        if len(self._digests) > MEMORY:
            self._digests.popitem(last=False)
        return is_known
