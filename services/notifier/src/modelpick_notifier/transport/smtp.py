import asyncio
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib

from modelpick_notifier.errors import MailRefusedError, MailUnavailableError, MailUncertainError
from modelpick_notifier.transport.interface import OutgoingMail

TIMEOUT_S = 15
_DEFAULT_PORT = {"smtp": 587, "smtps": 465}
_PERMANENT = range(500, 600)
# Raised before the mail itself is on its way.
_NOT_SENT = (
    aiosmtplib.SMTPConnectError,
    aiosmtplib.SMTPConnectTimeoutError,
    aiosmtplib.SMTPAuthenticationError,
    aiosmtplib.SMTPHeloError,
    aiosmtplib.SMTPSenderRefused,
)


class SmtpTransport:
    """Sends through an SMTP server, `smtp://` (STARTTLS where it is offered) or `smtps://`.

    SMTP knows no idempotency: a mail arrives at least once, and the same bytes with the same Message-ID at
    every attempt let mail programs drop a second copy.
    """

    repeatable_for: timedelta | None = None

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._port = parts.port or _DEFAULT_PORT[parts.scheme]
        self._use_tls = parts.scheme == "smtps"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    async def send(self, mail: OutgoingMail) -> None:
        try:
            # aiosmtplib limits each command; all of them together must end as well.
            async with asyncio.timeout(TIMEOUT_S):
                await self._hand_over(mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _recipient_error(error) from error
        except aiosmtplib.SMTPDataError as error:
            raise _refused_or_unavailable(error.code, "the mail") from error
        except _NOT_SENT as error:
            raise MailUnavailableError(f"SMTP: {error.__class__.__name__}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailUncertainError(f"SMTP: {error.__class__.__name__}") from error

    async def close(self) -> None:
        """Hold nothing: each mail has a connection of its own."""

    async def _hand_over(self, mail: OutgoingMail) -> None:
        await aiosmtplib.send(
            mime_message(mail),
            sender=parseaddr(mail.sender)[1],
            recipients=[mail.recipient],
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._use_tls,
            timeout=TIMEOUT_S,
        )


def mime_message(mail: OutgoingMail) -> EmailMessage:
    """Return the mail in MIME, the same bytes at every attempt: plain text, with HTML as the alternative."""
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = mail.subject
    message["Date"] = mail.written_at
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    message.set_boundary(f"={mail.message_id.strip('<>').partition('@')[0]}=")
    return message


def _recipient_error(error: aiosmtplib.SMTPRecipientsRefused) -> MailRefusedError | MailUnavailableError:
    return _refused_or_unavailable(max(refused.code for refused in error.recipients), "the recipient")


def _refused_or_unavailable(code: int, what: str) -> MailRefusedError | MailUnavailableError:
    if code in _PERMANENT:
        return MailRefusedError(f"SMTP: {code} to {what}")
    return MailUnavailableError(f"SMTP: {code} to {what}")
