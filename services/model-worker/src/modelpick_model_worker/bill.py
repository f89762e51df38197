from decimal import Decimal
from typing import NamedTuple


class Bill(NamedTuple):
    """What is known of what a call cost; None is what nobody told, never zero."""

    cost_usd: Decimal | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    generation_id: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether a cost follows from it, as charged or from the tokens."""
        return self.cost_usd is not None or (
            self.prompt_tokens is not None and self.completion_tokens is not None
        )
