"""The documents say what the code does: targets, variables, flags, errors, metrics, paths, snippets."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import os
import re
import runpy
import subprocess
import sys
import warnings
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
import yaml

from snag.cli.main import main as snag
from snag.cli.program import started_as
from snag.cli.verbs import VERBS as SNAG_VERBS
from snag.core.errors import gate_errors, request_errors
from snag.core.verdict import Verdict
from snag.gate.gate import Gate
from snag.gate.settings import GateSettings
from tests.support.source import CHECKOUT, ROOMS, dotted, files

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "deploy/*/*.md", "benchmarks/*.md", "model_store/*.md")
    for path in ROOT.glob(pattern)
    if ROOT / "docs" / "results" not in path.parents
)
PRODUCT = [room for room in ROOMS if room not in CHECKOUT]
VERBS = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.M)
#: Every variable set, so that `make -n` prints each recipe with all the flags that it can pass.
ALL_SET = [
    "SEED=1", "CONFIG=a.toml", "THRESHOLD=1", "FOREGROUND=1", "IMAGES=a.png", "SAVE=map",
    "LABELS=a", "SPOOL=1", "RUN=runs/none", "MODEL_STORE=none",
    "CONFIDENCE=0.9", "PROMISE=average", "GROUPS=a.csv", "METHOD=cost", "DEFECTS=a", "MISS_COST=1", "FALSE_ALARM_COST=1",
    "DEFECT_SHARE=0.1", "SHIFTS=1",
]  # fmt: skip


def read(document: str) -> str:
    return (ROOT / document).read_text()


@cache
def help_of(verb: str) -> str:
    """What `snag <verb> --help` prints, run in this process: loading torch anew for each would take minutes."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(printed), started_as("snag"):
        patched.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as end:
            snag([verb, "--help"])
    assert end.value.code == 0, printed.getvalue()
    return printed.getvalue()


def entry_modules() -> list[str]:
    """Every module that can be run: `python -m <module>`."""
    return [
        dotted(path).removesuffix(".__main__") for path in files(*PRODUCT) if 'if __name__ == "__main__"' in path.read_text()
    ]


@cache
def help_of_module(module: str) -> str:
    """What `python -m <module> --help` prints, likewise."""
    printed, ended = io.StringIO(), 1
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(printed):
        warnings.simplefilter("ignore", RuntimeWarning)  # runpy's, where another test has loaded the module before
        patched.setattr(sys, "argv", [module, "--help"])
        patched.setenv("COLUMNS", "200")
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            ended = end.code
    assert ended == 0, printed.getvalue()
    return printed.getvalue()


def recipes() -> list[str]:
    """Every command line that the Makefile can run, from a tree in which nothing is made yet."""
    goals = [
        ["data"],
        ["data", "SOURCE=a", "SHA256=b", "CATEGORY=c"],
        ["data", "PREVIEW=1"],
        ["data", "LAMP=on"],
        *([verb] for verb in VERBS),
    ]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    lines = []
    for goal in goals:
        command = ["make", "-n", "--no-print-directory", *goal, *ALL_SET]
        dry = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=True)
        lines += dry.stdout.splitlines()
    return sorted({line for line in lines if re.search(r"python -m snag ", line)})


