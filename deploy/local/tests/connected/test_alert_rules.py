"""The alert rules' own unit tests, by Prometheus's own program."""

import subprocess
from pathlib import Path

import pytest
import yaml

from modelpick_local.debian_packages import find_or_install

PROMETHEUS = Path(__file__).parents[3] / "prometheus"
RULES = PROMETHEUS / "rules" / "modelpick.yml"
TESTS = PROMETHEUS / "rules.test.yml"


@pytest.fixture(scope="module")
def promtool():
    """Return what runs promtool and says what it printed where it is not content."""
    program = find_or_install(["promtool"], "prometheus", print)

    def run(*words):
        done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr if done.returncode else ""

    return run


def test_rules_and_configuration_are_valid(promtool):
    assert not promtool("check", "rules", RULES)
    assert not promtool("check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml")


def test_alerts_fire_and_are_silent_when_they_should(promtool):
    assert not promtool("test", "rules", TESTS)


def test_a_rule_that_is_wrong_fails_its_test(promtool, tmp_path):
    broken = RULES.read_text().replace("modelpick_outbox_oldest_age_seconds) > 60", "nothing) > 60")
    assert broken != RULES.read_text()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / RULES.name).write_text(broken)
    written = yaml.safe_load(TESTS.read_text())
    # The others take as long again and say nothing of this rule.
    written["tests"] = [test for test in written["tests"] if "OutboxStuck" in yaml.safe_dump(test)]
    (tmp_path / TESTS.name).write_text(yaml.safe_dump(written))
    assert "OutboxStuck" in promtool("test", "rules", tmp_path / TESTS.name)


def test_every_alert_is_tested_both_ways():
    written = TESTS.read_text()
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            assert written.count(f'alertname="{rule["alert"]}"') >= 2, rule["alert"]
            assert rule["labels"]["severity"] in {"page", "ticket"}
