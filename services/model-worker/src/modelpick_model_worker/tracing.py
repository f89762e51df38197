"""The span of a model call, by the semantic conventions for generative AI; without prompt and answer."""

from contextlib import AbstractContextManager, nullcontext

from modelpick_model_worker.openrouter import ModelAnswer
from modelpick_shared.contracts import RunRequested
from modelpick_shared.telemetry.tracing import (
    INVALID_SPAN,
    Attributes,
    Span,
    SpanKind,
    span,
    traces_are_recorded,
)


def call(run: RunRequested) -> AbstractContextManager[Span]:
    """Open the span of one call; nothing while spans go nowhere."""
    if not traces_are_recorded():
        return nullcontext(INVALID_SPAN)
    attributes: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": run.model_id,
        "modelpick.report_id": str(run.report_id),
        "modelpick.image_index": run.image_index,
        "modelpick.run_index": run.run_index,
    }
    return span(f"chat {run.model_id}", kind=SpanKind.CLIENT, attributes=attributes)


def note_answer(span: Span, answer: ModelAnswer) -> None:
    """Note what came of the call, as far as it is told."""
    if not span.is_recording():
        return
    span.set_attribute("modelpick.outcome", answer.outcome.value)
    known = {
        "gen_ai.usage.input_tokens": answer.bill.prompt_tokens,
        "gen_ai.usage.output_tokens": answer.bill.completion_tokens,
        "modelpick.cost_usd": None if answer.bill.cost_usd is None else float(answer.bill.cost_usd),
        "modelpick.provider": answer.provider,
    }
    span.set_attributes({name: value for name, value in known.items() if value is not None})
