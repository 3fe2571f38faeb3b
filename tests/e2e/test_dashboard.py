"""A real Prometheus scrapes the real server: every query of the dashboard gives data, every rule and alert can be evaluated."""

import contextlib
import io
import shutil
import subprocess
import time

import pytest
import requests
import yaml
from PIL import Image

from snag.core.errors import SnagError
from snag.server.state.ports import free_ports
from tests.deploy.test_dashboard import QUERIES
from tests.support.promql import PROMETHEUS, rules

pytestmark = pytest.mark.e2e


class Prometheus:
    """A running one."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path, **parameters):
        """The data of an answer of its API; an error of it is one here."""
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10)
        assert answer.ok, answer.text
        return answer.json()["data"]

    def query(self, query):
        return self.get("query", query=query)["result"]

    def wait_for(self, query, seconds=60):
        """Wait until the query gives something."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(requests.ConnectionError, AssertionError):
                if self.query(query):
                    return
            time.sleep(0.25)
        pytest.fail(f"nothing after {seconds} s for {query}")


def configuration(target):
    """The shipped configuration, but for the target, and a hundred times as fast."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms", "scrape_timeout": "500ms"}
    config["rule_files"] = [str(PROMETHEUS / "alerts.yml")]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    return yaml.safe_dump(config)


@pytest.fixture(scope="module")
def prometheus(live_server, tmp_path_factory):
    """A Prometheus that has seen some requests to the server, good and bad."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is missing; Debian has it in the package prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text(configuration(f"127.0.0.1:{live_server.ports[2]}"))
    (port,) = free_ports(1)
    place = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *place, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        running = Prometheus(port)
        running.wait_for("count_over_time(snag_ready[1m]) >= 2")
        ask(live_server)
        running.wait_for("snag:p_value_deviation:10m")
        running.wait_for("snag:anomaly_share:expected")
        running.wait_for("snag:out_of_reference_share:5m")
        yield running
    finally:
        process.terminate()
        process.wait(30)


def ask(server):
    """Send good parts and bad ones, an explanation and rubbish, over some seconds: a rate needs two scrapes."""
    client = server.client()
    for number in range(80):
        with contextlib.suppress(SnagError):
            client.predict(b"rubbish" if number % 20 == 19 else grey(100 + number))
        time.sleep(0.05)
    client.explain(grey(130))
    client.close()


def grey(value):
    buffer = io.BytesIO()
    Image.new("L", (40, 40), value).save(buffer, "PNG")
    return buffer.getvalue()


def filled_in(query):
    """As Grafana sends it."""
    return (
        query.replace("$__rate_interval", "1m")
        .replace("$__range", "10m")
        .replace("$model|unknown", ".+")
        .replace("$model", ".+")
    )


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_the_dashboard_shows_something(prometheus, query):
    """Every query of a panel gives numbers, none of them empty of sense."""
    found = prometheus.query(filled_in(query))

    assert found
    assert "NaN" not in {one["value"][1] for one in found}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_can_be_evaluated(prometheus, rule):
    """Every expression of the rules is taken by Prometheus with the labels that the real series have."""
    prometheus.query(rule["expr"])


def test_prometheus_finds_its_rules_healthy(prometheus):
    """It has evaluated every rule by itself, without an error."""
    groups = prometheus.get("rules")["groups"]
    health = {(rule["name"], rule["health"]) for group in groups for rule in group["rules"]}

    assert health == {(rule.get("alert") or rule["record"], "ok") for rule in rules()}


def test_the_scrape_is_whole(prometheus):
    """The one target is up, and no sample of its was refused."""
    (target,) = prometheus.get("targets")["activeTargets"]

    assert (target["health"], target["lastError"]) == ("up", "")
    for refused in ("duplicate_timestamp", "out_of_order", "out_of_bounds"):
        assert prometheus.query(f"prometheus_target_scrapes_sample_{refused}_total") in ([], [0])
