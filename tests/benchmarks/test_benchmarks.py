"""Every benchmark can be found, asked for help, and run by the name that its page gives it."""

import re

import pytest

from tests.house.test_docs import help_of_module
from tests.support.source import ROOT

COMMANDS = sorted(f"benchmarks.{path.parent.name}" for path in (ROOT / "benchmarks").glob("*/__main__.py"))


def test_every_benchmark_is_listed():
    """The page of the benchmarks has a row for each command."""
    listed = re.findall(r"^\| `(benchmarks\.\w+)` \|", (ROOT / "benchmarks" / "README.md").read_text(), re.M)

    assert set(COMMANDS) - set(listed) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    """Each says under its own name what can be set."""
    assert help_of_module(command).startswith(f"usage: python -m {command} [-h]")
