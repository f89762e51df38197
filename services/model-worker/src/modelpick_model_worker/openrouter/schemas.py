"""OpenRouter's answers, read with tolerance: an answer that was paid for is not thrown away for its shape."""

import json
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from modelpick_model_worker.bill import Bill
from modelpick_model_worker.openrouter.answer import ModelAnswer, storable
from modelpick_shared.contracts import AttemptOutcome

# No call costs this much: max_tokens and the price cap bound it to some dollars.
ABSURD_COST_USD = Decimal(1000)
BAD_GATEWAY = 502
_ERROR_STATUSES = range(400, 600)
# What `metadata.error_type` says where no status is given.
_STATUS_OF_TYPE = {
    "authentication": 401,
    "payment_required": 402,
    "permission_denied": 403,
    "not_found": 404,
    "image_not_found": 404,
    "precondition_failed": 412,
    "payload_too_large": 413,
    "unprocessable": 422,
    "rate_limit_exceeded": 429,
    "server": 500,
    "unmapped": 500,
    "provider_unavailable": BAD_GATEWAY,
    "provider_overloaded": 503,
    "timeout": 504,
}
# The model's answer all the same, as with `finish_reason: content_filter`.
_REFUSALS = frozenset({"refusal", "content_policy_violation"})


def _cost(value: Any) -> Decimal | None:
    """Return a cost that can be believed; none at all is better than a wrong zero."""
    if isinstance(value, bool):
        return None
    try:
        cost = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return cost if cost.is_finite() and 0 <= cost < ABSURD_COST_USD else None


def _text(value: Any) -> str | None:
    """Join a content that came as parts; what is not text is no answer."""
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        value = "".join(part for part in parts if isinstance(part, str)) or None
    return storable(value) if isinstance(value, str) else None


def _object(value: Any) -> Any:
    return value if isinstance(value, dict | BaseModel) else {}


def _object_or_none(value: Any) -> Any:
    return value if isinstance(value, dict | BaseModel) else None


def _error(value: Any) -> Any:
    return {"message": value} if isinstance(value, str) else _object_or_none(value)


def _objects(value: Any) -> Any:
    return [_object(item) for item in value] if isinstance(value, list) else []


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _string(value: Any) -> str | None:
    return storable(value) if isinstance(value, str) else None


Count = Annotated[int | None, BeforeValidator(_count)]
Text = Annotated[str | None, BeforeValidator(_text)]
Word = Annotated[str | None, BeforeValidator(_string)]
# Without types inside: only a few of their fields are looked at, one by one.
AnyObject = Annotated[Any, BeforeValidator(_object)]


class _Tolerant(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ApiError(_Tolerant):
    """An error in either of the shapes in which it is documented."""

    code: Any = None
    http_status: Any = None
    error_type: Word = None
    message: Word = None
    metadata: AnyObject = {}
    availability: AnyObject = {}

    @property
    def status(self) -> int:
        """Return the HTTP status that the error stands for; 502 when it does not say."""
        for value in (self.code, self.http_status):
            number = int(value) if isinstance(value, str) and value.isdecimal() else value
            if isinstance(number, int) and number in _ERROR_STATUSES:
                return number
        return BAD_GATEWAY if self.kind is None else _STATUS_OF_TYPE.get(self.kind, 400)

    @property
    def kind(self) -> str | None:
        kind = self.metadata.get("error_type") or self.error_type
        return kind if isinstance(kind, str) else None

    @property
    def is_refusal(self) -> bool:
        """Whether the model would not answer, rather than could not."""
        return self.kind in _REFUSALS


class _Message(_Tolerant):
    content: Text = None
    refusal: Text = None
    reasoning: Any = None
    reasoning_details: Any = None


class _Choice(_Tolerant):
    finish_reason: Word = None
    message: Annotated[_Message, BeforeValidator(_object)] = _Message()
    error: Annotated[ApiError | None, BeforeValidator(_error)] = None


class _Usage(_Tolerant):
    prompt_tokens: Count = None
    completion_tokens: Count = None
    cost: Annotated[Decimal | None, BeforeValidator(_cost)] = None


class Completion(_Tolerant):
    """The body of a 200; it may hold an error all the same."""

    id: Word = None
    provider: Word = None
    choices: Annotated[list[_Choice], BeforeValidator(_objects)] = []
    usage: Annotated[_Usage, BeforeValidator(_object)] = _Usage()
    error: Annotated[ApiError | None, BeforeValidator(_error)] = None
    openrouter_metadata: AnyObject = {}

    @property
    def bill(self) -> Bill:
        usage = self.usage
        return Bill(usage.cost, usage.prompt_tokens, usage.completion_tokens, self.id)

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

    def answer(self) -> ModelAnswer:
        """Return what the model said. Only for a completion without `failure()`."""
        choice = self.choices[0]
        outcome, note = _outcome(choice)
        return ModelAnswer(
            outcome=outcome,
            output=choice.message.content or choice.message.refusal,
            bill=self.bill,
            provider=self.provider or self._selected_provider(),
            note=note,
        )

    def _selected_provider(self) -> str | None:
        endpoints = self.openrouter_metadata.get("endpoints")
        available = endpoints.get("available") if isinstance(endpoints, dict) else None
        for endpoint in available if isinstance(available, list) else []:
            if isinstance(endpoint, dict) and endpoint.get("selected"):
                return _string(endpoint.get("provider"))
        return None


class Generation(_Tolerant):
    """What `GET /generation` tells of one that is over."""

    id: Word = None
    total_cost: Annotated[Decimal | None, BeforeValidator(_cost)] = None
    tokens_prompt: Count = None
    tokens_completion: Count = None
    native_tokens_prompt: Count = None
    native_tokens_completion: Count = None

    @property
    def bill(self) -> Bill:
        """Return its bill; providers charge by their own, native tokens."""
        native = self.native_tokens_prompt, self.native_tokens_completion
        prompt, completion = native if None not in native else (self.tokens_prompt, self.tokens_completion)
        return Bill(self.total_cost, prompt, completion, self.id)


class Key(_Tolerant):
    """What `GET /key` tells: the credit that is left, or None where none was set."""

    limit_remaining: Any = None

    @property
    def has_credit(self) -> bool:
        left = self.limit_remaining
        return left is None or (isinstance(left, int | float) and left > 0)


def read_completion(content: bytes) -> Completion:
    """Read a body. Raises ValueError when it is not what the API describes."""
    # Not `model_validate_json`: pydantic's own parser refuses lone surrogates.
    try:
        return Completion.model_validate(json.loads(content))
    except (ValidationError, RecursionError) as error:
        raise ValueError("the body is not what the API describes") from error


def _outcome(choice: _Choice) -> tuple[AttemptOutcome, str | None]:
    message = choice.message
    if message.refusal:
        return AttemptOutcome.REFUSED, None
    if choice.finish_reason == "content_filter":
        return AttemptOutcome.REFUSED, "stopped by the content filter"
    if choice.finish_reason == "length":
        return AttemptOutcome.TRUNCATED, None
    if not (message.content or "").strip():
        reasoned = message.reasoning or message.reasoning_details
        return AttemptOutcome.EMPTY, "reasoning without an answer" if reasoned else None
    return AttemptOutcome.ANSWERED, None
