"""How each model behaves: how well it reads, and which bad habits it has."""

from dataclasses import dataclass, replace
from typing import Any

from modelpick_simulators.openrouter.catalogue import Model
from modelpick_simulators.openrouter.draws import Draws

ACCURACY_SPREAD = 0.04


@dataclass(frozen=True)
class Persona:
    """`accuracy` is the share of images read without a fault; everything else a share of answers or calls."""

    accuracy: float
    most_mistakes: int
    flips: float = 0.0
    fenced: float = 0.0
    prose: float = 0.0
    truncated: float = 0.0
    refused: float = 0.0
    empty: float = 0.0
    null_content: float = 0.0
    bad_gateway: float = 0.0
    error_in_200: float = 0.0
    rate_limit_factor: float = 0.0
    hides_provider: float = 0.2
    indented: bool = False
    slowness: float = 0.5

    @property
    def dressings(self) -> dict[str, float]:
        """Name what may become of an answer, each with its share."""
        names = ("truncated", "refused", "empty", "null_content", "fenced", "prose")
        return {name: getattr(self, name) for name in names}

    def mishaps(self, rate_limit_share: float) -> dict[str, float]:
        """Name what may happen to a first attempt, with its share; the second one succeeds."""
        return {
            "rate_limited": rate_limit_share * self.rate_limit_factor,
            "bad_gateway": self.bad_gateway,
            "error_in_200": self.error_in_200,
        }


TIERS = {
    "premium": Persona(accuracy=0.95, most_mistakes=1, bad_gateway=0.002, slowness=0.8),
    "mid": Persona(accuracy=0.85, most_mistakes=2, flips=0.02, bad_gateway=0.004, rate_limit_factor=1),
    "budget": Persona(
        accuracy=0.70,
        most_mistakes=3,
        flips=0.04,
        truncated=0.004,
        bad_gateway=0.006,
        error_in_200=0.004,
        rate_limit_factor=1,
        slowness=0.2,
    ),
    "free": Persona(
        accuracy=0.55,
        most_mistakes=4,
        flips=0.08,
        truncated=0.01,
        empty=0.01,
        bad_gateway=0.02,
        error_in_200=0.01,
        rate_limit_factor=3,
        slowness=0.6,
    ),
}

# The first prefix that fits a model's id adds to its tier.
HABITS: dict[str, dict[str, Any]] = {
    "openai/gpt-5-mini": {"refused": 0.02},
    "openai/": {"hides_provider": 1.0},
    "anthropic/": {"indented": True, "refused": 0.005},
    "google/gemini-2.5": {"fenced": 0.10},
    "google/gemma": {"fenced": 0.15, "refused": 0.02},
    "mistralai/": {"fenced": 0.06},
    "meta/": {"prose": 0.05},
    "moonshotai/": {"flips": 0.05},
    "nvidia/": {"prose": 0.08, "null_content": 0.02},
    "qwen/": {"prose": 0.03, "flips": 0.06},
    "z-ai/": {"null_content": 0.02, "error_in_200": 0.01},
    "bytedance-seed/": {"truncated": 0.02, "empty": 0.01},
    "amazon/": {"refused": 0.01, "indented": True},
}


def persona_of(model: Model) -> Persona:
    tier = TIERS.get(model.tier, TIERS["mid"])
    habits = next((changes for prefix, changes in HABITS.items() if model.id.startswith(prefix)), {})
    draws = Draws(model.id, "")
    accuracy = tier.accuracy + ACCURACY_SPREAD * (2 * draws.number("accuracy") - 1)
    slowness = (tier.slowness + draws.number("slowness")) / 2
    return replace(tier, accuracy=accuracy, slowness=slowness, **habits)
