"""The words of TorchServe's on which something depends stand in the TorchServe that is installed."""

import importlib.util
import zipfile
from pathlib import Path

import pytest

from snag.gate.upstream import messages

SENTENCES = (messages.WORKER_DIED, *messages.FATAL)
CLASSES = (
    messages.MODEL_UNKNOWN,
    messages.VERSION_UNKNOWN,
    messages.NO_WORKER,
    messages.KEY_REFUSED,
    messages.SERVER_FAULT,
)


@pytest.fixture(scope="module")
def torchserve():
    """(bytes of TorchServe's own code, names of its Java classes)."""
    package = Path(importlib.util.find_spec("ts").origin).parent
    code = [path.read_bytes() for path in package.glob("*.py")]
    with zipfile.ZipFile(package / "frontend" / "model-server.jar") as jar:
        own = [name for name in jar.namelist() if name.startswith("org/pytorch/serve/") and name.endswith(".class")]
        code += [jar.read(name) for name in own]
    return b"\n".join(code), {Path(name).stem for name in own}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentence(torchserve, sentence):
    """TorchServe's code says it."""
    assert sentence.encode() in torchserve[0]


@pytest.mark.parametrize("kind", CLASSES)
def test_type_of_an_error(torchserve, kind):
    """TorchServe has an exception of this name."""
    assert kind in torchserve[1]


def test_all_of_them():
    """Every constant of the module is looked for."""
    words = {value for name, value in vars(messages).items() if name.isupper() and isinstance(value, str)}

    assert words == {*SENTENCES, *CLASSES, messages.WORKER_READY}


@pytest.mark.parametrize(
    ("thread", "expected"),
    [
        ("W-9000-bolt_1.0", True),
        ("W-9000-bolt_1.0-stdout", True),
        ("W-9000-bolt_1.01", False),
        ("W-9000-bolt_1x0", False),
        ("W-9000-nut_1.0", False),
        ("main", False),
    ],
)
def test_thread(thread, expected):
    """A thread belongs to the version whose worker it serves, and to no other."""
    assert messages.is_thread_of(thread, "bolt", "1.0") is expected
