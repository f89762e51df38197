import json
from decimal import Decimal
from importlib import resources

import pytest

from modelpick_shared.catalog import Catalog, load_catalog
from modelpick_shared.catalog.remote import read_offer, usd_per_1m
from modelpick_shared.catalog.sync import catalog_text, changed, compare, write_catalog

MODEL = load_catalog()["moonshotai/kimi-k3"]
FREE = next(model for model in load_catalog() if model.tier == "free")


def offered(model=MODEL, **changes):
    """Return what a model API that lists one model offers."""
    fields = {
        "id": model.id,
        "context_length": model.context_length,
        "pricing": {
            "prompt": format(model.input_usd_per_1m / 1_000_000, "f"),
            "completion": format(model.output_usd_per_1m / 1_000_000, "f"),
        },
        "architecture": {"input_modalities": ["text", "image"]},
        "supported_parameters": [*model.supports, "seed"],
    }
    return read_offer(json.dumps({"data": [fields | changes]}).encode())


def differences(model=MODEL, **changes):
    return compare(Catalog([model]), offered(model, **changes))


def synced(model=MODEL, **changes):
    (new,) = changed(Catalog([model]), differences(model, **changes), remove_missing=False)
    return new


def priced(prompt, completion):
    return {"prompt": prompt, "completion": completion}


def test_the_data_file_is_as_it_would_be_written():
    file = resources.files("modelpick_shared.catalog") / "models.json"
    assert file.read_text("utf-8") == catalog_text(load_catalog())


def test_the_file_is_written_only_when_something_changed_and_leaves_no_draft(tmp_path):
    file = tmp_path / "models.json"
    file.write_text("[]")
    assert write_catalog(file, Catalog([MODEL]))
    assert not write_catalog(file, Catalog([MODEL]))
    assert list(load_catalog(file)) == [MODEL]
    assert list(tmp_path.iterdir()) == [file]


def test_the_same_model_has_no_differences():
    assert differences() == []


@pytest.mark.parametrize(
    ("text", "price"),
    [("0.000005", "5"), ("0.00000025", "0.25"), ("0", "0"), ("5e-6", "5"), ("0.0000000000001", "0")],
)
def test_a_price_a_token_is_read_exactly(text, price):
    assert format(usd_per_1m(text), "f") == price


@pytest.mark.parametrize(
    "text", ["NaN", "sNaN", "Infinity", "-1", "-0.000001", "", "free", "5", "1e999999999"]
)
def test_what_is_no_price_leaves_the_whole_model_as_it_is(text):
    for pricing in (priced(text, "0.00002"), priced("0.00002", text)):
        (change,) = differences(pricing=pricing, context_length=1)
        assert "left as it is" in change.note
        assert not change.update
        assert synced(pricing=pricing, context_length=1) == MODEL


@pytest.mark.parametrize(
    "changes",
    [
        {"pricing": {"prompt": "0.1"}},
        {"pricing": {"prompt": 1, "completion": 1}},
        {"pricing": None},
        {"context_length": 0},
        {"context_length": "many"},
        {"architecture": {}},
        {"architecture": None},
        {"supported_parameters": None},
        {"reasoning": {"mandatory": "perhaps"}},
    ],
)
def test_an_entry_that_makes_no_sense_is_not_taken_for_a_missing_model(changes):
    (change,) = differences(**changes)
    assert "left as it is" in change.note
    assert not change.gone


def test_the_cap_keeps_its_ratio_to_the_price():
    new = synced(pricing=priced("0.000001", "0.00003"))
    assert (new.input_usd_per_1m, new.max_input_usd_per_1m) == (Decimal(1), Decimal(2))
    assert (new.output_usd_per_1m, new.max_output_usd_per_1m) == (Decimal(30), Decimal(45))


def test_a_free_model_that_costs_is_capped_at_its_price_and_one_that_is_free_again_at_nothing():
    costly = synced(FREE, pricing=priced("0.000001", "0.000002"))
    assert (costly.max_input_usd_per_1m, costly.max_output_usd_per_1m) == (Decimal(1), Decimal(2))
    free = synced(costly, pricing=priced("0", "0"))
    assert (free.max_input_usd_per_1m, free.max_output_usd_per_1m) == (0, 0)


def test_our_own_fields_stay_and_what_the_model_api_does_not_know_stays_too():
    new = synced(FREE, name="Another", context_length=None, reasoning=None, supported_parameters=["seed"])
    assert new == FREE.model_copy(update={"input_modalities": ["image", "text"]})
    assert new.max_concurrency == 1


def test_efforts_are_kept_lowest_first_and_whether_one_must_reason_is_carried():
    reasoning = {"mandatory": False, "supported_efforts": ["high", "low", "minimal", "unheard-of"]}
    new = synced(reasoning=reasoning)
    assert (new.reasoning_efforts, new.reasoning_mandatory) == (["minimal", "low", "high"], False)
    assert differences(reasoning={"mandatory": True, "supported_efforts": ["high", "medium", "low"]}) == []
    assert synced(reasoning={"mandatory": False, "supported_efforts": None}).reasoning_efforts
    assert synced(reasoning={"mandatory": False, "supported_efforts": []}).reasoning_efforts


def test_limits_and_the_end_of_a_model_are_told():
    changes = differences(top_provider={"max_completion_tokens": 9}, expiration_date="2027-01-31")
    assert [(change.field, change.new, change.note) for change in changes] == [
        ("max_output_tokens", 9, None),
        ("expiration_date", "2027-01-31", "ends 2027-01-31"),
    ]
    (change,) = differences(expiration_date="soon")
    assert "unreadable" in change.note


def test_models_off_offer_go_only_when_asked():
    other = FREE.model_copy(update={"id": "other/model"})
    catalog = Catalog([MODEL, other])
    for offer in (offered(), offered(other, architecture={"input_modalities": ["text"]})):
        changes = compare(catalog, offer)
        assert {change.model for change in changes if change.gone} <= {MODEL.id, other.id}
        assert any(change.gone for change in changes)
        assert list(changed(catalog, changes, remove_missing=False)) == [MODEL, other]
    (left,) = changed(catalog, compare(catalog, offered()), remove_missing=True)
    assert left.id == MODEL.id


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data": []}', b'{"data": [{}], "links": {"next": "x"}}']
)
def test_an_answer_without_a_whole_list_of_models_is_refused(body):
    with pytest.raises(ValueError, match=r"list|Expecting"):
        read_offer(body)
