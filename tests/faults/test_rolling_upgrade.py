"""Two releases at once: workers and orchestrators of the one before beside those of this one."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelpick_local.demo.samples import sample_uploads

pytestmark = pytest.mark.faults

CHECKOUT = Path(__file__).parents[2]
VERSIONS = "shared/src/modelpick_shared/migrations/versions"
PACKAGES = ("shared", "services/orchestrator", "services/model-worker")
IMAGES, MODELS = 10, 6
JOBS = IMAGES * MODELS * 3


def git(*words) -> bytes:
    return subprocess.run(["git", "-C", CHECKOUT, *words], capture_output=True, check=True).stdout


def release_before() -> str:
    """Return the last commit whose tables are older than this release's."""
    newest = max(path.name for path in (CHECKOUT / VERSIONS).glob("0*.py"))
    added = git("log", "--format=%H", "--diff-filter=A", "--", f"{VERSIONS}/{newest}").decode().split()
    return git("rev-parse", "--verify", f"{added[-1]}~1" if added else "HEAD").decode().strip()


@pytest.fixture(scope="module")
def older_release(tmp_path_factory):
    """Return the environment in which a service is one of the release before."""
    folder = tmp_path_factory.mktemp("older")
    try:
        archive = git("archive", release_before(), *PACKAGES)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the history of this checkout does not reach back to the release before: {error}")
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    environment = {"PYTHONPATH": os.pathsep.join(str(folder / package / "src") for package in PACKAGES)}
    where = "import modelpick_shared as s, modelpick_orchestrator as o, modelpick_model_worker as w"
    said = subprocess.run(
        [sys.executable, "-c", f"{where}; print(s.__file__, o.__file__, w.__file__)"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert all(str(folder) in path for path in said), said
    return environment


@pytest.fixture(scope="module")
def system(system_with):
    with system_with(SIMULATOR_LATENCY_MS="400-800", LEASE_S="30") as system:
        yield system


async def test_a_report_runs_on_two_releases_and_outlives_the_older_one(
    system, older_release, visit, buy, settled_once, replicas
):
    older = [replicas(system, name, **older_release) for name in ("orchestrator", "model_worker")]
    await asyncio.gather(*(replica.ready() for replica in older))
    customer = await visit(system, "rolling-upgrade")
    report_id = await buy(customer, sample_uploads(IMAGES), MODELS)
    await customer.await_progress(report_id, 0.4)
    await asyncio.gather(*(replica.stop() for replica in older))
    report = await customer.await_progress(report_id)
    assert (report.status, report.completed_jobs) == ("complete", JOBS)
    await settled_once(system, customer, report_id, JOBS)


async def test_the_older_release_finishes_what_this_one_began(
    system, older_release, visit, buy, settled_once, replicas, kill
):
    """As when an upgrade is taken back: the parts of this release die in the middle of a report."""
    older = [replicas(system, name, **older_release) for name in ("orchestrator", "model_worker")]
    await asyncio.gather(*(replica.ready() for replica in older))
    customer = await visit(system, "taken-back")
    report_id = await buy(customer, sample_uploads(IMAGES), MODELS)
    await customer.await_progress(report_id, 0.3)
    await kill(system, "orchestrator")
    await kill(system, "model-worker")
    report = await customer.await_progress(report_id)
    assert (report.status, report.completed_jobs) == ("complete", JOBS)
    await settled_once(system, customer, report_id, JOBS)
