from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime
from urllib.parse import unquote, urlsplit

import aiosmtplib

from modelpick_notifier.errors import MailRefusedError, MailUnavailableError
from modelpick_notifier.transport.interface import OutgoingMail

TIMEOUT_S = 15
_DEFAULT_PORT = {"smtp": 587, "smtps": 465}
_PERMANENT = range(500, 600)


class SmtpTransport:
    """Sends through an SMTP server, `smtp://` (STARTTLS where it is offered) or `smtps://`.

    SMTP knows no idempotency: the same Message-ID at every attempt lets mail programs drop a second copy.
    """

    def __init__(self, url: str, *, sender: Address) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._port = parts.port or _DEFAULT_PORT[parts.scheme]
        self._use_tls = parts.scheme == "smtps"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = sender

    async def send(self, mail: OutgoingMail) -> None:
        try:
            await aiosmtplib.send(
                mime_message(mail, self._sender),
                sender=self._sender.addr_spec,
                recipients=[mail.recipient],
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._use_tls,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _recipient_error(error) from error
        except aiosmtplib.SMTPDataError as error:
            raise _refused_or_unavailable(error.code, "the mail") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailUnavailableError(f"SMTP: {error.__class__.__name__}") from error

    async def close(self) -> None:
        """Hold nothing: each mail has a connection of its own."""


def mime_message(mail: OutgoingMail, sender: Address) -> EmailMessage:
    """Return the mail in MIME: plain text, with HTML as the alternative."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = mail.subject
    message["Date"] = localtime()
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _recipient_error(error: aiosmtplib.SMTPRecipientsRefused) -> MailRefusedError | MailUnavailableError:
    return _refused_or_unavailable(max(refused.code for refused in error.recipients), "the recipient")


def _refused_or_unavailable(code: int, what: str) -> MailRefusedError | MailUnavailableError:
    if code in _PERMANENT:
        return MailRefusedError(f"SMTP: {code} to {what}")
    return MailUnavailableError(f"SMTP: {code} to {what}")
