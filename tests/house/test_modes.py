"""A mode is one thing: its row in the table, its fit, its module; no other line of the product asks which mode it is."""

import ast
import re
from itertools import chain

import pytest

from snag.training.modes import FALLBACK, MODES
from tests.support.source import ROOT, files, imports, name, tree

#: Where a mode is itself: its fit and row, and the module that prepares its pictures.
OWN = {f"training/modes/{stem}.py" for stem in ("__init__", "mode", *MODES)} | {f"snag/detector/{mode}.py" for mode in MODES}


def preparations(mode):
    """Names of the classes in the mode's module that are preparations."""
    classes = [node for node in tree(ROOT / "snag" / "detector" / f"{mode}.py").body if isinstance(node, ast.ClassDef)]
    return [node.name for node in classes if "Preparation" in {ast.unparse(base) for base in node.bases}]


def mentioned(node):
    """Every name below a node, dotted ones also by their last part."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} | {
        each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)
    }


def asks(node, kinds):
    """Whether the node asks which mode it is: by its name, by its module's class, or by which row of the table it is."""
    match node:
        case ast.Constant(value=str(text)):
            return text in MODES
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, asked]):
            return bool(mentioned(asked) & kinds)
        case ast.MatchClass():
            return bool(mentioned(node.cls) & kinds)
        case ast.Compare():
            sides = [node.left, *node.comparators]
            return any(mentioned(side) & (kinds | {"FALLBACK"}) or holds_name(side) for side in sides)
        case ast.Match():
            return holds_name(node.subject)
    return False


def holds_name(node):
    """Whether `mode.name` stands in it, whoever's mode that is."""
    return any(re.search(r"(^|\.)mode\.name$", ast.unparse(each)) for each in ast.walk(node) if isinstance(each, ast.Attribute))


def branches(syntax):
    """Lines of a syntax tree that ask which mode it is."""
    kinds = {"Preparation", *chain.from_iterable(preparations(mode) for mode in MODES)}
    return sorted({node.lineno for node in ast.walk(syntax) if asks(node, kinds)})


class TestNobodyAsks:
    def test_no_line_branches_on_a_mode(self):
        """Outside of a mode's own files no string is its name, and nothing asks which preparation or which row it is."""
        rest = [path for path in files() if name(path) not in OWN]

        assert [f"{name(path)}:{line}" for path in rest for line in branches(tree(path))] == []

    def test_only_the_table_takes_a_mode_by_itself(self):
        """Nobody else imports the file of one mode: whoever needs a mode takes it from the table."""
        alone = {f"snag.training.modes.{mode}" for mode in MODES}

        assert [name(path) for path in files() if name(path) not in OWN and imports(path) & alone] == []

    @pytest.mark.parametrize(
        "line",
        [
            "if settings.mode == 'scene': pass",
            "names = {'full_frame': 1}",
            "mode = MODES['oriented_crop']",
            "isinstance(module, Scene)",
            "isinstance(module, (Tensor, centred_crop.CentredCrop))",
            "isinstance(module, FullFrame | OrientedCrop)",
            "isinstance(module, Preparation)",
            "found = type(module) is Scene",
            "found = choice.mode.name == asked",
            "found = asked in (mode.name, None)",
            "found = choice.mode is FALLBACK",
            "match module:\n    case OrientedCrop(): pass",
            "match choice.mode.name:\n    case other: pass",
        ],
    )
    def test_what_asks_is_seen(self, line):
        """The walk sees every way to ask."""
        assert branches(ast.parse(line)) != []

    @pytest.mark.parametrize(
        "line",
        [
            '"""In mode scene, full_frame and so on."""',
            "def fit_table(module: CentredCrop) -> None: pass",
            "mode = MODES[settings.mode]",
            "print(choice.mode.name)",
            "found = choice.mode.may_be_raw == asked",
            "isinstance(found, Refusal)",
        ],
    )
    def test_what_asks_the_mode_is_left_alone(self, line):
        """Docstrings, types and what a mode says of itself are no branches."""
        assert branches(ast.parse(line)) == []


class TestTable:
    @pytest.mark.parametrize("mode", MODES)
    def test_name(self, mode):
        """A mode is called as its two files are."""
        assert MODES[mode].name == mode
        assert (ROOT / "training" / "modes" / f"{mode}.py").is_file()
        assert (ROOT / "snag" / "detector" / f"{mode}.py").is_file()

    def test_every_file_is_in_the_table(self):
        """There is no mode's file beside the table, and no preparation without a mode."""
        fits = {path.stem for path in (ROOT / "training" / "modes").glob("*.py")} - {"__init__", "mode"}
        modules = {path.stem for path in (ROOT / "snag" / "detector").glob("*.py") if preparations(path.stem)}

        assert fits == modules == set(MODES)

    @pytest.mark.parametrize("mode", MODES)
    def test_module(self, mode):
        """A mode's module has one preparation."""
        assert len(preparations(mode)) == 1

    def test_phrases(self):
        """Each mode says what the networks see in words of its own, which end a sentence that others begin."""
        phrases = [mode.phrase for mode in MODES.values()]

        assert all(re.fullmatch(r"[a-z].*[a-z]", phrase) for phrase in phrases)
        assert len(set(phrases)) == len(MODES)

    def test_the_last_one_is_the_fallback(self):
        """By itself, the one that never refuses is asked last."""
        assert list(MODES.values())[-1] is FALLBACK

    def test_the_page_names_the_modes(self):
        """In a table, in the order in which they are tried, each with what the networks see; and asks for none that is not."""
        page = (ROOT / "docs" / "reference" / "presets-and-modes.md").read_text(encoding="utf-8")
        pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("**/*.md")]
        rows = dict(re.findall(rf"^\| `({'|'.join(MODES)})` \|.*\| (.*) \|$", page, re.M))

        assert list(rows) == list(MODES)
        assert [mode for mode, seen in rows.items() if not seen.startswith(MODES[mode].phrase)] == []
        assert {mode for text in pages for mode in re.findall(r"--mode (\w+)", text)} <= set(MODES)
