import asyncio
import json
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple, Self

import aiohttp
from pydantic import ValidationError
from yarl import URL

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
from modelpick_shared.contracts import AttemptOutcome

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
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - as HTTP has it


class OpenRouterClient:
    """Calls `POST /chat/completions`, and looks up bills and the key. Opened in `async with`."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        site_url: str,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        self._base_url = base_url
        self._completions_url = URL(f"{base_url}/chat/completions")
        self._headers = _headers(api_key, site_url)
        self._connect_timeout_s = connect_timeout_s
        self._open_session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._open_session = aiohttp.ClientSession(
            # 0 means no limit: calls beyond one would wait in aiohttp's line.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout_s),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._open_session is None:
            raise RuntimeError("the client is not open")
        return self._open_session

    async def complete(self, body: RequestBody, *, timeout_s: float) -> tuple[ModelAnswer, int]:
        """Make one call; return the answer and how long the call took in milliseconds.

        Raises the errors of `modelpick_model_worker.errors`.
        """
        started = time.perf_counter()
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._post(body)
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

    async def _post(self, body: RequestBody) -> Reply:
        if body.length <= WHOLE_BODY_BYTES:
            return await self._send("POST", self._completions_url, data=b"".join(body.pieces()))
        length = {"Content-Length": str(body.length)}
        return await self._send("POST", self._completions_url, data=body, headers=length)

    async def _send(self, method: str, url: URL, **options: Any) -> Reply:
        try:
            async with self._session.request(method, url, allow_redirects=False, **options) as response:
                return await _read_whole(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # Only a connection that was never made proves that nothing was billed.
            raise ProviderFailedError(f"no connection: {error.__class__.__name__}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ProviderFailedError(f"connection lost: {error.__class__.__name__}", bill=Bill()) from error

    async def _look_up(self, path: str, **params: str) -> Any:
        url = URL(f"{self._base_url}/{path}").with_query(params)
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                reply = await self._send("GET", url)
            body = json.loads(reply.content) if reply.is_success else None
        except (TimeoutError, ProviderFailedError, ValueError, RecursionError):
            return None
        return body.get("data") if isinstance(body, dict) else None


def _headers(api_key: str | None, site_url: str) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "ModelPick",
        "Content-Type": "application/json",
        "HTTP-Referer": site_url,
        "X-Title": "ModelPick",
        "X-OpenRouter-Metadata": "enabled",
    }
    return headers | {"Authorization": f"Bearer {api_key}"} if api_key else headers


async def _read_whole(response: aiohttp.ClientResponse) -> Reply:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise ProviderFailedError("the answer is too large", bill=_unknown_bill(response.headers))
    return Reply(response.status, response.headers, bytes(content))


def _read(reply: Reply) -> ModelAnswer:
    try:
        completion = read_completion(reply.content)
    except ValueError as error:
        completion = Completion(error=ApiError(message=str(error)))
    failure = completion.failure() if reply.is_success else completion.error or ApiError()
    if failure is None:
        return completion.answer()
    bill = _bill_of_failed(completion, reply)
    if failure.is_refusal:
        bill = bill or Bill(cost_usd=Decimal(0))
        return ModelAnswer(AttemptOutcome.REFUSED, None, bill, note=failure.message)
    status = failure.status if reply.is_success else reply.status
    raise call_error(status, failure, reply.headers, bill=bill)


def _bill_of_failed(completion: Completion, reply: Reply) -> Bill | None:
    """Return the bill of a call without an answer; None where its status says that nothing was generated."""
    if reply.is_success:
        return completion.bill if completion.id else _unknown_bill(reply.headers)
    return completion.bill if completion.usage.cost else None


def _unknown_bill(headers: Mapping[str, str]) -> Bill:
    return Bill(generation_id=headers.get("x-generation-id"))


def _bill_in(data: Any) -> Bill | None:
    try:
        bill = Generation.model_validate(data).bill
    except ValidationError:
        return None
    return bill if bill.is_known else None
