"""The alerts: they ask for what there is, say what to do, and fire in trouble alone."""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.support.promql import PROMETHEUS, metrics, names, rules, unknown

ALERTS = [rule for rule in rules() if "alert" in rule]
README = (PROMETHEUS / "README.md").read_text()


@pytest.fixture(scope="module")
def promtool():
    """A function that runs promtool in the folder of the rules and returns what it printed."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is missing; Debian has it in the package prometheus")

    def run(*arguments):
        done = subprocess.run([program, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


class TestRules:
    @pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
    def test_it_asks_for_what_there_is(self, rule):
        """Every metric and label of a rule is one that worker, gate or Prometheus itself give, or another rule records."""
        assert names(rule["expr"])
        assert unknown(rule["expr"]) == set()

    def test_a_wrong_name_would_be_noticed(self):
        """The test above can fail: misspelt metrics and labels are found wherever they stand."""
        query = (
            'sum by (model) (rate(snag_request_total{port="1"}[5m])) / sum(snag_requests_total{endpoints="a", code!="b"}) > up'
        )

        assert unknown(query) == {
            "model",
            "snag_request_total",
            "snag_request_total{port}",
            "snag_requests_total{endpoints}",
            "snag_requests_total{code}",
        }

    def test_the_tables_are_complete(self):
        """Metrics of the worker, of the gate and recorded ones are all known to these tests."""
        assert {"snag_p_value_bucket", "snag_decode_seconds_sum", "snag_http_requests_total", "snag_ready"} <= set(metrics())
        assert metrics()["snag_http_requests_total"] == {"job", "instance", "model_name", "endpoint", "status"}
        assert metrics()["snag_workers_ready"] == {"job", "instance", "model_name", "model_version"}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
class TestAlerts:
    def test_it_says_what_to_do(self, rule):
        """Each has a summary for the list, a description for whoever is called, and a severity that routes it."""
        notes = rule["annotations"]

        assert notes.keys() == {"summary", "description", "runbook"}
        assert len(notes["description"]) > 60
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}

    def test_its_texts_can_be_filled_in(self, rule):
        """Labels in a text are labels that the alert has."""
        by = re.match(r"\s*(?:max|sum|histogram_quantile)\D*?by \(([^)]*)\)", rule["expr"])
        first = re.search(r"(?:up|snag[\w:]*)", rule["expr"])[0]
        labels = {label.strip() for label in by[1].split(",")} if by else metrics()[first]

        used = set(re.findall(r"\$labels\.(\w+)", "".join(rule["annotations"].values())))

        assert used <= labels

    def test_the_runbook_has_a_section(self, rule):
        """The link leads to a section of the runbook with the alert's name and more than a sentence."""
        assert rule["annotations"]["runbook"] == f"deploy/prometheus/README.md#{rule['alert'].lower()}"
        section = re.search(rf"^## {rule['alert']}\n\n(.*?)(?=^## |\Z)", README, re.M | re.S)
        assert section, f"no section {rule['alert']}"
        assert len(section[1]) > 100


def test_no_section_for_nothing():
    """The runbook has no alert that is no more."""
    assert re.findall(r"^## (\w+)$", README, re.M) == [rule["alert"] for rule in ALERTS]


def test_every_alert_is_tested():
    """The tests for promtool let every alert fire once."""
    tested = set(re.findall(r"\b(Snag\w+)", (PROMETHEUS / "alerts_test.yml").read_text()))

    assert {rule["alert"] for rule in ALERTS} - tested == set()


def test_the_healthy_line_has_every_metric():
    """The test that no alert fires is about every metric that an alert asks for: missing ones would never let it fire."""
    healthy = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"][0]
    series = {one["series"].partition("{")[0] for one in healthy["input_series"]}
    asked = {name for rule in rules() for name in names(rule["expr"]) if ":" not in name}

    assert asked - series == set()


def test_prometheus_takes_the_files(promtool):
    """Configuration and rules are what this Prometheus reads."""
    promtool("check", "config", "prometheus.yml")


def test_alerts_fire_in_trouble_alone(promtool):
    """The tests of the alerts, by Prometheus' own means."""
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")
