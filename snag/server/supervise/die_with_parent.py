"""A child that does not outlive its parent, however the parent ends."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  #: of <linux/prctl.h>


def die_with_parent() -> Callable[[], None]:
    """What a child runs before its program: from then on Linux kills it as soon as the thread that started it is gone.

    To be called, like the start of the child itself, on the main thread.
    """
    prctl, parent = ctypes.CDLL(None, use_errno=True).prctl, os.getpid()

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before the call
            os._exit(1)

    return tie
