"""The pages of the reference: those that are committed are those that the code makes, and nothing is left out of them."""

import re

import pytest
import yaml

from reference.__main__ import PAGES, main
from reference.alerts import alert_rules
from reference.commands import default, flag, kind, known_flags, settings_class
from reference.configuration import commented
from reference.markdown import capital, code, prose, table
from reference.metrics import meanings
from snag.cli.verbs import VERBS
from snag.core import errors
from snag.core.errors import SnagError, gate_errors, request_errors
from snag.core.telemetry import DISTRIBUTIONS, declared
from snag.gate.proxy.addresses import ADDRESSES
from snag.training.settings import TrainSettings
from tests.house.test_docs import help_of
from tests.support.source import ROOT

FOLDER = ROOT / "docs" / "reference"


def written(name):
    """A committed page."""
    return (FOLDER / name).read_text(encoding="utf-8")


def first_cells(name):
    """The code in the first cell of every row of a page's tables."""
    return set(re.findall(r"^\| `([^`]+)` \|", written(name), re.M))


class TestCommitted:
    @pytest.mark.parametrize("name", PAGES)
    def test_page(self, name):
        """A page is what the code makes of it."""
        assert written(name) == PAGES[name](), "run `python -m reference`"

    def test_no_other(self):
        """No page says that it is written from the code and is not."""
        assert {path.name for path in FOLDER.glob("*.md") if "Written by `python -m reference`" in path.read_text()} == set(
            PAGES
        )

    @pytest.mark.parametrize("name", PAGES)
    def test_of_no_machine(self, name):
        """No page names a path of the machine that wrote it."""
        assert str(ROOT) not in written(name)
        assert "/home/" not in written(name)

    def test_links(self):
        """Every link within a page leads to one of its headings."""
        for name in PAGES:
            headings = {
                re.sub(r"[^a-z0-9-]", "", line.lower().replace(" ", "-"))
                for line in re.findall(r"^#+ (.*)$", written(name), re.M)
            }
            assert set(re.findall(r"\]\(#([^)]+)\)", written(name))) - headings == set()


class TestCommands:
    @pytest.mark.parametrize("verb", [verb for verb in VERBS if VERBS[verb].settings])
    def test_flags(self, verb):
        """The class that the table of verbs names has the very flags of the command's help."""
        said = help_of(verb)
        told = {name for name in known_flags(verb) if name.startswith("--")}
        shown = set(re.findall(r"^ +(--[a-z][a-z0-9-]*)", said, re.M)) | set(
            re.findall(r"[ \[](--[a-z][a-z0-9-]*)", said.split("options:")[0])
        )

        assert {name for name in shown if not name.startswith("--no-")} - {"--help"} == told

    def test_positional(self):
        """What is known by its place is shown in capitals."""
        fields = settings_class(VERBS["token"]).model_fields

        assert [flag(name, field) for name, field in fields.items()] == ["ACTION", "--tokens", "--name", "--days"]

    @pytest.mark.parametrize(
        ("name", "value", "usual"),
        [
            ("learning_rate", "number, more than 0", "`0.004`"),
            ("data", "path", "`data/sample`"),
            ("fresh", "", ""),
            ("features", "", "on"),
            ("rendezvous", "text", ""),
            ("colour", "`auto`, `grey`, `colour`", "`auto`"),
        ],
    )
    def test_values(self, name, value, usual):
        """A field's type, bounds and default are said in words."""
        field = TrainSettings.model_fields[name]

        assert (kind(field.annotation, field.metadata).partition(", at most")[0], default(field)) == (value, usual)


