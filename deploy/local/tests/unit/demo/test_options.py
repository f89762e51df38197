import pytest

from modelpick_local.demo.options import read_options
from modelpick_local.demo.picking import across_tiers
from modelpick_local.demo.schemas import Model
from modelpick_local.errors import SettingError


def test_the_demo_is_small_and_stops_unless_asked_otherwise():
    options = read_options({"FULL": "", "KEEP": "0"})

    assert (options.models, options.images, options.keeps_running) == (6, 4, False)


def test_the_full_demo_is_as_large_as_a_report_can_be():
    options = read_options({"FULL": "1", "KEEP": "true"})

    assert (options.models, options.images, options.keeps_running) == (24, 10, True)


def test_every_demo_has_a_customer_of_its_own():
    assert read_options({}).email != read_options({}).email


def test_a_switch_that_is_neither_on_nor_off_is_named():
    with pytest.raises(SettingError, match="KEEP"):
        read_options({"KEEP": "perhaps"})


def test_models_are_picked_over_all_tiers():
    tiers = ["premium"] * 3 + ["mid"] * 2 + ["free"]
    models = [Model(id=f"m{number}", name="", tier=tier) for number, tier in enumerate(tiers)]

    assert [model.id for model in across_tiers(models, 5)] == ["m0", "m3", "m5", "m1", "m4"]
    assert len(across_tiers(models, 24)) == 6
