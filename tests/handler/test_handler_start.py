"""A worker that comes up was checked: what the archive lacks or contradicts, or a setting that is none, keeps it down."""

import json

import pytest
import torch
import yaml

from snag.core.errors import ArtifactMismatch, BadArtifact, BadConfig, GoldenMismatch
from tests.support.workers import HANDLER, make_handler


class TestInitialize:
    def test_no_calibration(self, unpacked):
        """Without calibration the model is not served."""
        (unpacked / "calibration.json").unlink()

        with pytest.raises(BadArtifact, match="there is no calibration"):
            make_handler(unpacked)

    def test_calibration_of_another_model(self, unpacked):
        """With the calibration of another model it is not served."""
        calibration = json.loads((unpacked / "calibration.json").read_text())
        (unpacked / "calibration.json").write_text(json.dumps({**calibration, "artifact": "f" * 64}))

        with pytest.raises(ArtifactMismatch, match="ffffffffffff"):
            make_handler(unpacked)

    def test_damaged_model(self, unpacked):
        """A damaged model file is refused."""
        (unpacked / "snag.pt").write_bytes(b"PK\x03\x04 nothing")

        with pytest.raises(BadArtifact, match="damaged"):
            make_handler(unpacked)

    def test_no_golden_pictures(self, unpacked):
        """An archive from before there were golden pictures is not served."""
        (unpacked / "golden.json").unlink()

        with pytest.raises(BadArtifact, match="there are no golden pictures; run `make calibrate archive`"):
            make_handler(unpacked)

    def test_golden_pictures_of_another_model(self, unpacked):
        """With the golden pictures of another model it is not served."""
        golden = json.loads((unpacked / "golden.json").read_text())
        (unpacked / "golden.json").write_text(json.dumps({**golden, "artifact": "e" * 64}))

        with pytest.raises(ArtifactMismatch, match="eeeeeeeeeeee"):
            make_handler(unpacked)

    @pytest.mark.parametrize(("off", "comes_up"), [(0.9, True), (1.1, False), (-1.1, False)])
    def test_golden_score(self, unpacked, off, comes_up):
        """A worker comes up only when each golden picture scores what it scored at calibration, within the tolerance."""
        golden = json.loads((unpacked / "golden.json").read_text())
        golden["pictures"][0]["score"] += off * golden["tolerance"]
        (unpacked / "golden.json").write_text(json.dumps(golden))

        if comes_up:
            make_handler(unpacked)
        else:
            with pytest.raises(GoldenMismatch, match=r"the golden picture golden/0.png scores .* in this worker, expected"):
                make_handler(unpacked)

    def test_golden_pictures_take_the_way_of_every_picture(self, unpacked):
        """A golden picture that the worker would refuse from a client is a reason not to come up."""
        with pytest.raises(GoldenMismatch, match=r"is answered 413 .* at most 700 pixels are accepted"):
            make_handler(unpacked, max_pixels=700)

    @pytest.mark.parametrize("config", [{"torch_thread": 1}, {"torch_threads": 0}, {"torch_threads": "1"}, {"max_side": True}])
    def test_bad_settings(self, unpacked, config):
        """An unknown or impossible setting of the YAML is refused by name."""
        with pytest.raises(BadConfig, match=f"handler.{next(iter(config))}"):
            make_handler(unpacked, **config)

    def test_threads(self, unpacked):
        """The configured number of cores is what torch uses."""
        make_handler(unpacked, torch_threads=1)

        assert torch.get_num_threads() == 1

    def test_shipped_configuration(self):
        """The YAML that archives carry names every knob of the server's that matters and only known ones of ours."""
        config = yaml.safe_load((HANDLER / "model-config.yaml").read_text())
        knobs = {"minWorkers", "maxWorkers", "batchSize", "maxBatchDelay", "responseTimeout", "startupTimeout"}

        from snag.core.serving import ServingSettings, serving_settings

        assert ServingSettings() == serving_settings(config["handler"])
        assert set() == (knobs | {"maxRetryTimeoutInSec", "jobQueueSize"}) - set(config)
