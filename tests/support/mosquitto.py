"""A real broker of a test's own; what needs it is skipped where it is not installed."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("paho.mqtt", reason="needs the packages of the extra `line`")
if shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") is None:
    pytest.skip("needs the broker mosquitto; Debian has it in a package of that name", allow_module_level=True)

from benchmarks.line.broker import Mosquitto, Subscriber

__all__ = ["Mosquitto", "Subscriber"]
