"""The package: what a wheel holds, that its version stands in one place, and that what is asked for is what is pinned."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.tags import platform_tags

import snag
from snag.core.unfilter import can_unfilter
from tests.support.source import CHECKOUT, ROOMS, ROOT

#: What native/build.py makes beside the package, where there is a compiler.
LIBRARY = "snag_unfilter.so"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built by the backend that pip would call."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        folder,
        ROOT,
    ]
    done = subprocess.run([*map(str, build)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("snag_inspection-*.whl"))


@pytest.fixture(scope="module")
def held(wheel: Path) -> dict[str, bytes]:
    """Every file of the wheel but what describes it, by its name there."""
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist() if ".dist-info/" not in name}


def tracked() -> dict[str, bytes]:
    """Every file of the package, links followed, as the wheel should hold it; of a checkout's files those that git knows."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True)
    known = {ROOT / name for name in listed.stdout.decode().splitlines()}
    found = {}
    for folder, prefix in ((ROOT / "snag", "snag"), (ROOT / "training", "snag/training"), (ROOT / "handler", "snag/handler")):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and (path in known or listed.returncode):
                found[f"{prefix}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
    return found


def test_the_wheel_holds_every_module_and_data_file_of_the_checkout(held: dict[str, bytes]) -> None:
    """Behind the links too: presets, pages, styles, scripts, the server's configuration, the handler's tables."""
    expected = tracked()
    held = {name: content for name, content in held.items() if name != LIBRARY}

    assert set(held) ^ set(expected) == set()
    assert [name for name in held if held[name] != expected[name]] == []
    assert {Path(name).suffix for name in held} >= {
        ".py",
        ".typed",
        ".toml",
        ".html",
        ".css",
        ".js",
        ".yaml",
        ".xml",
        ".properties",
    }
    assert {f"snag/{room}/__init__.py" for room in ROOMS if room not in CHECKOUT} <= set(held)


def test_the_wheel_installs_no_name_but_its_own(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        tops = {name.split("/")[0] for name in file.namelist()}

    assert tops - {LIBRARY} == {"snag", f"snag_inspection-{snag.__version__}.dist-info"}


def test_the_wheel_is_of_this_platform_if_it_holds_what_was_compiled_and_else_of_any(
    wheel: Path, held: dict[str, bytes]
) -> None:
    """By the oldest glibc that will do: a registry takes no other wheel of Linux."""
    tag = "-".join(wheel.stem.split("-")[2:])

    assert LIBRARY in held or not can_unfilter()
    machine = sysconfig.get_platform().partition("-")[2]
    assert re.fullmatch(rf"py3-none-manylinux_2_\d\d_{machine}" if LIBRARY in held else "py3-none-any", tag)
    assert tag.replace("py3-none-", "") in {"any", *platform_tags()}  # pip takes it here


def test_the_wheel_brings_the_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        entries = file.read(f"snag_inspection-{snag.__version__}.dist-info/entry_points.txt").decode()

    assert entries.split("\n")[:2] == ["[console_scripts]", "snag = snag.cli.main:main"]


def test_the_version_stands_in_one_place_and_the_image_has_it_as_its_tag() -> None:
    deployed = [path for path in (ROOT / "deploy").rglob("*") if path.is_file() and path.suffix != ".json"]
    named = {
        (path.relative_to(ROOT).as_posix(), version)
        for path in deployed
        for version in re.findall(r'\bsnag:(\d+\.[\w.]*)|newTag: "([^"]+)"', path.read_text())
    }

    assert "version" not in PROJECT
    assert PROJECT["dynamic"] == ["version"]
    assert named
    assert {(path, "".join(found)) for path, found in named if "".join(found) != snag.__version__} == set()


def test_who_cites_it_cites_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())

    assert (cited["title"], cited["version"], cited["license"]) == ("Snag", snag.__version__, PROJECT["license"])
    assert f"\n## {snag.__version__} - " in (ROOT / "CHANGELOG.md").read_text()


def test_each_form_for_an_issue_asks_for_something_and_says_where_weaknesses_go() -> None:
    """The fields that a form has to have; what a forge does not understand it shows to nobody."""
    forms = [
        yaml.safe_load(path.read_text()) for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"
    ]
    fields = [[field for field in form["body"] if field["type"] != "markdown"] for form in forms]

    assert len(forms) == 2
    assert [form.keys() >= {"name", "description", "body"} for form in forms] == [True, True]
    assert [len({field["id"] for field in asked}) == len(asked) > 0 for asked in fields] == [True, True]
    assert all(field["attributes"]["label"] for asked in fields for field in asked)
    assert ["`SECURITY.md`" in form["body"][0]["attributes"]["value"] for form in forms] == [True, True]


def test_what_the_source_archive_holds_makes_the_same_wheel(held: dict[str, bytes], tmp_path: Path) -> None:
    """`make dist` makes both; links are no links there, so each file lies where it is in the wheel or where its link led."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)

    with tarfile.open(next(tmp_path.glob("snag_inspection-*.tar.gz"))) as file:
        packed = {name.partition("/")[2] for name in file.getnames()}

    assert set(held) - packed == ({LIBRARY} & set(held))
    assert packed >= {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "native/unfilter.c", "native/hatch_build.py"}


def test_what_is_asked_for_is_what_is_pinned() -> None:
    """Every dependency, and every extra's, has its pin in the lock file that make installs, and the pin is in its range."""
    pins = {}
    for lock in (
        "base.lock",
        "offline.lock",
        "features.lock",
        "line.lock",
        "studio.lock",
        "dev.lock",
        "docs.lock",
        "torch.txt",
    ):
        pins |= {
            name.lower().replace("_", "-"): version
            for name, version in re.findall(r"^([\w.-]+)==([\w.+]+)", (ROOT / "requirements" / lock).read_text(), re.M)
        }
    extras = [word for words in PROJECT["optional-dependencies"].values() for word in words]
    wanted = [Requirement(word) for word in (*PROJECT["dependencies"], *extras) if not word.startswith(PROJECT["name"])]

    assert [str(one) for one in wanted if not one.specifier.contains(pins.get(one.name.lower(), "none"))] == []


def test_to_import_snag_imports_nothing_heavy_until_it_is_asked_for() -> None:
    code = (
        "import sys; import snag; snag.__version__\n"
        "heavy = lambda: sorted({'torch', 'numpy', 'PIL', 'yaml'} & set(sys.modules))\n"
        "print(heavy()); snag.Verdict; print(heavy()); snag.load; print(heavy())\n"
        "print(sorted(set(snag.__all__) - set(dir(snag))))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["[]", "[]", "['PIL', 'numpy', 'torch', 'yaml']", "[]"]


def test_an_unknown_name_is_refused_as_python_does() -> None:
    with pytest.raises(AttributeError, match="module 'snag' has no attribute 'loda'"):
        _ = snag.loda


def test_words_are_spelt_as_codespell_knows_them() -> None:
    """Every file that git knows; what it takes for a mistake and is none stands in pyproject.toml."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True)
    names = listed.stdout.decode().splitlines() or ["."]

    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *names], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.stdout == ""
