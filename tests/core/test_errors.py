"""The tree of errors: drawn, complete, raised, and harmless to print."""

import ast
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core import errors
from snag.core.errors import (
    BrokenPicture,
    InternalError,
    RequestError,
    ServiceError,
    SnagError,
    StageError,
    gate_errors,
    request_errors,
)
from tests.support.source import files, name, tree

CLASSES = {kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SnagError)}
LEAVES = {label: kind for label, kind in CLASSES.items() if not kind.__subclasses__()}


def fields(kind):
    """The details that a class's message is made of."""
    return {field for _, field, _, _ in string.Formatter().parse(kind.message) if field}


def raised():
    """Every place where an error of the tree is made: (where, class, names of the details, whether any are not by name)."""
    for path in files():
        for node in ast.walk(tree(path)):
            called = node.func if isinstance(node, ast.Call) else None
            label = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else None
            if label in CLASSES:
                unnamed = bool(node.args) or any(keyword.arg is None for keyword in node.keywords)
                yield f"{name(path)}:{node.lineno}", CLASSES[label], {keyword.arg for keyword in node.keywords}, unnamed


class TestTree:
    def test_drawing(self):
        """The tree at the head of the file is the tree of the classes, statuses included."""
        drawn, line_of = {}, {}
        above: list[str] = []
        for line in errors.__doc__.splitlines():
            match = re.match(r"^((?:[| ]   )*(?:\|-- |`-- )?)([A-Z]\w+)(?:\s{2,}(.*))?$", line)
            if match:
                depth = len(match[1]) // 4
                above[depth:] = [match[2]]
                drawn[match[2]] = above[depth - 1] if depth else None
                line_of[match[2]] = match[3] or ""

        assert drawn == {label: (kind.__base__.__name__ if kind is not SnagError else None) for label, kind in CLASSES.items()}
        for label, kind in LEAVES.items():
            if not issubclass(kind, StageError):
                assert line_of[label].startswith(str(kind.status)), label

    def test_codes(self):
        """Every error has a code of its own, which is its name in small letters."""
        assert {label: kind.code for label, kind in LEAVES.items()} == {
            label: re.sub(r"(?<!^)(?=[A-Z])", "_", label).lower() for label in LEAVES
        }

    def test_request_errors(self):
        """The list of what an answer can carry is complete and in the order of the tree."""
        answered = [kind for kind in LEAVES.values() if issubclass(kind, RequestError | ServiceError) or kind is InternalError]

        assert list(request_errors()) == [kind for kind in answered if kind not in gate_errors()]
        assert list(gate_errors()) == [kind for kind in answered if kind not in request_errors()]

    def test_statuses(self):
        """What a client did wrong is 4xx; a bug is 500; what may work a moment later is 503 or 504."""
        assert {kind.status // 100 for kind in LEAVES.values() if issubclass(kind, RequestError)} == {4}
        assert {kind.status for kind in LEAVES.values() if issubclass(kind, ServiceError)} == {503, 504}
        assert InternalError.status == 500

    def test_docstrings(self):
        """Each class says in one sentence when it happens."""
        assert [label for label, kind in CLASSES.items() if not (kind.__doc__ or "").split("\n")[0].endswith(".")] == []


class TestRaised:
    def test_every_error_is_raised(self):
        """No error stands in the tree for nothing."""
        assert {kind.__name__ for _, kind, _, _ in raised()} >= set(LEAVES)

    def test_only_leaves(self):
        """Only what has a code of its own is raised."""
        assert {(place, kind.__name__) for place, kind, _, _ in raised() if kind.__name__ not in LEAVES} == set()

    def test_details(self):
        """Each is raised with exactly the details that its sentence names."""
        wrong = {(place, kind.__name__, *given) for place, kind, given, unnamed in raised() if unnamed or given != fields(kind)}

        assert wrong == set()

    @pytest.mark.parametrize("label", LEAVES)
    def test_message(self, label):
        """The sentence is plain ASCII without a line break, holds every detail, and says more than its details do."""
        kind = LEAVES[label]
        details = {field: f"<{field}>" for field in fields(kind)}

        error = kind(**details)

        assert error.details == details
        assert str(error).isascii()
        assert str(error).isprintable()
        assert all(f"<{field}>" in str(error) for field in details)


class TestHarmless:
    @given(st.text(max_size=2000))
    def test_one_short_line(self, text):
        """Whatever a client sent stands in an error as one short line of printable ASCII."""
        message = str(BrokenPicture(detail=text))

        assert message.isascii()
        assert message.isprintable()
        assert len(message) <= len(BrokenPicture.message) + 200

    @pytest.mark.parametrize(
        ("sent", "shown"),
        [
            ("a\r\n[METRICS]b\tc", "a [METRICS]b c"),
            ("\x1b[31mred\x07\0", "?[31mred??"),
            ("Größe \u2028 \ud800", "Gr??e ?"),
            ("{detail} %s", "{detail} %s"),
            ("x" * 300, "x" * 197 + "..."),
            (ValueError("wrong\nvalue"), "wrong value"),
        ],
    )
    def test_examples(self, sent, shown):
        """Some, by hand."""
        assert str(BrokenPicture(detail=sent)) == f"the picture can't be decoded: {shown}"

    def test_numbers_stay(self):
        """Numbers in the details stay numbers."""
        assert errors.MapTooLarge(bytes=7, limit=5).details == {"bytes": 7, "limit": 5}

    def test_paths_are_shown_as_they_are(self):
        """A command's error names the user's own file as it is called."""
        assert str(errors.BadArtifact(path="Größe/ä.pt", detail="x")) == "Größe/ä.pt: x"
