"""Which upstream providers serve a model, and which one a request gets."""

from typing import Any

from modelpick_simulators.openrouter.catalogue import Model
from modelpick_simulators.openrouter.draws import Draws
from modelpick_simulators.openrouter.errors import OpenRouterError, availability

FIRST_PARTIES = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "google": "Google AI Studio",
    "mistralai": "Mistral",
    "x-ai": "xAI",
    "moonshotai": "Moonshot AI",
    "qwen": "Alibaba",
    "meta": "Meta",
    "z-ai": "Z.AI",
    "amazon": "Amazon Bedrock",
    "bytedance-seed": "Seed",
    "nvidia": "Nvidia",
}
RESELLERS = ("Azure", "DeepInfra", "Google", "Novita", "Parasail", "Together")


def providers_of(model: Model) -> list[str]:
    author = model.id.partition("/")[0]
    first = FIRST_PARTIES.get(author, author.title())
    return [first, Draws(model.id, "").pick("reseller", RESELLERS)]


def chosen_provider(model: Model, preferences: dict[str, Any], draws: Draws) -> str:
    """Choose as `order`, `only`, `ignore`, `allow_fallbacks` say. Raises OpenRouterError if none is left."""
    only, ignored = preferences.get("only") or [], preferences.get("ignore") or []
    allowed = [each for each in providers_of(model) if not only or _named(each, only)]
    allowed = [each for each in allowed if not _named(each, ignored)]
    order = preferences.get("order") or []
    ordered = [each for wanted in order for each in allowed if _named(each, [wanted])]
    if order and preferences.get("allow_fallbacks") is False:
        allowed = ordered
    if not allowed:
        message = f"No allowed providers are available for the selected model: {model.id}"
        raise OpenRouterError(404, message, availability=availability("no_endpoints", model.id))
    return ordered[0] if ordered else draws.pick("provider", allowed)


def _named(provider: str, names: list[str]) -> bool:
    # By name or slug, with or without a region: "xAI", "x-ai/us".
    return _slug(provider) in {_slug(name.partition("/")[0]) for name in names}


def _slug(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
