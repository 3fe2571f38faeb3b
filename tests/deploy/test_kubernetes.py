"""The cluster's manifests: rendered, valid, and in keeping with the server that they start."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from snag.cli.settings import from_flags
from snag.server.settings import ServeSettings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/kubernetes"
VARIANTS = ["overlays/plain", "overlays/monitoring", "overlays/object-store", "overlays/kserve", "train"]
VERSION = "1.30"
#: Kinds that Kubernetes itself does not know.
CUSTOM = {"InferenceService", "ServiceMonitor", "PrometheusRule"}
MANAGEMENT = 8081


@cache
def rendered(variant: str) -> tuple[dict[str, Any], ...]:
    """Every object of a variant, as `kubectl apply -k` would send it."""
    if shutil.which("kubectl") is None:
        pytest.skip("needs kubectl, which renders the manifests")
    done = subprocess.run(["kubectl", "kustomize", FOLDER / variant], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(variant: str, kind: str) -> list[dict[str, Any]]:
    return [one for one in rendered(variant) if one["kind"] == kind]


def pods(variant: str) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Specification and labels of the pods that the variant starts."""
    workloads = [one for one in rendered(variant) if one["kind"] in ("Deployment", "Job")]
    found = [(one["spec"]["template"]["spec"], one["spec"]["template"]["metadata"]["labels"]) for one in workloads]
    kserve = {"serving.kserve.io/inferenceservice": "snag"}
    return found + [(one["spec"]["predictor"], kserve) for one in of_kind(variant, "InferenceService")]


def containers(variant: str) -> list[dict[str, Any]]:
    return [one for pod, _ in pods(variant) for one in pod.get("initContainers", []) + pod["containers"]]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_object_is_what_kubernetes_expects(variant: str) -> None:
    """No unknown field, no wrong type, by the schemas of Kubernetes itself."""
    for one in rendered(variant):
        if one["kind"] not in CUSTOM:
            kubernetes_validate.validate(one, VERSION, strict=True)


def test_the_validator_would_find_a_mistake() -> None:
    (deployment,) = of_kind("overlays/plain", "Deployment")
    wrong = json.loads(json.dumps(deployment))
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_selectors_select_our_pods(variant: str) -> None:
    """Service, policy and budget are about the pods of their variant: a selector that meets none protects nothing."""
    selectors = [one["spec"]["selector"] for one in of_kind(variant, "Service")]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in of_kind(variant, "NetworkPolicy")]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in of_kind(variant, "PodDisruptionBudget")]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in of_kind(variant, "Deployment")]

    missed = [
        (selector, labels)
        for selector, (_, labels) in product(selectors, pods(variant))
        if not selector.items() <= labels.items()
    ]

    assert selectors
    assert missed == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_pods_have_no_more_rights_than_they_need(variant: str) -> None:
    """No root, no capability, a root file system that nobody writes, no token for the cluster, and limits."""
    for pod, _ in pods(variant):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for one in containers(variant):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(one["resources"]["limits"]) == {"cpu", "memory"}
        assert one["resources"]["limits"]["memory"] >= one["resources"]["requests"]["memory"]


@pytest.mark.parametrize("variant", VARIANTS[:4])
def test_management_can_not_be_reached_from_outside(variant: str) -> None:
    """Its port is in no service, no policy and no container, and the server is not told to open it."""
    text = "\n".join(json.dumps(one) for one in rendered(variant))

    assert str(MANAGEMENT) not in text
    assert "--management-host" not in text
    assert [one["spec"]["policyTypes"][0] for one in of_kind(variant, "NetworkPolicy")] == ["Ingress"]


@pytest.mark.parametrize("variant", VARIANTS[:4])
def test_the_server_knows_its_flags_and_gets_the_time_to_drain(variant: str) -> None:
    """What is passed to the server is what it accepts, and it is not killed before it has finished its requests."""
    for pod, _ in pods(variant):
        (server,) = pod["containers"]
        settings = from_flags(ServeSettings, server["args"])
        pause = int(server["lifecycle"]["preStop"]["exec"]["command"][1])

        assert settings.model == ["all"]
        assert pod["terminationGracePeriodSeconds"] > pause + settings.drain + 10


@pytest.mark.parametrize("variant", VARIANTS[:4])
def test_probes_ask_what_the_server_answers(variant: str) -> None:
    """Ready is every worker; alive is the process alone, for a dead worker must not cost the whole pod its life."""
    for pod, _ in pods(variant):
        (server,) = pod["containers"]
        paths = {name: server[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}

        assert paths == {
            "startupProbe": "/health/ready",
            "readinessProbe": "/health/ready",
            "livenessProbe": "/health/live",
        }


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_mount_has_its_volume(variant: str) -> None:
    for pod, _ in pods(variant):
        volumes = {one["name"] for one in pod["volumes"]}
        mounts = {mount["name"] for one in pod.get("initContainers", []) + pod["containers"] for mount in one["volumeMounts"]}

        assert mounts == volumes


def test_no_secret_is_in_the_repository() -> None:
    """Secrets are named, never kept here."""
    assert [one for variant in VARIANTS for one in of_kind(variant, "Secret")] == []
    assert {
        volume["secret"]["secretName"]
        for variant in VARIANTS
        for pod, _ in pods(variant)
        for volume in pod["volumes"]
        if "secret" in volume
    } == {"snag-tokens", "snag-object-store"}


def test_alert_rules_are_those_of_prometheus() -> None:
    """The cluster's rules are made from the file that Prometheus itself reads, and were made anew after its last change."""
    if not (ROOT / "deploy/prometheus/alerts.yml").exists():
        pytest.skip("there are no alert rules yet")
    (rule,) = of_kind("overlays/monitoring", "PrometheusRule")

    assert rule["spec"] == yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())


def test_the_scrape_finds_the_service() -> None:
    """The monitor's selector and port are those of the service that has the metrics."""
    (monitor,) = of_kind("overlays/monitoring", "ServiceMonitor")
    (service,) = of_kind("overlays/monitoring", "Service")

    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_the_job_hands_each_pod_its_own_part() -> None:
    """The pod's index is what the command is told."""
    (job,) = of_kind("train", "Job")
    (train,) = job["spec"]["template"]["spec"]["containers"]

    assert job["spec"]["completionMode"] == "Indexed"
    assert "--index=$(JOB_COMPLETION_INDEX)" in train["args"]
    assert train["env"][0]["name"] == "JOB_COMPLETION_INDEX"
