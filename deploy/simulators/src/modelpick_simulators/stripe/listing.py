"""Lists, newest first, in Stripe's pages."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, Field, ValidationError

from modelpick_simulators.stripe.errors import StripeError, no_such, unknown_parameter
from modelpick_simulators.stripe.objects import JsonObject


class Listed(Protocol):
    id: str
    created: int


_T = TypeVar("_T", bound=Listed)
Filter = Callable[[_T, Any], bool]


class _Page(BaseModel):
    limit: int = Field(default=10, ge=1, le=100)
    starting_after: str | None = None
    ending_before: str | None = None


class _Range(BaseModel):
    gt: int = -1
    gte: int = 0
    lt: int = 2**63
    lte: int = 2**63


def listed(
    objects: Iterable[_T],
    query: Mapping[str, Any],
    *,
    filters: Mapping[str, Filter[_T]],
    render: Callable[[_T], JsonObject],
    url: str,
) -> JsonObject:
    """Answer a list request: `filters` names the query's other parameters and what each lets through."""
    wanted = {
        name: value for name, value in query.items() if name not in _Page.model_fields and name != "expand"
    }
    kept = [each for each in reversed(list(objects)) if _passes(each, wanted, filters)]
    page, has_more = _page(kept, _parsed(query))
    return {"object": "list", "data": [render(each) for each in page], "has_more": has_more, "url": url}


def created_within(each: Listed, wanted: str | dict[str, str]) -> bool:
    if isinstance(wanted, str):
        return each.created == int(wanted)
    bounds = _Range.model_validate(wanted)
    return max(bounds.gt + 1, bounds.gte) <= each.created <= min(bounds.lt - 1, bounds.lte)


def _passes(each: _T, wanted: Mapping[str, Any], filters: Mapping[str, Filter[_T]]) -> bool:
    for name, value in wanted.items():
        if name not in filters:
            raise unknown_parameter(name)
        if not filters[name](each, value):
            return False
    return True


def _parsed(query: Mapping[str, Any]) -> _Page:
    try:
        return _Page.model_validate(query)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise StripeError(
            f"Invalid {first['loc'][0]}: {first['msg']}", param=str(first["loc"][0])
        ) from problem


def _page(kept: list[_T], page: _Page) -> tuple[list[_T], bool]:
    if page.ending_before is not None:
        newer = kept[: _position(kept, page.ending_before, "ending_before")]
        return newer[-page.limit :], len(newer) > page.limit
    start = 0
    if page.starting_after is not None:
        start = _position(kept, page.starting_after, "starting_after") + 1
    return kept[start : start + page.limit], len(kept) > start + page.limit


def _position(kept: list[_T], object_id: str, param: str) -> int:
    for position, each in enumerate(kept):
        if each.id == object_id:
            return position
    raise no_such("object", object_id, param=param)
