"""The simulator against what is known of Resend's interface, where the notes are at hand."""

import re
from pathlib import Path
from typing import get_args

import pytest

from modelpick_simulators.mail.resend.delivery import signature_header
from modelpick_simulators.mail.resend.errors import ResendError
from modelpick_simulators.mail.resend.events import EventType

REPOSITORY = Path(__file__).resolve().parents[5]
FACTS = REPOSITORY.parent / "shared" / "reference" / "resend.md"

facts_at_hand = pytest.mark.skipif(not FACTS.exists(), reason="the facts about Resend are not at hand")


def named_errors() -> dict[str, set[int]]:
    """Return the codes of each error that the facts name, as in `400/403/422 validation_error`."""
    if not FACTS.exists():
        return {"missing_api_key": set()}
    found: dict[str, set[int]] = {}
    for codes, names in re.findall(
        r"((?:4|5)\d\d(?:/\d{3})*) ([a-z]+(?:_[a-z]+)+(?:/[a-z_]+)*)", FACTS.read_text()
    ):
        for name in names.split("/"):
            found.setdefault(name, set()).update(map(int, codes.split("/")))
    return found


def known(name: str) -> bool:
    try:
        ResendError(name)
    except KeyError:
        return False
    return True


@facts_at_hand
@pytest.mark.parametrize("name", sorted(filter(known, named_errors())))
def test_an_error_has_the_code_that_resend_gives_it(name):
    assert ResendError(name).status in named_errors()[name]


@facts_at_hand
def test_the_errors_that_a_sender_must_tell_apart_are_all_there():
    wanted = {"invalid_idempotency_key", "invalid_idempotent_request", "concurrent_idempotent_requests"}
    wanted |= {"validation_error", "missing_api_key", "invalid_api_key"}
    assert wanted <= set(filter(known, named_errors()))


@facts_at_hand
@pytest.mark.parametrize("event_type", get_args(EventType))
def test_an_event_is_one_of_resends(event_type):
    assert re.search(rf"\b{event_type.removeprefix('email.')}\b", FACTS.read_text())


def test_the_signature_is_the_one_of_the_standards_example():
    # From https://docs.svix.com/receiving/verifying-payloads/how-manual
    signature = signature_header(
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
