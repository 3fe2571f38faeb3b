"""The product's own source as syntax trees: what the tests of the house walk."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECKOUT = ("benchmarks", "reference")  #: rooms that no wheel has
#: Every room and its folder. `snag/training` and `snag/handler` are links to the folders beside `snag/`.
ROOMS = {
    **{room: f"snag/{room}" for room in ("core", "detector", "cli", "pages", "samples", "drift", "client", "gate", "server")},
    **{room: f"snag/{room}" for room in ("inspector", "labels", "evaluation", "doctor", "offline", "review", "line", "studio")},
    **{room: room for room in ("training", "handler", *CHECKOUT)},
}


def files(*rooms: str) -> list[Path]:
    """Every Python file of the rooms."""
    return sorted(path for room in rooms or ROOMS for path in (ROOT / ROOMS[room]).rglob("*.py"))


def package(room: str) -> str:
    """The room's package, as it is imported."""
    return room if room in CHECKOUT else f"snag.{room}"


def name(path: Path) -> str:
    """The file's path from the repository's root, as it is shown."""
    return path.relative_to(ROOT).as_posix()


def dotted(path: Path) -> str:
    """The module's name, as it is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("snag", *parts) if parts[0] in ("training", "handler") else parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), name(path))


def imports(path: Path) -> set[str]:
    """Every module that the file imports, wherever in the file; `from a import b` counts as a and, if that is a module, a.b."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno} imports relatively; every import has one spelling"
            package = str(node.module)
            found |= {package} | {f"{package}.{alias.name}" for alias in node.names if is_module(f"{package}.{alias.name}")}
    return found


def is_module(module: str) -> bool:
    """Whether the name is a file or folder of ours."""
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def functions(path: Path) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of the file with its dotted name, those inside of functions left out."""
    found = []

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append((prefix + child.name, child))
            elif isinstance(child, ast.ClassDef):
                walk(child, f"{prefix}{child.name}.")

    walk(tree(path), "")
    return found
