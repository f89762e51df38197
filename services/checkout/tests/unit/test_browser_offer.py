"""The browser application says what a report costs and holds in static text: it must be what settings say."""

import json
from pathlib import Path

from modelpick_shared.settings import BenchmarkSettings, StripeSettings

WEB = Path(__file__).parents[4] / "web"
OFFER = WEB / "src" / "lib" / "offer.json"


def default_of(settings, name):
    return settings.model_fields[name].default


def test_the_offer_of_the_browser_application_is_that_of_the_settings_defaults():
    assert json.loads(OFFER.read_text()) == {
        "price_usd": f"{default_of(StripeSettings, 'price_cents') / 100:.2f}",
        "runs_per_image": default_of(BenchmarkSettings, "runs_per_image"),
        "cost_ceiling_usd": f"{default_of(BenchmarkSettings, 'cost_ceiling_usd'):.2f}",
    }


def test_no_page_of_the_browser_application_says_the_price_by_itself():
    price = json.loads(OFFER.read_text())["price_usd"]
    sources = [*WEB.glob("*.html"), *WEB.glob("src/**/*.svelte"), *WEB.glob("src/**/*.ts")]
    own = [path.name for path in sources if not path.name.endswith(".test.ts") and price in path.read_text()]
    assert own == []
