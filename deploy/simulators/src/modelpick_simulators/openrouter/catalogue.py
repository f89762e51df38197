"""The models, read from the project's catalogue file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

PER_MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Model:
    id: str
    name: str
    tier: str
    input_usd_per_1m: Decimal
    output_usd_per_1m: Decimal
    context_length: int
    max_output_tokens: int | None
    supports: frozenset[str]

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        return self.prompt_cost_usd(prompt_tokens) + self.completion_cost_usd(completion_tokens)

    def prompt_cost_usd(self, tokens: int) -> Decimal:
        return tokens * self.input_usd_per_1m / PER_MILLION

    def completion_cost_usd(self, tokens: int) -> Decimal:
        return tokens * self.output_usd_per_1m / PER_MILLION


Catalogue = Mapping[str, Model]


def read_catalogue(path: Path) -> Catalogue:
    entries = json.loads(path.read_text())
    return {entry["id"]: _model(entry) for entry in entries}


def _model(entry: dict[str, Any]) -> Model:
    return Model(
        id=entry["id"],
        name=entry["name"],
        tier=entry["tier"],
        input_usd_per_1m=Decimal(str(entry["input_usd_per_1m"])),
        output_usd_per_1m=Decimal(str(entry["output_usd_per_1m"])),
        context_length=entry["context_length"],
        max_output_tokens=entry["max_output_tokens"],
        supports=frozenset(entry["supports"]),
    )
