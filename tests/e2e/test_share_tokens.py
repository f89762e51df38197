"""Whoever has a share link may read its report, so that nobody must be able to guess one."""

import base64

import pytest

from modelpick_local.demo.samples import sample_uploads

pytestmark = pytest.mark.e2e


def entropy_bytes(token):
    return len(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


async def test_share_tokens_are_32_random_bytes_and_never_the_same(visit, system, buy):
    customer = await visit(system, "guessing")
    report_id = await buy(customer, sample_uploads(1), 1)
    tokens = {(await customer.await_progress(report_id)).share_token}
    for _ in range(3):
        answer = await customer.client.post(f"/api/reports/{report_id}/share", json={"enabled": True})
        tokens.add(answer.json()["share_token"])
    assert len(tokens) == 4
    assert {entropy_bytes(token) for token in tokens} == {32}
