"""The benchmark of the alerts: the day, the alerts written out, when they fire, the past that Prometheus is given."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from benchmarks.alerts.history import ScrapeHistory
from benchmarks.alerts.line import Phase, Trouble, day, defocused, dimmed, pictures
from benchmarks.alerts.recording import RecordedScrape, open_metrics, recorded
from benchmarks.alerts.rules import Alert, Firing, firings, read_alerts, seconds, written_out
from benchmarks.alerts.table import markdown, stretches
from snag.core.imaging import brightness, sharpness
from snag.core.picture import decode
from snag.core.verdict import Verdict
from tests.support.promql import PROMETHEUS, names, rules

LAMP = Trouble("lamp", "SnagExposureShift", dimmed(0.8))
DEFECT = Trouble("dent", "SnagAnomalyJump", defects=0.25)


@pytest.fixture
def good(tmp_path):
    """Five pictures with edges, each of another brightness."""
    paths = [tmp_path / f"{level}.png" for level in range(100, 150, 10)]
    for path in paths:
        checks = np.indices((96, 96)).sum(0) // 16 % 2 * 60 + int(path.stem)
        Image.fromarray(checks.astype(np.uint8)).save(path)
    return paths


class TestDay:
    def test_order(self):
        """Good pictures, then each trouble and good ones after it, without a gap."""
        phases = day(100, [LAMP, DEFECT], 30, 45)

        assert [(phase.first, phase.count, phase.trouble) for phase in phases] == [
            (0, 100, None),
            (100, 30, LAMP),
            (130, 45, None),
            (175, 30, DEFECT),
            (205, 45, None),
        ]

    def test_good_pictures_are_sent_as_they_are(self, good):
        sent = list(pictures(Phase("good", 0, 7), good, [], seed=0))

        assert sent == [path.read_bytes() for path in (*good, *good[:2])]

    def test_the_lamp(self, good):
        """Dimmed pictures have the share of the light, and edges as steep as before."""
        before, (after,) = decode(good[0].read_bytes()), pictures(Phase("", 0, 1, LAMP), good, [], seed=0)

        assert brightness(decode(after)) == pytest.approx(0.8 * brightness(before), abs=0.003)
        assert sharpness(decode(after)) == pytest.approx(sharpness(before), rel=0.05)

    def test_the_lens(self, good):
        """Pictures out of focus are as bright and less sharp."""
        trouble = Trouble("", "", defocused(2.0))
        before, (after,) = decode(good[0].read_bytes()), pictures(Phase("", 0, 1, trouble), good, [], seed=0)

        assert brightness(decode(after)) == pytest.approx(brightness(before), abs=0.01)
        assert sharpness(decode(after)) < 0.7 * sharpness(before)

    def test_the_defect(self, good):
        """About the stated share has it, the others are the good ones, and the same seed gives the same parts."""
        phase = Phase("", 300, 400, DEFECT)

        sent = list(pictures(phase, good[1:], good[:1], seed=0))

        share = sum(picture == good[0].read_bytes() for picture in sent) / 400
        assert 0.2 < share < 0.3
        assert sent == list(pictures(phase, good[1:], good[:1], seed=0))


class TestAlerts:
    def test_all_are_read(self):
        """Every shipped alert is there, and asks for nothing but series of the server."""
        alerts = read_alerts(PROMETHEUS / "alerts.yml", 15)

        assert [one.name for one in alerts] == [rule["alert"] for rule in rules() if "alert" in rule]
        assert not {name for one in alerts for name in names(one.query) if ":" in name}

    def test_written_out(self):
        """Recorded quantities are put in where they are named, with labels selected and windows evaluated."""
        known = {"snag:a:5m": "sum(b) / 2"}

        assert written_out("snag:a:5m > 1", known, 15) == "(sum(b) / 2) > 1"
        assert (
            written_out("max_over_time(snag:a:5m[6h] offset 10m)", known, 15)
            == "max_over_time((sum(b) / 2)[6h:15s] offset 10m)"
        )
        assert written_out('snag:a:5m{at="0.5"}', known, 15) == (
            '((sum(b) / 2) and on (at) label_replace(vector(1), "at", "0.5", "", ""))'
        )

    @pytest.mark.parametrize(("text", "number"), [("0s", 0), ("90s", 90), ("2m", 120), ("1h30m", 5400), ("1d", 86400)])
    def test_durations(self, text, number):
        assert seconds(text) == number

    @pytest.mark.parametrize(
        ("dates", "patience", "expected"),
        [
            ([], 0, []),
            ([15, 30, 45], 0, [(15, 45)]),
            ([15, 30, 45], 30, [(45, 45)]),
            ([15, 30, 45], 45, []),
            ([15, 30, 60, 75, 90], 30, [(90, 90)]),
            ([15, 60, 75], 0, [(15, 15), (60, 75)]),
        ],
    )
    def test_firings(self, dates, patience, expected):
        """An alert fires once its query has given something at every evaluation for so long; a gap begins it anew."""
        series = [{"metric": {}, "values": [[date, "1"] for date in dates]}]

        found = firings(Alert("a", "", patience), series, 15)

        assert [(one.begin, one.end) for one in found] == expected


class Server:
    """Answers and counts, as far as the recording asks."""

    def __init__(self):
        self.sent = 0

    def predict(self, picture):
        self.sent += 1
        return Verdict(is_anomaly=picture == b"bad", score=1.0, threshold=2.0, p_value=0.5, reconstruction_error=0.0)

    def scrape(self):
        return (
            f'# TYPE x counter\nsnag_requests_total{{model_name="a",endpoint="predictions",}} {self.sent}.0\nsnag_ready 1.0\n'
        )


class TestPast:
    def test_a_scrape_every_fifteen_pictures(self):
        """Each holds all that was sent before it; answers are kept in order."""
        answers = []

        scrapes = list(recorded(Server(), [b"good"] * 30 + [b"bad"] * 2, 0, answers))

        assert [scrape.second for scrape in scrapes] == [15, 30]
        assert ["} 15.0" in scrapes[0].text, "} 30.0" in scrapes[1].text] == [True, True]
        assert [answer.is_anomaly for answer in answers] == [False] * 30 + [True] * 2

    def test_open_metrics(self):
        """Every sample gets its date and the labels that Prometheus adds; comments go."""
        lines = list(open_metrics([RecordedScrape(15, Server().scrape())], 1000))

        assert lines == [
            'up{job="snag",instance="line"} 1 1015\n',
            'snag_requests_total{model_name="a",endpoint="predictions",job="snag",instance="line"} 0.0 1015\n',
            'snag_ready{job="snag",instance="line"} 1.0 1015\n',
            "# EOF\n",
        ]

    def test_prometheus_has_seen_it(self, tmp_path):
        """A real Prometheus answers for the past that it was given, the shipped alerts included."""
        if shutil.which("prometheus") is None or shutil.which("promtool") is None:
            pytest.skip("Prometheus is missing; Debian has it in the package prometheus")
        start = 1_700_000_010 // 15 * 15
        scrapes = [RecordedScrape(at, f"snag_ready {int(at < 300)}\n") for at in range(0, 615, 15)]
        ready = next(one for one in read_alerts(PROMETHEUS / "alerts.yml", 15) if one.name == "SnagNotReady")

        with ScrapeHistory(open_metrics(scrapes, start), tmp_path / "past") as history:
            found = firings(ready, history.moments(ready.query, start, start + 600, 15), 15)

        assert found == [Firing("SnagNotReady", start + 360, start + 600)]


class TestTable:
    def test_rows(self):
        """A trouble wants its alert, good pictures want none; what fired is told with how many pictures it took."""
        phases = day(30, [LAMP, DEFECT], 30, 30)
        verdicts = [Verdict(number % 10 == 0, 1.0, 2.0, 0.5, 0.0) for number in range(150)]
        fired = [Firing("SnagExposureShift", 45, 75), Firing("SnagDrift", 60, 60), Firing("SnagSlow", 135, 150)]

        found = stretches(phases, verdicts, fired)

        assert [one.is_as_it_should_be for one in found] == [True, True, True, False, False]
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in markdown(found).splitlines()[2:]]
        assert rows[0] == ["30", "good", "10.0%", "0.50", "none", "yes"]
        assert rows[1] == ["30", "lamp", "10.0%", "0.50", "SnagExposureShift 15, SnagDrift 30", "yes"]
        assert rows[4][4:] == ["SnagSlow 15", "NO"]


def test_a_png_is_sent(good):
    """What is changed is sent as a picture that the server can read."""
    (sent,) = pictures(Phase("", 0, 1, LAMP), good, [], seed=0)

    assert Image.open(io.BytesIO(sent)).format == "PNG"
