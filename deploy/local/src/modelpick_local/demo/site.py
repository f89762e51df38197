from typing import Any

import httpx

from modelpick_local.demo.errors import RefusedError

_TIMEOUT_S = 30.0


def browser(site_url: str) -> httpx.AsyncClient:
    """Return a client with a cookie jar for the site, which sends the `Origin` that a browser sends."""
    return httpx.AsyncClient(
        base_url=site_url,
        headers={"Origin": site_url},
        timeout=_TIMEOUT_S,
        trust_env=False,
    )


def accepted(answer: httpx.Response) -> httpx.Response:
    """Return the answer unless it is an error. Raises RefusedError."""
    if answer.is_error:
        request = f"{answer.request.method} {answer.request.url.path}"
        raise RefusedError(request, answer.status_code, _detail(answer))
    return answer


def _detail(answer: httpx.Response) -> str:
    try:
        problem: dict[str, Any] = answer.json()
    except ValueError:
        return answer.text[:200]
    errors = "; ".join(f"{item.get('pointer')}: {item.get('detail')}" for item in problem.get("errors") or [])
    return f"{problem.get('detail')} {errors}".strip()
