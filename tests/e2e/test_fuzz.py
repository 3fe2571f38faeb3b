"""Hostile and odd input against the real server; `python -m benchmarks.fuzz` sends far more of it, and looks at memory too."""

from itertools import islice
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import traffic
from benchmarks.fuzz.generate import COMMON, KINDS, inputs, of_kind
from benchmarks.live import family
from benchmarks.outcome import RequestOutcome
from benchmarks.traffic import Load, LoadTarget
from snag.core.errors import request_errors

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def _same_processes(live_server):
    """Whatever is sent, afterwards the same processes run as before: no worker died, nothing was restarted."""
    before = {one.pid for one in family(live_server.ports[0])}
    yield
    assert {one.pid for one in family(live_server.ports[0])} == before


def odd(samples):
    """What was not answered as it may be."""
    return [(one.name, one.outcome, one.status, one.detail) for one in samples if one.outcome is not RequestOutcome.RIGHT]


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(maker=st.sampled_from(COMMON), seed=st.integers(0, 2**32))
def test_one_by_one(live_server, maker, seed):
    """Any request gets 200 or a 4xx whose JSON names the trouble; where the trouble is known, it is that one."""
    request = of_kind(maker, live_server.model, Random(seed))

    samples = traffic.run(LoadTarget(live_server.url), [request], Load(clients=1, count=1))

    assert odd(samples) == []


def test_many_at_once(live_server):
    """So does each of them when many arrive at once and share batches, the largest and the costliest among them."""
    stream = islice(inputs(live_server.model, 7), len(KINDS) + 300)

    samples = traffic.run(LoadTarget(live_server.url), stream, Load(clients=12))

    assert len(samples) == len(KINDS) + 300
    assert odd(samples) == []


def test_labels_are_the_table(live_server):
    """After all that, the label `code` of snag_errors_total has the values of the table of errors, and no others."""
    client = live_server.client()
    families = text_string_to_metric_families(client.scrape())
    codes = {one.labels["code"] for found in families for one in found.samples if one.name == "snag_errors_total"}
    client.close()

    assert codes == {kind.code for kind in request_errors()}
