"""Dashboards and alerts on the figures of a system that finished a report: no query of theirs is empty."""

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from modelpick_local.debian_packages import find_or_install
from modelpick_local.gateway import find_caddy
from modelpick_local.ports import free_port
from modelpick_local.state import PartKind
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.e2e

DEPLOY = Path(__file__).parents[2] / "deploy"
BOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RULES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
# Only the word: `sum`, `rate`, `by` and labels are none of these.
METRIC = re.compile(r"\b(?:modelpick|rabbitmq|caddy|process|probe)_\w+|\bup\b")
SUFFIX = re.compile(r"_(?:bucket|count|sum|total)$")
# They count what has not happened in a good run; that they are declared is looked up instead.
ONLY_IN_TROUBLE = {"modelpick_runs_unmeasured_total"}
SCRAPES = 3


class Prometheus:
    """A real Prometheus that scrapes a system."""

    def __init__(self, client):
        self._client = client

    def ask(self, path, **parameters):
        return self._client.get(f"/api/v1/{path}", params=parameters).raise_for_status().json()["data"]

    def query(self, expr):
        return self.ask("query", query=expr)["result"]

    def scraped(self):
        """Say whether everything there is was scraped often enough for rates."""
        try:
            seen = self.query(f"min(count_over_time(up[1m])) >= {SCRAPES}")
        except httpx.HTTPError:
            return False
        return bool(seen) and not self.query("up == 0")


@pytest.fixture(scope="module")
def process():
    """Return a function that starts a program and stops it at the end."""
    started = []

    def start(*words, **options):
        with Path(options.pop("log")).open("w") as log:
            program = subprocess.Popen([*map(str, words)], stdout=log, stderr=log, **options)
        started.append(program)
        return program

    yield start
    for program in started:
        program.terminate()
        program.wait(20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("prometheus")


@pytest.fixture(scope="module")
def secure_site(process, folder):
    """Serve a page with a certificate of its own, as the gateway does where it has a domain."""
    port = free_port()
    (folder / "Caddyfile").write_text(
        "{\n admin off\n skip_install_trust\n auto_https disable_redirects\n}\n"
        f'https://localhost:{port} {{\n tls internal\n respond "here"\n}}\n'
    )
    process(
        *(find_caddy(), "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"),
        log=folder / "caddy.log",
        env={"HOME": str(folder), "XDG_DATA_HOME": str(folder)},
    )
    return f"https://localhost:{port}"


@pytest.fixture(scope="module")
def probe(process, folder):
    """Run the exporter that looks at a site from outside; it trusts our own certificate here."""
    program = find_or_install(["prometheus-blackbox-exporter"], "prometheus-blackbox-exporter", print)
    modules = yaml.safe_load((DEPLOY / "prometheus" / "blackbox.yml").read_text())
    modules["modules"]["http_2xx"]["http"]["tls_config"] = {"insecure_skip_verify": True}
    (folder / "blackbox.yml").write_text(yaml.safe_dump(modules))
    address = f"127.0.0.1:{free_port()}"
    process(
        *(program, f"--config.file={folder / 'blackbox.yml'}", f"--web.listen-address={address}"),
        log=folder / "blackbox.log",
    )
    return address


@pytest.fixture(scope="module")
def prometheus(system, told, process, folder, probe, secure_site):
    """Scrape every part of the system with the configuration of the containers, at other addresses."""
    program = find_or_install(["prometheus"], "prometheus", print)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration(system, folder, probe, secure_site)))
    address = f"127.0.0.1:{free_port()}"
    process(
        *(program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"),
        f"--web.listen-address={address}",
        log=folder / "prometheus.log",
    )
    with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=30) as client:
        yield Prometheus(client)


def configuration(system, folder, probe, secure_site):
    """Return the committed configuration with this system's addresses in it."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(file) for file in RULES]
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    services = {name: part for name, part in system.parts().items() if part.kind is PartKind.SERVICE}
    jobs["modelpick"].pop("dns_sd_configs")
    jobs["modelpick"].pop("relabel_configs")
    jobs["modelpick"]["static_configs"] = [
        {"targets": [f"127.0.0.1:{part.port}"], "labels": {"service": name}}
        for name, part in services.items()
    ]
    variables = system.variables()
    for job, variable in (
        ("gateway", "GATEWAY_METRICS_URL"),
        ("rabbitmq", "RABBITMQ_METRICS_URL"),
        ("rabbitmq-queues", "RABBITMQ_METRICS_URL"),
    ):
        jobs[job]["static_configs"][0]["targets"] = [urlsplit(variables[variable]).netloc]
    (folder / "site.json").write_text(json.dumps([{"targets": [secure_site]}]))
    jobs["site"]["file_sd_configs"] = [{"files": [str(folder / "site.json")]}]
    jobs["site"]["relabel_configs"][-1]["replacement"] = probe
    return config


@pytest.fixture
async def figures(prometheus):
    await eventually(prometheus.scraped, within_s=60)
    return prometheus


async def test_no_panel_is_empty(figures):
    empty = [
        f"{board['title']}, {panel['title']}: {target['expr']}"
        for board in map(read, BOARDS)
        for panel in panels(board)
        for target in panel["targets"]
        if not figures.query(target["expr"].replace("$__rate_interval", "30s"))
    ]
    assert not empty
    assert sum(len(list(panels(read(board)))) for board in BOARDS) > 50


async def test_every_alert_is_understood_and_looks_at_figures_that_there_are(figures):
    rules = [rule for group in figures.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 15
    for rule in rules:
        assert rule["health"] == "ok", rule["name"]
        for metric in sorted(set(METRIC.findall(rule["query"]))):
            assert exists(figures, metric), f"{rule['name']}: {metric}"


async def test_no_alert_fires_on_a_system_that_is_well(figures):
    # The certificate of a test lives for hours, and the machine's disk is its own affair.
    others = {"CertificateExpires", "DiskFillsUp"}
    alerts = figures.ask("alerts")["alerts"]
    assert [each for each in alerts if each["labels"]["alertname"] not in others] == []


def exists(figures, metric):
    if metric in ONLY_IN_TROUBLE:
        return bool(
            figures.ask("metadata", metric=SUFFIX.sub("", metric)) or figures.ask("metadata", metric=metric)
        )
    return bool(figures.query(metric))


def read(board):
    return json.loads(board.read_text())


def panels(board):
    for panel in board.get("panels", []):
        yield from panels(panel) if panel["type"] == "row" else [panel]
