"""The frame around every page."""

import jinja2
import pytest

from snag import __version__
from snag.pages.frame import render

PAGE = """{% extends "base.html" %}
{% block title %}{{ name }}{% endblock %}
{% block heading %}{{ name }}{% endblock %}
{% block body %}<p>{{ rate | percent }}</p>{% include "more.html" %}{% endblock %}
"""


@pytest.fixture
def template(tmp_path):
    (tmp_path / "more.html").write_text("<p>{{ count | number }}</p>")
    (tmp_path / "page.html").write_text(PAGE)
    return tmp_path / "page.html"


def test_a_page_is_whole(template):
    """A page has the shared style and foot, what its own folder holds, and asks for nothing from elsewhere."""
    text = render(template, name="screw", rate=0.05, count=2)

    assert text.startswith("<!doctype html>")
    assert "<p>5 %</p><p>2</p>" in text
    assert "--paper" in text
    assert f"Snag {__version__}." in text
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")


def test_values_are_escaped(template):
    """A name that looks like HTML is shown, not obeyed."""
    assert "&lt;script&gt;" in render(template, name="<script>", rate=0.05, count=2)


def test_findings_are_listed_where_there_are_any(template):
    """Findings stand under the heading with their mood; a page without any has no list."""
    with_one = render(template, name="screw", rate=0.05, count=2, findings=[("warning", "too few")])

    assert '<li class="warning">too few</li>' in with_one
    assert "<ul" not in render(template, name="screw", rate=0.05, count=2)


def test_a_missing_value_is_a_mistake(template):
    """A template that names what nobody gave is refused rather than left blank."""
    with pytest.raises(jinja2.UndefinedError, match="'name' is undefined"):
        render(template, rate=0.05, count=2)
