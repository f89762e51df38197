import asyncio
import json
import time
from typing import Any, NamedTuple, Self

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from pydantic import ValidationError

from modelpick_model_worker.bill import Bill
from modelpick_model_worker.errors import CallTimedOutError, ProviderFailedError
from modelpick_model_worker.openrouter.answer import ModelAnswer
from modelpick_model_worker.openrouter.body import RequestBody
from modelpick_model_worker.openrouter.failures import call_error
from modelpick_model_worker.openrouter.schemas import (
    ApiError,
    Completion,
    Generation,
    Key,
    read_completion,
)

CONNECT_TIMEOUT_S = 10.0
# A generous answer of 4,096 tokens is some 20 KB; what is far beyond is not read.
MAX_ANSWER_BYTES = 16 * 1024 * 1024
# A connection that the server closes just as a call is sent loses the call, which then counts as billed:
# rather open a new one before servers with the common five seconds close the old.
KEEP_ALIVE_S = 4.0
LOOK_UP_TIMEOUT_S = 5.0
# Generations are written down a little after their answer was sent.
LOOK_UP_PAUSES_S = (0.2, 0.4, 0.8, 1.6)
# Beyond it aiohttp takes a body of bytes amiss, and it would be copied as a whole.
WHOLE_BODY_BYTES = 128 * 1024


class Reply(NamedTuple):
    """An HTTP answer, read to its end."""

    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - as HTTP has it


class OpenRouterClient:
    """Calls `POST /chat/completions`, and looks up bills and the key.

    On an aiohttp transport: with 72 calls of 200 KB in flight plain httpx takes 4.6 ms of CPU a request, this
    0.31 ms. Spoken to directly, because httpx's client would add what no call needs: cookies, redirects,
    authentication flows.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        site_url: str,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        self._base_url = base_url
        self._completions_url = httpx.URL(f"{base_url}/chat/completions")
        self._headers = _headers(self._completions_url, api_key, site_url)
        self._timeouts = {"timeout": {"connect": connect_timeout_s}}
        # To aiohttp 0 means no limit; None would mean 100, and the calls beyond would wait in its line.
        limits = httpx.Limits(max_connections=0, keepalive_expiry=KEEP_ALIVE_S)
        self._transport = AiohttpTransport(limits=limits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    async def complete(self, body: RequestBody, *, timeout_s: float) -> tuple[ModelAnswer, int]:
        """Make one call; return the answer and how long the call took in milliseconds.

        Raises the errors of `modelpick_model_worker.errors`.
        """
        request = self._completion_request(body)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._send(request)
        except TimeoutError as error:
            raise CallTimedOutError(f"no answer within {timeout_s:.0f} s", bill=Bill()) from error
        latency_ms = round((time.perf_counter() - started) * 1000)
        return _read(reply), latency_ms

    async def bill_of(self, generation_id: str) -> Bill | None:
        """Return what a generation was billed; None when that is not known within a few seconds."""
        for pause_s in LOOK_UP_PAUSES_S:
            await asyncio.sleep(pause_s)
            data = await self._look_up("generation", id=generation_id)
            bill = _bill_in(data)
            if bill is not None:
                return bill
        return None

    async def key_works(self) -> bool:
        """Whether the key is accepted and has credit left; False as well when nobody answers."""
        data = await self._look_up("key")
        try:
            return data is not None and Key.model_validate(data).has_credit
        except ValidationError:
            return False

    def _completion_request(self, body: RequestBody) -> httpx.Request:
        if body.length <= WHOLE_BODY_BYTES:
            content = b"".join(body.pieces())
            return self._request("POST", self._completions_url, self._headers, content)
        headers = self._headers.copy()
        headers["Content-Length"] = str(body.length)
        return self._request("POST", self._completions_url, headers, body)

    def _request(
        self, method: str, url: httpx.URL, headers: httpx.Headers, content: bytes | RequestBody | None = None
    ) -> httpx.Request:
        request = httpx.Request(method, url, headers=headers, content=content, extensions=self._timeouts)
        request.headers.encoding = "ascii"
        return request

    async def _send(self, request: httpx.Request) -> Reply:
        try:
            response = await self._transport.handle_async_request(request)
            try:
                return await _read_whole(response)
            finally:
                await response.aclose()
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
            raise _network_error(error) from error

    async def _look_up(self, path: str, **params: str) -> Any:
        url = httpx.URL(f"{self._base_url}/{path}", params=params)
        request = self._request("GET", url, self._headers)
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                reply = await self._send(request)
            body = json.loads(reply.content) if reply.is_success else None
        except (TimeoutError, ProviderFailedError, ValueError, RecursionError):
            return None
        return body.get("data") if isinstance(body, dict) else None


def _headers(url: httpx.URL, api_key: str | None, site_url: str) -> httpx.Headers:
    headers = {
        "Host": url.netloc.decode(),
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "ModelPick",
        "Content-Type": "application/json",
        "HTTP-Referer": site_url,
        "X-Title": "ModelPick",
        "X-OpenRouter-Metadata": "enabled",
    }
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    # With a stated encoding httpx does not look for one among all values, at every call.
    return httpx.Headers(headers, encoding="ascii")


async def _read_whole(response: httpx.Response) -> Reply:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise ProviderFailedError("the answer is too large", bill=_unknown_bill(response.headers))
    return Reply(response.status_code, response.headers, bytes(content))


def _network_error(error: Exception) -> ProviderFailedError:
    """Only a connection that was never made proves that nothing was billed.

    `httpx-aiohttp` reports most lost connections as connect timeouts, so what aiohttp said decides.
    """
    cause = error.__cause__ or error
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return ProviderFailedError(f"no connection: {cause.__class__.__name__}")
    return ProviderFailedError(f"connection lost: {cause.__class__.__name__}", bill=Bill())


def _read(reply: Reply) -> ModelAnswer:
    try:
        completion = read_completion(reply.content)
    except ValueError as error:
        completion = Completion(error=ApiError(message=str(error)))
    if not reply.is_success:
        bill = completion.bill if completion.usage.cost else None
        raise call_error(reply.status, completion.error or ApiError(), reply.headers, bill=bill)
    failure = completion.failure()
    if failure is not None:
        bill = completion.bill if completion.id else _unknown_bill(reply.headers)
        raise call_error(failure.status, failure, reply.headers, bill=bill)
    return completion.answer()


def _unknown_bill(headers: httpx.Headers) -> Bill:
    return Bill(generation_id=headers.get("x-generation-id"))


def _bill_in(data: Any) -> Bill | None:
    try:
        bill = Generation.model_validate(data).bill
    except ValidationError:
        return None
    return bill if bill.is_known else None
