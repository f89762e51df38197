import asyncio
from datetime import timedelta
from http import HTTPStatus

import httpx

from modelpick_notifier.errors import MailRefusedError, MailUnavailableError, MailUncertainError
from modelpick_notifier.transport.interface import OutgoingMail

TIMEOUT_S = 15
# Resend forgets a key after 24 hours; a mail sent again then would be a second one.
REPEATABLE_FOR = timedelta(hours=23)
# Names the mail in webhook events; tags hold letters, digits, `_` and `-` only.
MAIL_TAG = "mail"
# Their cause is the operator's key or domain and not the mail, which is worth keeping until it is mended.
_OPERATORS_FAULT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_BUSY_WITH_THIS_KEY = "concurrent_idempotent_requests"
# Raised before a request is on its way.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class ResendTransport:
    """Sends through Resend's HTTP interface, which takes a mail of the same key once within 24 hours."""

    repeatable_for: timedelta | None = REPEATABLE_FOR

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str,
        http_transport: httpx.AsyncBaseTransport | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeout_s,
            transport=http_transport,
        )
        self._timeout_s = timeout_s

    async def send(self, mail: OutgoingMail) -> str | None:
        answer = await self._post(mail)
        if not answer.is_success:
            raise _failure(answer)
        return _field(answer, "id")

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, mail: OutgoingMail) -> httpx.Response:
        try:
            # httpx limits each read, so that an answer that trickles in would never end.
            async with asyncio.timeout(self._timeout_s):
                return await self._client.post(
                    "/emails", json=_body(mail), headers={"Idempotency-Key": mail.key}
                )
        except _NOT_SENT as error:
            raise MailUnavailableError(f"Resend: {error.__class__.__name__}") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise MailUncertainError(f"Resend: {error.__class__.__name__}") from error


def mail_tag(message_id: str) -> str:
    """Return what names a mail among Resend's tags: the part of its Message-ID before the @."""
    return message_id.strip("<>").partition("@")[0]


def _body(mail: OutgoingMail) -> dict[str, object]:
    return {
        "from": mail.sender,
        "to": [mail.recipient],
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "tags": [{"name": MAIL_TAG, "value": mail_tag(mail.message_id)}],
    }


def _failure(answer: httpx.Response) -> MailUnavailableError | MailRefusedError:
    name, status = _field(answer, "name") or "", answer.status_code
    what = f"Resend: {status} {name}".rstrip()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or name == _BUSY_WITH_THIS_KEY:
        return MailUncertainError(what, retry_after_s=_retry_after_s(answer))
    if status in {HTTPStatus.TOO_MANY_REQUESTS, *_OPERATORS_FAULT} or status < HTTPStatus.BAD_REQUEST:
        return MailUnavailableError(what, retry_after_s=_retry_after_s(answer))
    return MailRefusedError(what)


def _field(answer: httpx.Response, name: str) -> str | None:
    try:
        value = answer.json()[name]
    except (ValueError, KeyError, TypeError):
        return None
    return value[:60] if isinstance(value, str) else None


def _retry_after_s(answer: httpx.Response) -> float | None:
    value = answer.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None
