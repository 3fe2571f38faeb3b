"""The line as Prometheus would have seen it at its nominal speed of a picture a second.

Pictures are sent as fast as the server takes them, one after the other, and the scrapes are dated by how many there were.
Nothing in the counts of workers and gate depends on the speed but durations, which are the real ones.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from snag.client.client import SnagClient
from snag.core.errors import SnagError
from snag.core.verdict import Verdict

SCRAPE_SECONDS: Final = 15  #: nominal, as in deploy/prometheus/prometheus.yml
_SETTLING: Final = 10.0  #: seconds that counts may take from a worker to the scrape; they need a quarter
_SAMPLE: Final = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$", re.M)
_JUDGED: Final = re.compile(r'^snag_requests_total\{[^}]*endpoint="predictions"[^}]*\} (\S+)$', re.M)
#: What Prometheus adds to a target's series.
_TARGET: Final = 'job="snag",instance="line"'


@dataclass(frozen=True)
class RecordedScrape:
    """One scrape of the server, as it was given."""

    second: int  #: nominal, since the first picture
    text: str


def recorded(
    client: SnagClient, pictures: Iterable[bytes], first: int, answers: list[Verdict | None]
) -> Iterator[RecordedScrape]:
    """Send the pictures, the first of which is number `first`, and scrape once every SCRAPE_SECONDS pictures.

    The answers go to the end of `answers`; None for a picture that got no verdict.
    """
    for number, picture in enumerate(pictures, start=first + 1):
        try:
            answers.append(client.predict(picture))
        except SnagError:
            answers.append(None)
        if number % SCRAPE_SECONDS == 0:
            yield RecordedScrape(number, settled(client, number))


def settled(client: SnagClient, sent: int) -> str:
    """The scrape once all requests are in it. Raises TimeoutError."""
    deadline = time.monotonic() + _SETTLING
    while time.monotonic() < deadline:
        text = client.scrape()
        if sum(map(float, _JUDGED.findall(text))) >= sent:
            return text
        time.sleep(0.05)
    raise TimeoutError(f"{sent} requests were sent, but the scrape does not count them")


def open_metrics(scrapes: Iterable[RecordedScrape], start: int) -> Iterator[str]:
    """Lines of OpenMetrics with dates, for `promtool tsdb create-blocks-from openmetrics`; `start` is the date of second 0."""
    for scrape in scrapes:
        date = start + scrape.second
        yield f"up{{{_TARGET}}} 1 {date}\n"
        for name, labels, value in _SAMPLE.findall(scrape.text):
            yield f"{name}{{{','.join(filter(None, (labels.rstrip(','), _TARGET)))}}} {value} {date}\n"
    yield "# EOF\n"
