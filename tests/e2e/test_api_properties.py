"""Requests made up from each service's own OpenAPI description: nothing that can be sent is our failure."""

import asyncio
from itertools import count
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from modelpick_local.demo.samples import PROMPT, sample_uploads

pytestmark = pytest.mark.e2e

SERVICES = ("checkout", "webhook", "notifier", "reports")
EXAMPLES = 15
# What paths name things by that belong to one customer.
PRIVATE = ("draft_id", "image_id", "report_id", "session_id")
# A stream has no end, and whoever signs out cannot be tested further; both have tests of their own.
LEFT_OUT = {"/api/reports/{report_id}/events", "/api/auth/logout"}


@pytest.fixture(scope="module")
def known(system):
    """Return what a customer of their own has, by the names that paths use; their cookies under `cookies`."""
    return {}


@pytest.fixture
async def own(known, visit, buy, system):
    """Buy a report, and leave a draft with an image, so that made-up requests meet something."""
    if not known:
        customer = await visit(system, "prober")
        known["report_id"] = await buy(customer, sample_uploads(1), 1)
        ended = await customer.await_progress(known["report_id"])
        models = [model.id for model in await customer.models()]
        draft = await customer.prepare_draft(sample_uploads(2), models[:2], PROMPT)
        image = (await customer.client.get(f"/api/drafts/{draft.id}")).json()["images"][0]
        known |= {"draft_id": draft.id, "image_id": image["id"], "token": ended.share_token}
        known["session_id"] = (await customer.check_out(await second_draft(customer))).session_id
        known |= {"index": "0", "number": "0", "cookies": dict(customer.client.cookies)}
    return known


async def second_draft(customer):
    """Return a draft whose payment is open."""
    models = [model.id for model in await customer.models()]
    return (await customer.prepare_draft(sample_uploads(1), models[:1], PROMPT)).id


def operations_of(address, left_out=LEFT_OUT):
    """Return what a service offers, last what takes something away."""
    description = httpx.get(f"{address}/openapi.json", trust_env=False).json()
    schema = schemathesis.openapi.from_dict(description)
    found = [result.ok() for result in schema.get_all_operations()]
    kept = [operation for operation in found if operation.path not in left_out]
    return sorted(
        kept, key=lambda operation: operation.method.lower() == "delete" or operation.path.endswith("/share")
    )


def drawn(test, operation):
    """Run a test on requests that fit the operation's description."""
    checks = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    given(case=operation.as_strategy())(checks(test))()


def sent(case, address, cookies, ids):
    """Send a request, with these ids in its path where it takes them."""
    given_ids = case.path_parameters or {}
    case.path_parameters = {name: ids.get(name, value) for name, value in given_ids.items()}
    return case.call(base_url=address, cookies=cookies, allow_redirects=False, timeout=30)


def probe(operation, address, own, cookies):
    """Send what fits the description, two times of three to what is there; return the answers."""
    answers, turn = [], count()

    def send(case):
        answer = sent(case, address, cookies, own if next(turn) % 3 else {})
        answers.append((answer.status_code, case.as_curl_command(), answer.content[:300]))

    drawn(send, operation)
    return answers


def compare(operation, address, own, cookies):
    """Send what fits to somebody else's things and to what does not exist; both are answered alike."""
    nothing = {name: str(uuid4()) for name in PRIVATE}
    nothing["session_id"] = own["session_id"][:-4] + "none"
    others = {name: own[name] for name in PRIVATE}

    def send(case):
        to_others = answer_of(sent(case, address, cookies, others))
        assert to_others == answer_of(sent(case, address, cookies, nothing))
        assert to_others[0] >= 400

    drawn(send, operation)


def answer_of(answer):
    """Return all of an answer but the address that it repeats."""
    body = answer.json() if "json" in answer.headers["content-type"][0] else answer.content
    if isinstance(body, dict):
        body.pop("instance", None)
    return answer.status_code, body


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("signed_in", [True, False], ids=["a customer", "anybody"])
async def test_no_request_is_answered_with_a_failure_of_ours(system, own, service, signed_in):
    address = f"http://127.0.0.1:{system.parts()[service].port}"
    cookies = own["cookies"] if signed_in else {}
    met = 0
    for operation in operations_of(address):
        answers = await asyncio.to_thread(probe, operation, address, own, cookies)
        # 503 is an honest answer: what is asked for is not set up here, or away.
        failures = [answer for answer in answers if answer[0] >= 500 and answer[0] != 503]
        assert not failures, f"{operation.method} {operation.path}: {failures[0]}"
        met += any(status < 400 for status, _, _ in answers)
    if signed_in and service in {"checkout", "reports"}:
        assert met >= 6, "nearly every request was refused: the test has lost its way in"


@pytest.mark.parametrize("service", ["checkout", "reports"])
async def test_what_is_somebody_elses_is_answered_as_what_does_not_exist(system, own, visit, service):
    address = f"http://127.0.0.1:{system.parts()[service].port}"
    cookies = dict((await visit(system, "stranger")).client.cookies)
    private = [
        operation
        for operation in operations_of(address, left_out=set())
        if any(f"{{{name}}}" in operation.path for name in PRIVATE)
    ]
    assert len(private) >= 4
    for operation in private:
        await asyncio.to_thread(compare, operation, address, own, cookies)
