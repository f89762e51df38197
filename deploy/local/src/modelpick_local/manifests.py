"""The services as Kubernetes runs them, made of docker-compose.yml, so that both stay the same.

`python -m modelpick_local.manifests` writes deploy/kubernetes/*.yaml; with `--check` it says what is old.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from modelpick_local.home import find_checkout
from modelpick_local.parts import SERVICES

Manifest = dict[str, Any]

_HEADER = "# Generated from docker-compose.yml by `python -m modelpick_local.manifests`.\n"
_USER = 10001
_PORT = 8000
_GATEWAY_PORTS = {"http": 8080, "internal": 9180}
_REPLICAS = 2  # the second takes over; more as load asks for it
_LEAVE_S = 5  # until nobody sends a pod that is to end anything new
_CONFINED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
# Kubernetes tells the pod and its callers at once: who stops first would refuse the callers' last requests.
_LEAVING = {"lifecycle": {"preStop": {"exec": {"command": ["sleep", str(_LEAVE_S)]}}}}
_POD_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "fsGroup": _USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m modelpick_local.manifests")
    parser.add_argument("--check", action="store_true", help="change nothing, fail when a file is old")
    check = parser.parse_args().check
    old = {path: text for path, text in wanted(find_checkout()).items() if _content(path) != text}
    for path, text in old.items():
        sys.stderr.write(f"{path.name} of deploy/kubernetes is {'old' if check else 'written'}\n")
        if not check:
            path.write_text(text)
    sys.exit(int(check and bool(old)))


def wanted(checkout: Path) -> dict[Path, str]:
    """Return the text of each manifest, by its file."""
    services = yaml.safe_load((checkout / "docker-compose.yml").read_text())["services"]
    documents = {
        **{name: [_job(name, services[name])] for name in ("migrate", "provision")},
        "gateway": _gateway(services["gateway"]),
        **{service.name: _service(service.name, services[service.name]) for service in SERVICES},
    }
    folder = checkout / "deploy" / "kubernetes"
    return {folder / f"{name}.yaml": _text(found) for name, found in documents.items()}


def _service(name: str, given: Mapping[str, Any]) -> list[Manifest]:
    container = {
        **_container(name, given),
        "env": [{"name": "SERVICE_HOST", "value": "0.0.0.0"}, {"name": "SERVICE_PORT", "value": str(_PORT)}],  # noqa: S104
        "ports": [{"name": "http", "containerPort": _PORT}],
        **_probes("http", "/readyz"),
        **_LEAVING,
    }
    pod = _pod(name, given, container)
    return [_deployment(name, pod), _cluster_service(name, {"http": _PORT}), _budget(name)]


def _gateway(given: Mapping[str, Any]) -> list[Manifest]:
    ports = [{"name": port, "containerPort": number} for port, number in _GATEWAY_PORTS.items()]
    probes = _probes("internal", "/healthz")
    container = {**_container("gateway", given), "ports": ports, **probes, **_LEAVING}
    container["volumeMounts"] = [
        {"name": name, "mountPath": f"/{name}"} for name in ("tmp", "data", "config")
    ]
    pod = _pod("gateway", given, container)
    pod["volumes"] = [{"name": name, "emptyDir": {}} for name in ("tmp", "data", "config")]
    service = _cluster_service("gateway", _GATEWAY_PORTS)
    return [_deployment("gateway", pod), service, _budget("gateway")]


def _job(name: str, given: Mapping[str, Any]) -> Manifest:
    pod = _pod(name, given, _container(name, given)) | {"restartPolicy": "OnFailure"}
    spec = {"backoffLimit": 5, "ttlSecondsAfterFinished": 3600, "template": _template(name, pod)}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _metadata(name), "spec": spec}


def _deployment(name: str, pod: Manifest) -> Manifest:
    spec = {
        "replicas": _REPLICAS,
        "selector": {"matchLabels": _labels(name)},
        # Old and new work side by side: messages and migrations are made for it.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": _template(name, pod),
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(name), "spec": spec}


def _template(name: str, pod: Manifest) -> Manifest:
    return {"metadata": {"labels": _labels(name)}, "spec": pod}


def _pod(name: str, given: Mapping[str, Any], container: Manifest) -> Manifest:
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": _labels(name)},
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": _POD_SECURITY,
        "terminationGracePeriodSeconds": _seconds(given.get("stop_grace_period", "10s")) + _LEAVE_S,
        "topologySpreadConstraints": [spread],
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "secrets", "secret": _secret(given)}],
    }


def _container(name: str, given: Mapping[str, Any]) -> Manifest:
    limits = given["deploy"]["resources"]["limits"]
    memory = f"{limits['memory']}i"
    container: Manifest = {
        "name": name,
        "image": given["image"].partition(":")[0],
        "envFrom": [{"configMapRef": {"name": "modelpick-settings"}}],
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": limits["cpus"], "memory": memory},
        },
        "securityContext": _CONFINED,
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a folder of the container's own
            {"name": "secrets", "mountPath": "/run/secrets", "readOnly": True},
        ],
    }
    if "command" in given:
        container["args"] = given["command"]
    if "env_file" in given:
        container["envFrom"].append({"secretRef": {"name": "modelpick-image-store", "optional": True}})
    return container


def _secret(given: Mapping[str, Any]) -> Manifest:
    """Return what of the one secret a service gets, under the names of its settings."""
    pairs = [
        (item, item) if isinstance(item, str) else (item["source"], item["target"])
        for item in given.get("secrets", [])
    ]
    items = [{"key": source, "path": target} for source, target in pairs]
    return {"secretName": "modelpick", "defaultMode": 0o440, "items": items}


def _probes(port: str, ready: str) -> Manifest:
    def asks(path: str, failures: int, period_s: int) -> Manifest:
        request = {"path": path, "port": port}
        return {
            "httpGet": request,
            "periodSeconds": period_s,
            "timeoutSeconds": 5,
            "failureThreshold": failures,
        }

    return {
        "startupProbe": asks("/healthz", 30, 2),
        "livenessProbe": asks("/healthz", 6, 10),
        "readinessProbe": asks(ready, 2, 5),
    }


def _cluster_service(name: str, ports: Mapping[str, int]) -> Manifest:
    numbers = [{"name": port, "port": number, "targetPort": port} for port, number in ports.items()]
    spec = {"selector": _labels(name), "ports": numbers}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(name), "spec": spec}


def _budget(name: str) -> Manifest:
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": _labels(name)}}
    metadata = _metadata(name)
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}


def _metadata(name: str) -> Manifest:
    return {"name": name, "labels": _labels(name)}


def _labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "modelpick"}


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def _text(documents: list[Manifest]) -> str:
    # Copied, so that nothing occurs twice: anchors would help machines only.
    plain = [json.loads(json.dumps(document)) for document in documents]
    text: str = yaml.safe_dump_all(plain, sort_keys=False, width=110)
    return _HEADER + text


def _content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    main()
