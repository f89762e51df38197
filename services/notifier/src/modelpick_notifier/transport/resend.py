from http import HTTPStatus

import httpx

from modelpick_notifier.errors import MailRefusedError, MailUnavailableError
from modelpick_notifier.transport.interface import OutgoingMail

TIMEOUT_S = 15
# Their cause is the operator's key or domain and not the mail, which is worth keeping until it is mended.
_OPERATORS_FAULT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_BUSY_WITH_THIS_KEY = "concurrent_idempotent_requests"


class ResendTransport:
    """Sends through Resend's HTTP interface, which takes a mail of the same key once within 24 hours."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str,
        sender: str,
        http_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=TIMEOUT_S,
            transport=http_transport,
        )
        self._sender = sender

    async def send(self, mail: OutgoingMail) -> None:
        try:
            answer = await self._client.post(
                "/emails", json=self._body(mail), headers={"Idempotency-Key": mail.key}
            )
        except httpx.HTTPError as error:
            raise MailUnavailableError(f"Resend: {error.__class__.__name__}") from error
        if not answer.is_success:
            raise _failure(answer)

    async def close(self) -> None:
        await self._client.aclose()

    def _body(self, mail: OutgoingMail) -> dict[str, str | list[str]]:
        return {
            "from": self._sender,
            "to": [mail.recipient],
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
        }


def _failure(answer: httpx.Response) -> MailUnavailableError | MailRefusedError:
    name = _error_name(answer)
    what = f"Resend: {answer.status_code} {name}".rstrip()
    if _may_pass_later(answer.status_code, name):
        return MailUnavailableError(what, retry_after_s=_retry_after_s(answer))
    return MailRefusedError(what)


def _may_pass_later(status: int, name: str) -> bool:
    if status == HTTPStatus.CONFLICT:
        return name == _BUSY_WITH_THIS_KEY
    is_client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return not is_client_error or status == HTTPStatus.TOO_MANY_REQUESTS or status in _OPERATORS_FAULT


def _error_name(answer: httpx.Response) -> str:
    try:
        name = answer.json()["name"]
    except (ValueError, KeyError, TypeError):
        return ""
    return name[:60] if isinstance(name, str) else ""


def _retry_after_s(answer: httpx.Response) -> float | None:
    value = answer.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None
