"""What a module imports before it does anything: other people's packages, through all of ours; and what pip's names bring."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

from tests.support.source import ROOT, tree


def reached(*modules: str) -> set[str]:
    """Top names of the packages, neither ours nor Python's, that importing these modules imports."""
    others: set[str] = set()
    seen: set[str] = set()
    for module in modules:
        _follow(module, seen, others)
    return others


def _follow(module: str, seen: set[str], others: set[str]) -> None:
    if module in seen:
        return
    seen.add(module)
    if "." in module:
        _follow(module.rpartition(".")[0], seen, others)
    path = _path(module)
    for name in _imported(tree(path).body) if path else ():
        top = name.partition(".")[0]
        if top in ("snag", "benchmarks"):
            _follow(name, seen, others)
        elif top not in sys.stdlib_module_names:
            others.add(top)


def _path(module: str) -> Path | None:
    stem = ROOT / module.replace(".", "/")
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.exists()), None)


def _imported(body: Iterable[ast.stmt]) -> Iterator[str]:
    """What runs when the module is imported: no bodies of functions, nothing for type checkers alone."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (full for alias in node.names if _path(full := f"{node.module}.{alias.name}"))
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
            yield from _imported([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _imported(node.body)


def brought(requirements: Iterable[str]) -> set[str]:
    """Normal names of the distributions that pip installs for these requirements, themselves included."""
    found: set[str] = set()
    waiting = [Requirement(word) for word in requirements]
    while waiting:
        one = waiting.pop()
        if normal(one.name) in found:
            continue
        found.add(normal(one.name))
        try:
            further = [Requirement(word) for word in requires(one.name) or ()]
        except PackageNotFoundError:
            continue
        waiting += [word for word in further if word.marker is None or word.marker.evaluate({"extra": ""})]
    return found


@cache
def _distributions() -> dict[str, set[str]]:
    return {name: {normal(one) for one in found} for name, found in packages_distributions().items()}


def distributions(package: str) -> set[str]:
    """Normal names of the distributions that bring what is imported as `package`."""
    return _distributions().get(package, set())


def normal(name: str) -> str:
    """A distribution's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
