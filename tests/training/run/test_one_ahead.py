"""One item ahead: the same items in the same order, each made while the one before is used."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from snag.training.run.one_ahead import one_ahead


def counted(made: list[int], last: int) -> Iterator[int]:
    for number in range(1, last + 1):
        made.append(number)
        yield number


@pytest.mark.parametrize("last", [0, 1, 5])
def test_the_items_are_the_same_in_the_same_order(last: int) -> None:
    assert list(one_ahead(counted([], last))) == list(range(1, last + 1))


def test_the_next_item_is_made_while_one_is_used_and_none_further() -> None:
    is_made, made = threading.Event(), []

    def items() -> Iterator[int]:
        yield from counted(made, 2)
        is_made.set()
        yield 3
        made.append(4)

    ahead = one_ahead(items())
    assert next(ahead) == 1
    assert next(ahead) == 2

    assert is_made.wait(10)
    assert made == [1, 2]
    assert list(ahead) == [3]
    assert made == [1, 2, 4]


def test_an_error_comes_when_it_is_that_items_turn() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no second one")

    ahead = one_ahead(items())

    assert next(ahead) == 1
    with pytest.raises(ValueError, match="no second one"):
        next(ahead)


def test_a_loop_that_ends_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    ahead = one_ahead(counted([], 9))
    next(ahead)

    ahead.close()

    assert threading.active_count() == before
