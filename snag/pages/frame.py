"""The frame of every page that Snag writes: one HTML file that opens offline, with no script, font or address from elsewhere.

A page is a template beside the code that fills it. It extends `base.html` and names blocks: title, heading, subject, body, and
where it needs them style (rules of its own), last (the end of the foot). `style.css` here is in every page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from snag import __version__
from snag.pages.formats import auroc, ends, number, percent, share

_FRAME: Final = Path(__file__).parent
#: How templates write numbers, as in `{{ rate | percent }}`.
_FILTERS: Final = {"number": number, "percent": percent, "share": share, "auroc": auroc, "ends": ends}


def render(template: Path, **values: Any) -> str:
    """The page's text: the template file filled with `values`, what they hold escaped.

    It may extend and include files of its own folder and of this one. Raises jinja2.UndefinedError for a name without a value.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, _FRAME]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    environment.globals.update(percent=percent, version=__version__)
    return environment.get_template(template.name).render(**values)
