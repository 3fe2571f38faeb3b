"""One table of errors, `snag/core/errors.py`: worker, gate, client, metrics and documents take code and status from there."""

import ast

from snag.core import errors
from snag.core.errors import InternalError, SnagError, StageError, gate_errors, request_errors
from snag.core.telemetry import zeros
from tests.support.source import files, name, tree

TABLE = (*request_errors(), *gate_errors())
CLASSES = {kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SnagError)}
#: Where a worker's code raises what a client sent wrong, and where the gate does.
WORKER, GATE = "snag/core/", "snag/gate/"
#: The command beside the gate that keeps its tokens answers no requests.
COMMANDS = {"snag/gate/token.py"}


def raised_in(folder):
    """The errors of the table that are made in the files of a folder."""
    paths = [path for path in files() if name(path).startswith(folder) and name(path) not in COMMANDS]
    called = {
        node.func.id
        for path in paths
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return {CLASSES[label] for label in called & set(CLASSES)}


def test_one_row_for_each_code():
    """Codes are unique, statuses are HTTP's, and every error has a sentence of its own."""
    assert len({kind.code for kind in TABLE}) == len(TABLE)
    assert len({kind.message for kind in TABLE}) == len(TABLE)
    assert {kind.code for kind in TABLE if not 400 <= kind.status < 600} == set()


def test_a_worker_raises_its_part_of_the_table():
    """The core raises what the table lists for workers, all of it, and of the gate's part nothing."""
    raised = {kind for kind in raised_in(WORKER) if not issubclass(kind, StageError)}

    assert raised == set(request_errors())


def test_the_gate_raises_its_part_of_the_table():
    """The gate raises every error that is listed as its own, besides them what is broken in the request or in itself."""
    raised = {kind for kind in raised_in(GATE) if not issubclass(kind, StageError)}

    assert raised - set(gate_errors()) == {errors.BadRequest, InternalError}
    assert set(gate_errors()) - raised == set()


def test_one_place_makes_the_shape():
    """Nobody but `snag.core.wire.error_json` builds an object `error` of code and message, so an error has one shape."""
    makers = {
        name(path)
        for path in files("core", "handler", "gate", "server")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "error" and isinstance(value, ast.Dict)
    }

    assert makers == {"snag/core/wire.py"}


def test_no_code_is_spelt_twice():
    """A code stands as text in the table alone; elsewhere the class is named."""
    codes = {kind.code for kind in TABLE} - {InternalError.code}  # which is also the name of an event in the log
    spelt = {
        (name(path), node.value)
        for path in files("core", "handler", "gate", "server", "client")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and node.value in codes and name(path) != "snag/core/errors.py"
    }

    assert spelt == {("snag/gate/kserve/request.py", "timeout")}  # a word of the open inference protocol


def test_the_metric_begins_with_a_zero_for_each_code():
    """The label `code` of snag_errors_total is the error's code: one series for each error of a worker, from the start."""
    samples = zeros(tuple(kind.code for kind in request_errors()))
    labels = {sample.labels for sample in samples if sample.name == "snag_errors_total"}

    assert labels == {(kind.code,) for kind in request_errors()}
