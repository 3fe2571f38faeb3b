"""Which of pytest's workers runs which test: a worker takes whole files, and one of them all that ask the one live server.

Marks `xdist_group` would say it in the tests, but pytest-xdist 3.8 does not hand them on under pytest 9.2.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from xdist.scheduler import LoadFileScheduling

#: Files of e2e/ that start servers of their own alone.
OWN_SERVER: Final = {"test_demo.py", "test_deploy.py", "test_image.py", "test_keeper.py"}


class ByFixture(LoadFileScheduling):
    """A file for each unit of work, but for those that share the live server."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        return "live server" if file.parts[-2] == "e2e" and file.name not in OWN_SERVER else str(file)
