import pytest
from pydantic import ValidationError

from modelpick_checkout.drafts.schemas import DraftPatch
from modelpick_checkout.sign_in.schemas import MagicLinkRequest


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada+tag@shop.test", "ada+tag@shop.test"),
        ("ada@bücher.example.com", "ada@xn--bcher-kva.example.com"),
    ],
)
def test_an_address_has_one_spelling(written, stored):
    assert MagicLinkRequest(email=written.strip()).email == stored


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "a b@example.com",
        "ada@example.com\r\nBcc: x@y.de",
        "ada@@example.com",
        "x" * 300 + "@example.com",
        "Ada <ada@example.com>",
        "ada@localhost",
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValidationError):
        MagicLinkRequest(email=address)


def test_a_patch_changes_only_what_it_names():
    assert DraftPatch(name="A", json_schema=None).changes() == {"name": "A", "json_schema": None}


@pytest.mark.parametrize(
    "change",
    [
        {"extraction_prompt": "é" * 9000},
        {"json_schema": {"description": "x" * 70_000}},
        {"selected_models": [f"a/{number}" for number in range(25)]},
        {"selected_models": ["a/b", "a/b"]},
        {"data_policy": "some"},
        {"name": None},
        {"json_schema": []},
    ],
)
def test_a_patch_beyond_the_limits_is_refused(change):
    with pytest.raises(ValidationError):
        DraftPatch.model_validate(change)
