"""TorchServe's log: why a worker did not come up, told from what is new in it."""

from snag.server.torchserve.log import ServerLog, find_reason


class TestLog:
    def test_our_own_error(self):
        """An error of Snag's is given as its sentence, the last one when several are chained."""
        text = """
Backend worker process died.
Traceback (most recent call last):
  File "x.py", line 1, in load
FileNotFoundError: [Errno 2] No such file or directory: 'calibration.json'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
snag.core.errors.BadArtifact: calibration.json: there is no calibration; run `make calibrate`
W-9000 died.
"""
        assert find_reason(text) == "calibration.json: there is no calibration; run `make calibrate`"

    def test_foreign_error(self):
        """Any other exception is given with its class."""
        assert find_reason("Traceback\n  File\nModuleNotFoundError: No module named 'yaml'\nmore") == (
            "ModuleNotFoundError: No module named 'yaml'"
        )

    def test_port(self):
        """A port that was taken in the last moment is named."""
        line = "java.io.IOException: Failed to bind to address: http://127.0.0.1:8080"

        assert find_reason(f"x\n{line}\n\tat org.pytorch\nCaused by: java.net.BindException: Address already in use") == (
            "Failed to bind to address: http://127.0.0.1:8080"
        )

    def test_nothing(self):
        """A log without complaints has no reason."""
        assert find_reason("all is well\n") is None

    def test_only_what_is_new(self, tmp_path):
        """What an earlier server wrote is not taken for the reason of this one."""
        (tmp_path / "server.log").write_text("2026-01-01T00:00:00.000Z INFO  W-9000-stdout - ValueError: old\n")
        log = ServerLog(tmp_path)
        assert log.reason() is None
        assert not log.is_fatal()

        with (tmp_path / "server.log").open("a") as file:
            file.write("2026-01-01T00:00:00.000Z INFO  W-9000-stdout - Backend worker process died.\n")
            file.write("2026-01-01T00:00:00.000Z INFO  W-9000-stdout - ValueError: new\n")
        assert log.is_fatal()
        assert log.reason() == "ValueError: new"

    def test_of_one_version(self, tmp_path):
        """The reason of one version is what its own workers wrote."""
        log = ServerLog(tmp_path)
        (tmp_path / "server.log").write_text(
            "2026-01-01T00:00:00.000Z INFO  W-9000-bolt_1.0-stdout - Backend worker process died.\n"
            "2026-01-01T00:00:00.000Z INFO  W-9000-bolt_1.0-stdout - ValueError: of the bolt\n"
            "a line of the same without a time\n"
            "2026-01-01T00:00:00.000Z WARN  W-9001-nut_1.0 - all is well\n"
            "2026-01-01T00:00:00.000Z WARN  W-9002-bolt_1.01-stdout - ValueError: of another bolt\n"
        )

        assert (log.is_fatal("bolt", "1.0"), log.reason("bolt", "1.0")) == (True, "ValueError: of the bolt")
        assert log.text("bolt", "1.0").endswith("a line of the same without a time")
        assert (log.is_fatal("nut", "1.0"), log.reason("nut", "1.0")) == (False, None)

    def test_rolled_over(self, tmp_path):
        """A log that has become shorter is read from its beginning."""
        (tmp_path / "server.log").write_text("old\n" * 100)
        log = ServerLog(tmp_path)

        (tmp_path / "server.log").write_text("ValueError: new\n")

        assert log.reason() == "ValueError: new"
