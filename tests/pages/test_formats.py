"""How numbers are written."""

from types import SimpleNamespace

import pytest

from snag.pages.formats import auroc, counted, ends, number, percent, share


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.0476, "4.8 %"),
        (0.05, "5 %"),
        (0.9999, "99.99 %"),
        (0.0004, "0.04 %"),
        (1e-9, "less than 0.01 %"),
    ],
)
def test_percent_never_rounds_something_to_nothing_or_to_all(share, text):
    """A detection rate of 99.99 % is no promise of 100."""
    assert percent(share) == text


def test_area_is_never_rounded_to_perfect():
    """An area that is nearly 1 keeps the digits that say so."""
    assert [auroc(value) for value in (1.0, 0.99999, 0.9994, 0.5, None)] == ["1.000", "0.99999", "0.999", "0.500", "-"]


def test_what_has_no_meaning_is_a_dash():
    """A figure that has no meaning is written as a dash."""
    assert (number(None), share(None), auroc(None)) == ("-", "-", "-")
    assert (number(0.123456), share(0.05)) == ("0.1235", "5 %")


def test_an_interval_is_written_with_both_ends():
    """Or it is said that there is none."""
    wide = SimpleNamespace(low=0.1, high=0.2)

    assert ends(wide) == "0.100 to 0.200"
    assert ends(wide, percent) == "10 % to 20 %"
    assert ends(None) == "no interval"


def test_counts_agree_with_their_noun():
    """One picture, two pictures."""
    assert [counted(1), counted(2), counted(1, "good picture")] == ["1 picture", "2 pictures", "1 good picture"]
