"""The compose file: sound by the specification, every file that it mounts is there, and its three parts find each other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from snag.server.settings import ServeSettings
from tests.support.source import ROOT

FOLDER = ROOT / "deploy" / "compose"
TEXT = (FOLDER / "compose.yaml").read_text()
#: As compose reads it where no variable is set.
COMPOSE = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", TEXT))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def mounted(service: str, folder: Path) -> Path:
    """The configuration files of a service, laid out below `folder` as they are in its container."""
    for config in SERVICES[service]["configs"]:
        target = folder / config["target"].lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / COMPOSE["configs"][config["source"]]["file"], target)
    return folder


def ports(service: str) -> set[int]:
    """What is published of a service, by its numbers inside."""
    return {int(port.split(":")[-1]) for port in SERVICES[service]["ports"]}


def test_it_is_sound_by_the_specification() -> None:
    """No unknown field, no wrong type, nothing named that is not declared."""
    compose = pytest.importorskip("compose_spec", reason="needs compose-spec").PyCompose

    compose.from_json(json.dumps(COMPOSE)).validate()
    with pytest.raises(ValueError, match="odd"):
        compose.from_json(json.dumps({"services": {"snag": {"image": "snag", "odd": 1}}}))


def test_every_file_that_it_mounts_is_there_and_no_secret() -> None:
    """Configurations are files of the repository; secrets are files that git ignores."""
    configs = [FOLDER / config["file"] for config in COMPOSE["configs"].values()]
    secrets = [(FOLDER / secret["file"]).resolve() for secret in COMPOSE["secrets"].values()]

    assert [path for path in configs if not path.is_file()] == []
    assert (FOLDER / SERVICES["snag"]["volumes"][0]["source"]).resolve() == ROOT / "model_store"
    for path in secrets:
        done = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False)
        assert done.returncode == 0, path


def test_images_are_pinned_and_have_no_rights() -> None:
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"]), name
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name


def test_the_server_is_the_images_and_asks_for_a_token() -> None:
    """Its flags are those of `snag serve`, its port and folder the image's, and its stop waits for what is under way."""
    service, dockerfile = SERVICES["snag"], (ROOT / "Dockerfile").read_text()
    words = service["command"]

    assert {f"--{name.replace('_', '-')}" for name in ServeSettings.model_fields} > set(words[::2])
    assert words[words.index("--tokens") + 1] == "/run/secrets/tokens"
    assert set(service["secrets"]) <= set(COMPOSE["secrets"])
    assert ports("snag") == {ServeSettings.model_fields[name].default for name in ("inference_port", "metrics_port")}
    assert ports("snag") <= {int(port) for port in re.search(r"^EXPOSE (.*)$", dockerfile, re.M)[1].split()}
    assert f" AS {service['build']['target']}\n" in dockerfile
    assert f'VOLUME ["{service["volumes"][0]["target"]}"' in dockerfile
    assert int(service["stop_grace_period"].rstrip("s")) > ServeSettings.model_fields["drain"].default


def test_metrics_stay_on_this_machine() -> None:
    """They ask for no token: ADDRESS opens predictions alone."""
    opened = [port for service in SERVICES.values() for port in service["ports"]]

    assert re.findall(r'^ *- "(\$.*)"', TEXT, re.M) == ["${ADDRESS:-127.0.0.1}:8080:8080"]
    assert "127.0.0.1:8082:8082" in opened


def test_prometheus_finds_the_server_and_its_rules(tmp_path: Path) -> None:
    """The configuration is the one of deploy/prometheus, but for the target; promtool accepts it with its alerts."""
    folder = mounted("prometheus", tmp_path) / "etc/prometheus"
    config, shipped = (
        yaml.safe_load(path.read_text()) for path in (folder / "prometheus.yml", ROOT / "deploy/prometheus/prometheus.yml")
    )
    [job] = config["scrape_configs"]
    metrics = ServeSettings.model_fields["metrics_port"].default

    assert job["static_configs"] == [{"targets": [f"snag:{metrics}"]}]
    job["static_configs"] = shipped["scrape_configs"][0]["static_configs"]
    assert config == shipped
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is missing; Debian has it in the package prometheus")
    done = subprocess.run([promtool, "check", "config", folder / "prometheus.yml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* rules found", done.stdout)


def test_grafana_finds_prometheus_and_the_dashboard(tmp_path: Path) -> None:
    """The source is the Prometheus beside it, the dashboard lies where the provider looks, the password is a secret."""
    folder = mounted("grafana", tmp_path)
    [source] = yaml.safe_load((folder / "etc/grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    [provider] = yaml.safe_load((folder / "etc/grafana/provisioning/dashboards/snag.yaml").read_text())["providers"]
    found = [json.loads(path.read_text()) for path in (folder / provider["options"]["path"].lstrip("/")).iterdir()]
    address, environment = urlsplit(source["url"]), SERVICES["grafana"]["environment"]

    assert address.hostname == "prometheus"
    assert ports("prometheus") == {address.port}
    assert [dashboard["uid"] for dashboard in found] == ["snag"]
    assert {variable["query"] for variable in found[0]["templating"]["list"] if variable["type"] == "datasource"} == {
        source["type"]
    }
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] == f"/run/secrets/{SERVICES['grafana']['secrets'][0]}"
    assert (folder / environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].lstrip("/")).is_file()
    assert not [name for name in environment if re.search("PASSWORD|SECRET|TOKEN", name) and not name.endswith("__FILE")]
