"""PNG's filters undone by vectors of the processor, where native/unfilter.c was compiled for this machine.

The library lies among the environment's packages, not in archives, which go from machine to machine: an archive's code uses
what it finds. Where there is none, or the processor has no AVX2, the libraries do the work.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

import numpy as np
from numpy.typing import NDArray

_FINE, _BAD_SIZE = 0, 3  #: see native/unfilter.c
_NAME: Final = "snag_unfilter"
_FUNCTION: Final = "snag_unfilter_1"


def _loaded() -> Callable[..., int] | None:
    """The library's function where there is one that this processor can run."""
    try:
        spec = find_spec(_NAME)
        if spec is None or not spec.origin:
            return None
        function = getattr(ctypes.CDLL(spec.origin), _FUNCTION)
    except (OSError, AttributeError, ImportError, ValueError):  # of another machine, or of another time
        return None
    function.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_size_t]
    function.restype = ctypes.c_int
    return function if function(b"", None, 0, 0, 0) == _BAD_SIZE else None  # one that can't run says so before anything else


_unfilter: Final = _loaded()


def can_unfilter() -> bool:
    """Whether `unfiltered` may be called."""
    return _unfilter is not None


def unfiltered(filtered: bytes, height: int, row_bytes: int, pixel_bytes: int) -> NDArray[np.uint8] | None:
    """Bytes [height, row_bytes] of filtered rows, each behind the byte that names its filter; None if one names none.

    `pixel_bytes`: 1, 2, 3, 4, 6 or 8. Raises ValueError for bytes that are not as many, RuntimeError unless `can_unfilter`.
    """
    if _unfilter is None:
        raise RuntimeError("native/unfilter.c is not compiled here, or the processor has no AVX2")
    if len(filtered) != height * (row_bytes + 1):
        raise ValueError(f"{len(filtered)} bytes; expected {height} rows of {row_bytes + 1}")
    found = np.empty((height, row_bytes), np.uint8)
    return found if _unfilter(filtered, found.ctypes.data, height, row_bytes, pixel_bytes) == _FINE else None