class TestOthers:
    def test_errors(self):
        """Every error that is raised on purpose has its row; the roots of the tree have none."""
        kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, SnagError)]

        assert first_cells("errors.md") == {one.code for one in kinds} - {"error"}
        for error in (*request_errors(), *gate_errors()):
            assert re.search(rf"^\| `{error.code}` \| {error.status}\b", written("errors.md"), re.M)

    def test_metrics(self):
        """Every metric of Snag's that a worker declares has a row and a meaning, and so has all that TorchServe gives."""
        text = (ROOT / "handler" / "metrics.yaml").read_text()
        distributions = {f"{name}{end}" for name in DISTRIBUTIONS for end in ("_sum", "_count")}
        names = {name for _, name in declared()} - distributions
        tables = yaml.safe_load(text)
        theirs = {one["name"] for table in ("ts_metrics", "model_metrics") for kinds in tables[table].values() for one in kinds}

        assert names - set(meanings(text)) == set()
        assert {name.removesuffix("_bucket") for name in names} - first_cells("metrics.md") == set()
        assert {name for name in theirs if not name.startswith("snag_")} - first_cells("metrics.md") == set()

    def test_alerts(self):
        """Every alert has a section with its rule."""
        page = written("alerts.md")

        assert re.findall(r"^## (\w+)$", page, re.M) == [rule["alert"] for rule in alert_rules()]
        assert page.count("```promql\n") == len(list(alert_rules()))

    def test_addresses(self):
        """Every address of the gate is on the page of the HTTP API."""
        missing = [path for paths in ADDRESSES.values() for path in paths if f"`{path}`" not in written("addresses.md")]

        assert missing == []

    def test_settings_of_files(self):
        """Every setting of the two files is on the page, those that are commented out too."""
        properties = re.findall(r"^(\w+)=", (ROOT / "config.properties").read_text(), re.M)
        model = re.findall(r"^ *(?:# )?(\w+): \S+$", (ROOT / "handler" / "model-config.yaml").read_text(), re.M)
        page = written("configuration.md")

        assert [name for name in properties if f"`{name}=" not in page and f"`{name}`" not in page] == []
        assert [name for name in model if f"`{name}: " not in page and f"`{name}`" not in page] == []


class TestCommand:
    def test_writes(self, tmp_path, capsys):
        """The command writes every page, and the next time only what differs."""
        assert main(["--out", str(tmp_path / "new")]) == 0
        first = capsys.readouterr().out
        (tmp_path / "new" / "errors.md").write_text("old")

        assert main(["--out", str(tmp_path / "new")]) == 0
        assert first.count("written: ") == len(PAGES)
        assert capsys.readouterr().out == f"written: {tmp_path / 'new' / 'errors.md'}\n"

    def test_refused(self, capsys):
        """An unknown flag is refused in one line."""
        assert main(["--odd"]) == 2
        assert capsys.readouterr().err.startswith("error: unrecognized arguments: --odd")


class TestMarkdown:
    def test_prose(self):
        """What Markdown would take for its own stays text; what is code stays code."""
        assert prose("a <b> *c* [d] | `e <f> | g`") == r"a &lt;b> \*c\* \[d\] \| `e <f> \| g`"

    def test_code(self):
        """Code that holds backticks gets a longer fence."""
        assert [code("a|b"), code("run `x`"), code("`x` runs")] == [r"`a\|b`", "`` run `x` ``", "`` `x` runs ``"]

    def test_table(self):
        """A table without rows is none; a line's end in a cell is a space."""
        assert table(["a"], []) == ""
        assert table(["a", "b"], [["1", "2\n3"]]) == "| a | b |\n|---|---|\n| 1 | 2 3 |"

    def test_capital(self):
        """A sentence has a capital and one full stop."""
        assert [capital("one"), capital("Two!")] == ["One.", "Two!"]

    def test_commented(self):
        """Settings share the comment above them; one that is commented out is a setting, a table's name is none."""
        text = "# Of the file.\n\n# First\n# line.\na=1\nb=\n\n# --- Part ---\n# Second.\nc=2\n"

        found = list(commented(text, re.compile(r"^(\w+)=(.*)$"), "="))

        assert found == [["`a=1`, `b`", "First line."], ["`c=2`", "Second."]]
