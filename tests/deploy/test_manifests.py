"""Holds the Kubernetes manifests against docker-compose.yml and the settings."""

import re
from urllib.parse import urlsplit

import pytest
import yaml

from modelpick_local import manifests
from modelpick_local.home import find_checkout
from modelpick_local.parts import SERVICES

CHECKOUT = find_checkout()
FOLDER = CHECKOUT / "deploy" / "kubernetes"
NAMES = [service.name for service in SERVICES]


def documents(name):
    return {item["kind"]: item for item in yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text())}


def test_the_manifests_are_those_of_the_compose_file():
    for path, text in manifests.wanted(CHECKOUT).items():
        assert path.read_text() == text, f"{path.name} is old: run `python -m modelpick_local.manifests`"


def test_every_manifest_is_applied():
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]

    assert sorted(listed) == sorted(
        path.name for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml"
    )


@pytest.mark.parametrize("name", [*NAMES, "gateway"])
def test_a_service_is_probed_limited_and_kept_while_nodes_go(name):
    found = documents(name)
    (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    assert {
        container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")
    } <= ports.keys()
    assert container["resources"]["limits"].keys() == {"cpu", "memory"}
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "5"]
    assert found["Deployment"]["spec"]["replicas"] > found["PodDisruptionBudget"]["spec"]["maxUnavailable"]
    assert found["Service"]["spec"]["selector"] == found["Deployment"]["spec"]["selector"]["matchLabels"]


@pytest.mark.parametrize("service", SERVICES, ids=NAMES)
def test_a_pod_is_given_the_time_that_its_service_takes_to_stop(service):
    pod = documents(service.name)["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    leaving_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])

    assert pod["terminationGracePeriodSeconds"] > leaving_s + service.stop_timeout_s


def test_nobody_is_believed_about_customers_unless_it_is_set():
    data = yaml.safe_load((FOLDER / "settings.yaml").read_text())["data"]

    assert "GATEWAY_TRUSTED_PROXIES" not in data


@pytest.mark.parametrize("name", [*NAMES, "gateway", "migrate", "provision"])
def test_every_pod_meets_the_restricted_standard(name):
    found = documents(name)
    pod = (found.get("Deployment") or found["Job"])["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in pod["volumes"]
    }


def test_the_worker_is_given_no_address_of_the_database():
    text = (FOLDER / "model-worker.yaml").read_text()

    assert "database" not in text


def egress_rules():
    """Return what each pod may reach that a policy bounds, by its name; all others reach everything."""
    policies = yaml.safe_load_all((FOLDER / "networks.yaml").read_text())
    return {
        policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]: policy["spec"]["egress"]
        for policy in policies
        if "Egress" in policy["spec"]["policyTypes"]
    }


def test_whoever_exports_traces_reaches_a_collector_and_the_worker_no_database():
    (example,) = re.findall(r"OTEL_EXPORTER_OTLP_ENDPOINT=(\S+)", (CHECKOUT / ".env.example").read_text())
    rules = egress_rules()
    (rule,) = rules["model-worker"]
    ports = {port["port"] for port in rule["ports"]}

    assert rules.keys() == {"model-worker"}
    assert {urlsplit(example).port, 443} <= ports
    assert 5432 not in ports


def test_whoever_exports_traces_has_a_way_out_in_containers():
    compose = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    ways_out = {name for name, network in compose["networks"].items() if not (network or {}).get("internal")}
    for name in NAMES:
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in compose["services"][name]["environment"]
        assert ways_out & set(compose["services"][name]["networks"]), name


def test_the_settings_are_known_and_hold_no_secret():
    data = yaml.safe_load((FOLDER / "settings.yaml").read_text())["data"]
    read = set(re.findall(r"\{\$([A-Z_]+):", (CHECKOUT / "deploy" / "gateway" / "Caddyfile").read_text()))
    compose = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    known = {key for name in NAMES for key in compose[name]["environment"]} | read

    assert data.keys() <= known
