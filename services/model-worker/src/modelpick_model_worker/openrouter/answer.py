"""What a model answered, as it goes on to the orchestrator."""

from typing import NamedTuple

from modelpick_model_worker.bill import Bill
from modelpick_shared.contracts import AttemptOutcome

OUTPUT_LIMIT_BYTES = 64 * 1024


class ModelAnswer(NamedTuple):
    """One answer of a model: its text, what it was billed, who served it, and what is odd about it."""

    outcome: AttemptOutcome
    output: str | None
    bill: Bill
    provider: str | None = None
    note: str | None = None

    def within_limit(self) -> "ModelAnswer":
        """Return the answer with its text cut to 64 KiB of UTF-8, and a note where it was."""
        if self.output is None or 4 * len(self.output) <= OUTPUT_LIMIT_BYTES:
            return self
        encoded = self.output.encode()
        if len(encoded) <= OUTPUT_LIMIT_BYTES:
            return self
        note = f"the answer has {len(encoded)} bytes and was cut after {OUTPUT_LIMIT_BYTES}"
        return self._replace(output=encoded[:OUTPUT_LIMIT_BYTES].decode(errors="ignore"), note=note)


def storable(text: str) -> str:
    """Join surrogate pairs, and replace lone surrogates by U+FFFD: no UTF-8 holds them, so no message does.

    NUL stays: JSON can carry it, and an answer that holds one raw is not valid JSON.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
