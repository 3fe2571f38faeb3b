from __future__ import annotations

from pathlib import Path

import pytest

from snag.studio import jobs
from snag.studio.jobs import VerbStep
from snag.studio.products import Workshop
from tests.support.studio import workshop_in


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return workshop_in(tmp_path)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, list[VerbStep]]]:
    """What the pages start, in place of processes."""
    found: list[tuple[Path, list[VerbStep]]] = []
    monkeypatch.setattr(jobs, "start", lambda folder, steps: found.append((folder, list(steps))))
    return found
