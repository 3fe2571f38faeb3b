"""Going on with a training that was stopped: what was to be replaced still is, and what is made is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from snag.studio.commands import go_on, train
from snag.studio.jobs import JobState
from snag.studio.products import Product
from tests.support.studio import product_with, workshop_in


@pytest.fixture
def product(tmp_path: Path) -> Product:
    product = product_with(workshop_in(tmp_path))
    product.run.mkdir(parents=True)
    return product


def stopped(product: Product, began: timedelta) -> JobState:
    """A training anew that began so long after now, which is when the model was written."""
    started = (datetime.now(UTC) + began).isoformat(timespec="seconds")
    return JobState("stopped", tuple(train(product, "quick", fresh=True)), started=started)


def test_a_training_anew_that_is_stopped_before_the_old_model_is_set_aside_still_replaces_it(product: Product) -> None:
    (product.run / "snag.pt").touch()
    job = stopped(product, timedelta(seconds=10))

    assert go_on(product, job) == list(job.steps)
    assert "--fresh" in job.steps[0].flags


def test_what_a_training_anew_has_made_is_not_thrown_away_by_going_on(product: Product) -> None:
    job = stopped(product, timedelta(seconds=-10))

    assert "--fresh" not in go_on(product, job)[0].flags  # the old model is set aside, the new one not there yet
    (product.run / "snag.pt").touch()
    assert "--fresh" not in go_on(product, job)[0].flags
    assert [step.verb for step in go_on(product, replace(job, at=1))] == ["calibrate", "evaluate"]
