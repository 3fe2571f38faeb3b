"""The package: what a wheel holds, that its version stands in one place, and that what is asked for is what is pinned."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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
    return next(folder.glob("snag-*.whl"))


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

    assert tops - {LIBRARY} == {"snag", f"snag-{snag.__version__}.dist-info"}


def test_the_wheel_is_of_this_platform_if_it_holds_what_was_compiled_and_else_of_any(
    wheel: Path, held: dict[str, bytes]
) -> None:
    tag = "-".join(wheel.stem.split("-")[2:])

    assert LIBRARY in held or not can_unfilter()
    assert tag == (f"py3-none-{sysconfig.get_platform().replace('-', '_')}" if LIBRARY in held else "py3-none-any")


def test_the_wheel_brings_the_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        entries = file.read(f"snag-{snag.__version__}.dist-info/entry_points.txt").decode()

    assert entries.split("\n")[:2] == ["[console_scripts]", "snag = snag.cli.main:main"]


def test_the_version_stands_in_one_place_and_the_image_has_it_as_its_tag() -> None:
    deployed = [path for path in (ROOT / "deploy").rglob("*") if path.is_file() and path.suffix != ".json"]
    named = {
        (path.relative_to(ROOT).as_posix(), version)
        for path in deployed
        for version in re.findall(r'\bsnag:(\d[\w.]*)|newTag: "([^"]+)"', path.read_text())
    }

    assert "version" not in PROJECT
    assert PROJECT["dynamic"] == ["version"]
    assert named
    assert {(path, "".join(found)) for path, found in named if "".join(found) != snag.__version__} == set()


def test_what_is_asked_for_is_what_is_pinned() -> None:
    """Every dependency, and every extra's, has its pin in the lock file that make installs, and the pin is in its range."""
    pins = {}
    for lock in ("base.lock", "offline.lock", "studio.lock", "features.lock", "dev.lock", "docs.lock", "torch.txt"):
        pins |= {
            name.lower().replace("_", "-"): version
            for name, version in re.findall(r"^([\w.-]+)==([\w.+]+)", (ROOT / "requirements" / lock).read_text(), re.M)
        }
    extras = [word for words in PROJECT["optional-dependencies"].values() for word in words]
    wanted = [Requirement(word) for word in (*PROJECT["dependencies"], *extras)]

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
