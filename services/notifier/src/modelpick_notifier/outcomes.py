"""What an attempt makes of a mail: sent, put off, given up, or left to an operator."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from modelpick_notifier.errors import MailRefusedError, MailUnavailableError, MailUncertainError
from modelpick_notifier.mails import SIGN_IN
from modelpick_shared.broker.connection import backoff_s
from modelpick_shared.db.tables import Email
from modelpick_shared.telemetry import redact

log = structlog.get_logger()

BACKOFF_BASE_S = 1.0
BACKOFF_LIMIT_S = 300.0
# Sign-in links expire after this; mails about reports are worth sending whenever it becomes possible.
SIGN_IN_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a mail, the `number`-th. `result` is set once it is known.

    `uncertain_before`: since when its result was unknown before this attempt.
    """

    mail: Email
    number: int
    uncertain_before: datetime | None = None
    result: str | None = None


def begin(mail: Email, now: datetime, *, claim: timedelta, repeatable_for: timedelta | None) -> Attempt:
    """Claim a mail for an attempt, or end it when it is too late for one.

    Until its result is stored the attempt counts as one of unknown result, for the process may die.
    """
    mail.attempts += 1
    number, before = mail.attempts, mail.uncertain_since
    if _is_expired(mail, now):
        return Attempt(mail, number, before, _give_up(mail, "expired"))
    if repeatable_for is not None and before is not None and now >= before + repeatable_for:
        return Attempt(mail, number, before, _leave_to_operator(mail))
    mail.uncertain_since = before or now
    mail.next_attempt_at = now + claim
    return Attempt(mail, number, before)


def end(
    attempt: Attempt,
    mail: Email | None,
    now: datetime,
    *,
    error: MailRefusedError | MailUnavailableError | None,
    provider_id: str | None,
    backoff_base_s: float,
) -> Attempt:
    """Write an attempt's result into its row, which the transaction holds."""
    result = "sent" if error is None else "refused" if isinstance(error, MailRefusedError) else "put_off"
    if mail is None or mail.state != "pending":
        return Attempt(attempt.mail, attempt.number, attempt.uncertain_before, result)
    if error is None:
        _mark_sent(mail, now, provider_id)
    elif mail.attempts == attempt.number:
        _fail(attempt, mail, now, error, backoff_base_s)
    return Attempt(mail, attempt.number, attempt.uncertain_before, result)


def _fail(
    attempt: Attempt,
    mail: Email,
    now: datetime,
    error: MailRefusedError | MailUnavailableError,
    backoff_base_s: float,
) -> None:
    if not isinstance(error, MailUncertainError):
        mail.uncertain_since = attempt.uncertain_before
    mail.last_error = redact(str(error))
    if isinstance(error, MailRefusedError):
        _give_up(mail, "refused")
    else:
        _put_off(mail, now, error, backoff_base_s)


def _mark_sent(mail: Email, now: datetime, provider_id: str | None) -> None:
    mail.state, mail.sent_at, mail.uncertain_since = "sent", now, None
    mail.provider_id = provider_id
    _erase(mail)


def _put_off(mail: Email, now: datetime, error: MailUnavailableError, backoff_base_s: float) -> None:
    wait_s = backoff_s(mail.attempts - 1, base_s=backoff_base_s, limit_s=BACKOFF_LIMIT_S)
    if error.retry_after_s is not None:
        wait_s = min(BACKOFF_LIMIT_S, max(wait_s, error.retry_after_s))
    log.warning("mail.put_off", key=mail.key, attempts=mail.attempts, reason=str(error))
    mail.next_attempt_at = now + timedelta(seconds=wait_s)


def _give_up(mail: Email, result: str) -> str:
    log.error("mail.failed", key=mail.key, template=mail.template, result=result, reason=mail.last_error)
    mail.state = "failed"
    mail.last_error = mail.last_error or result
    _erase(mail)
    return result


def _leave_to_operator(mail: Email) -> str:
    """Neither send a mail again whose key the service may have forgotten, nor drop it."""
    log.error("mail.unknown", key=mail.key, template=mail.template, since=str(mail.uncertain_since))
    mail.state = "unknown"
    return "unknown"


def _is_expired(mail: Email, now: datetime) -> bool:
    return mail.template == SIGN_IN and now >= mail.created_at + SIGN_IN_LIFETIME


def _erase(mail: Email) -> None:
    if mail.erase_body:
        mail.text_body = mail.html_body = None
