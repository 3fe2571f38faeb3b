import pytest

from tests.support.line import FakeGate, Receiver


@pytest.fixture
def gate():
    with FakeGate() as gate:
        yield gate


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver
