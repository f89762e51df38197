"""Ways to send a mail: one interface, SMTP and Resend."""

from modelpick_notifier.transport.interface import MailTransport, OutgoingMail
from modelpick_notifier.transport.resend import ResendTransport
from modelpick_notifier.transport.smtp import SmtpTransport

__all__ = ["MailTransport", "OutgoingMail", "ResendTransport", "SmtpTransport"]