def fenced(language: str) -> list[tuple[str, str]]:
    """Every document that shows such code, with each piece of it."""
    return [
        (document, piece)
        for document in DOCUMENTS
        for piece in re.findall(rf"^```{language}\n(.*?)^```", read(document), re.M | re.S)
    ]


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of a page of the reference."""
    section = read(f"docs/reference/{page}.md").split(f"{heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", section, re.M)
    assert table, f"no table below {heading!r}"
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.group().splitlines()[2:]]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_reference_lists_every_verb_of_the_makefile() -> None:
    listed = [name.removeprefix("make ") for row in rows("make", "## Verbs") for name in code(row[0])]

    assert sorted(listed) == sorted(set(VERBS) - {"help"})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_command_in_a_document_exists(document: str) -> None:
    """Targets and variables behind `make` are those of the Makefile, so that a line can be pasted."""
    text = (ROOT / document).read_text()
    variables = re.findall(r"^#: ([A-Z_0-9]+) ", MAKEFILE, re.M)
    word = r"[a-z]+|[A-Z_0-9]+=(?:\"[^\"]*\"|\S*)"
    commands = re.findall(rf"(?:^|[`\s])make ((?:(?:{word})[ \t]*)+)", "\n".join(code_of(text)), re.M)
    words = {one for command in commands for one in re.findall(word, command)}

    unknown = {one for one in words if one.split("=")[0] not in (variables if "=" in one else VERBS)}

    assert unknown == set()


def code_of(text: str) -> list[str]:
    """Everything that a document sets as code: in backticks, fenced or indented."""
    fences = re.findall(r"^```.*?\n(.*?)^```", text, re.M | re.S)
    indented = re.findall(r"^ {4}(.*)$", text, re.M)
    return [*fences, *indented, *re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)]


def test_the_reference_explains_every_variable_of_the_makefile() -> None:
    documented = set(re.findall(r"^#: ([A-Z_0-9]+) ", MAKEFILE, re.M))
    settable = set(re.findall(r"^([A-Z_0-9]+) \?=", MAKEFILE, re.M))
    explained = {name for row in rows("make", "## Variables of make") for name in code(row[0])}

    assert settable - documented == set()
    assert explained == documented


def test_every_verb_of_the_product_is_one_of_snag_and_is_called_by_make() -> None:
    called = {verb for line in recipes() for verb in re.findall(r"(?:python -m snag|if-needed) (\S+)", line)}

    assert called - set(SNAG_VERBS) == set()
    assert set(SNAG_VERBS) - called == {"token", "export", "lamp"}  # nothing that make keeps up to date


@pytest.mark.parametrize("verb", SNAG_VERBS)
def test_every_verb_has_help_under_the_name_that_was_typed(verb: str) -> None:
    assert help_of(verb).startswith(f"usage: snag {verb} [-h]")


@pytest.mark.parametrize("module", entry_modules())
def test_every_command_is_a_verb_and_has_help_as_a_module_too(module: str) -> None:
    modules = {verb.module.removesuffix(".__main__") for verb in SNAG_VERBS.values()}

    assert module in modules | {"snag.server.supervise.keeper", "snag.studio.chain"}
    assert help_of_module(module).startswith(f"usage: python -m {module} [-h]")


@pytest.mark.parametrize(
    "document", [*DOCUMENTS, "Dockerfile", "deploy/systemd/snag.service", "deploy/kubernetes/train/job.yaml"]
)
def test_documents_name_verbs_that_exist_with_flags_that_they_know(document: str) -> None:
    text = "\n".join(code_of(read(document)))
    commands = re.findall(r"(?:^|python -m |bin/)snag ([a-z][a-z-]*)((?: +[\w./,:=-]+)*)", text, re.M)
    unknown = [verb for verb, _ in commands if verb not in SNAG_VERBS]
    flags = [(verb, flag) for verb, words in commands for flag in re.findall(r"(--[a-z][a-z-]*)", words)]

    assert unknown == []
    assert [(verb, flag) for verb, flag in flags if not re.search(rf"{flag}\b(?!-)", help_of(verb))] == []
    assert re.findall(r"python -m snag\.\S+", read(document)) == []


def test_every_flag_that_the_makefile_passes_is_known_to_the_command() -> None:
    unknown = [
        (verb, flag)
        for line in recipes()
        for verb in re.findall(r"python -m snag (?:if-needed )?(\S+)", line)
        for flag in re.findall(r" (--[a-z0-9-]+)", line)
        if not re.search(rf"{flag}\b(?!-)", help_of(verb))
    ]

    assert unknown == []


def test_the_reference_lists_every_field_of_a_verdict() -> None:
    listed = [code(row[0])[0] for row in rows("python", "### Verdict")]

    assert listed == [field.name for field in fields(Verdict)]


def test_the_reference_lists_every_error_that_an_answer_can_carry() -> None:
    listed = {code(row[0])[0]: int(row[1].split(",")[0]) for row in rows("errors", "## Answers of the server")}

    assert listed == {error.code: error.status for error in (*request_errors(), *gate_errors())}


def test_the_reference_lists_every_metric_that_snag_exposes() -> None:
    declared = yaml.safe_load((ROOT / "handler/metrics.yaml").read_text())["model_metrics"]
    names = {entry["name"] for kind in declared.values() for entry in kind if entry["name"].startswith("snag_")}
    exposed = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
    listed = {code(row[0])[0]: set(code(row[2])) for row in rows("metrics", "## Of the workers")}

    assert set(listed) == exposed
    for entry in (entry for kind in declared.values() for entry in kind if entry["name"] in exposed):
        assert listed[entry["name"]] == set(entry["dimensions"]) - {"model_name", "model_version"}, entry["name"]


def test_the_reference_lists_every_metric_of_the_gate(tmp_path: Path) -> None:
    here = ("127.0.0.1", 0)
    gate = Gate(GateSettings(here, here, here, tokens=None, log_file=tmp_path / "x.log"))
    families = gate.metrics.registry.collect()
    exposed = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    listed = {code(row[0])[0] for row in rows("metrics", "## Of the gate")}

    assert listed == exposed


def test_the_reference_lists_every_setting_of_the_handler() -> None:
    settings = yaml.safe_load((ROOT / "handler/model-config.yaml").read_text())
    named = {name for row in rows("server-settings", "# Settings of the server") for name in code(row[0])}

    assert named >= {*settings, *settings["handler"]} - {"handler", "deviceType"}


@pytest.mark.parametrize(("document", "snippet"), fenced("python"))
def test_the_python_snippets_compile_and_import_what_exists(document: str, snippet: str) -> None:
    modules = {node.module for node in ast.walk(ast.parse(snippet)) if isinstance(node, ast.ImportFrom) and node.module}

    compile(snippet, document, "exec")

    assert {module for module in modules if importlib.util.find_spec(module) is None} == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_to_a_file_leads_somewhere(document: str) -> None:
    text = (ROOT / document).read_text()
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]

    missing = [link for link in links if link and not ((ROOT / document).parent / link).exists()]

    assert missing == []


def test_the_architecture_names_only_files_that_exist_and_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    paths = {token for token in code(text) if re.fullmatch(r"[\w.-]+/[\w./-]*\.\w+|[\w-]+\.(py|toml|yaml|properties)", token)}

    assert {path for path in paths if not list(ROOT.glob(path)) and not list(ROOT.glob(f"*/{path}"))} == set()
    assert {folder for folder in ROOMS.values() if f"`{folder}/`" not in text} == set()


def test_pictures_of_the_documents_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs").glob("*.png")}

    assert {name: size for name, size in sizes.items() if size > 150_000} == {}
