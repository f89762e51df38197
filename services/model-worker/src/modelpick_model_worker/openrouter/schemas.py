"""OpenRouter's answers, read with tolerance: an answer that was paid for is not thrown away for its shape."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from modelpick_shared.contracts import AttemptOutcome


def _decimal_or_none(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() else None


def _text(value: Any) -> str | None:
    """Join a content that came as parts; what is not text is no answer."""
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str)) or None
    return value if isinstance(value, str) else None


def _object(value: Any) -> Any:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


Count = Annotated[int | None, BeforeValidator(_count)]
Text = Annotated[str | None, BeforeValidator(_text)]
Word = Annotated[str | None, BeforeValidator(_string)]


class _Tolerant(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ApiError(_Tolerant):
    code: Any = None
    message: Word = None
    metadata: Annotated[dict[str, Any], BeforeValidator(_object)] = {}
    availability: Annotated[dict[str, Any], BeforeValidator(_object)] = {}

    @property
    def status(self) -> int:
        """Return the HTTP status that the error stands for; 502 when it does not say."""
        return self.code if isinstance(self.code, int) and 400 <= self.code <= 599 else 502  # noqa: PLR2004


class _Message(_Tolerant):
    content: Text = None
    refusal: Text = None


class _Choice(_Tolerant):
    finish_reason: Word = None
    message: Annotated[_Message, BeforeValidator(_object)] = _Message()
    error: ApiError | None = None


class _Usage(_Tolerant):
    prompt_tokens: Count = None
    completion_tokens: Count = None
    cost: Annotated[Decimal | None, BeforeValidator(_decimal_or_none)] = None


class Completion(_Tolerant):
    """The body of a 200; it may hold an error all the same."""

    id: Word = None
    provider: Word = None
    choices: list[_Choice] = []
    usage: Annotated[_Usage, BeforeValidator(_object)] = _Usage()
    error: ApiError | None = None
    openrouter_metadata: Annotated[dict[str, Any], BeforeValidator(_object)] = {}

    def failure(self) -> ApiError | None:
        """Return the error inside, if there is one."""
        if self.error is not None:
            return self.error
        if not self.choices:
            return ApiError(message="an answer without choices")
        choice = self.choices[0]
        if choice.finish_reason == "error" or choice.error is not None:
            return choice.error or ApiError(message="the provider ended with an error")
        return None

    def answer(self) -> "ModelAnswer":
        """Return what the model said. Only for a completion without `failure()`."""
        choice = self.choices[0]
        return ModelAnswer(
            outcome=_outcome(choice),
            output=choice.message.content or choice.message.refusal,
            prompt_tokens=self.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens,
            cost_usd=self.usage.cost,
            provider=self.provider or self._selected_provider(),
            generation_id=self.id,
        )

    def _selected_provider(self) -> str | None:
        endpoints = self.openrouter_metadata.get("endpoints")
        available = endpoints.get("available") if isinstance(endpoints, dict) else None
        for endpoint in available if isinstance(available, list) else []:
            if isinstance(endpoint, dict) and endpoint.get("selected"):
                return _string(endpoint.get("provider"))
        return None


class ModelAnswer(BaseModel):
    """One answer of a model: its text, what it was billed, and who served it."""

    model_config = ConfigDict(frozen=True)

    outcome: AttemptOutcome
    output: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Decimal | None
    provider: str | None
    generation_id: str | None


def _outcome(choice: _Choice) -> AttemptOutcome:
    if choice.message.refusal or choice.finish_reason == "content_filter":
        return AttemptOutcome.REFUSED
    if choice.finish_reason == "length":
        return AttemptOutcome.TRUNCATED
    if not (choice.message.content or "").strip():
        return AttemptOutcome.EMPTY
    return AttemptOutcome.ANSWERED
