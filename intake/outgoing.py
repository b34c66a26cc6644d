"""Mail out: built once, with the Message-ID that its outbox row gives it, and sent with an outcome for every case.

Sending ends in one of four ways: done; `TryLater`, nothing left; `Refused`, for good; `Ambiguous`, the connection was
lost between the last byte and the answer. All recipients or none: a mail is never sent to half of them.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.generator import BytesGenerator
from email.headerregistry import Address as HeaderAddress
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, getaddresses
from io import BytesIO
from typing import TYPE_CHECKING, Any

from core.errors import Ambiguous, Refused, TryLater
from intake.incoming import Address, Attachment

if TYPE_CHECKING:
    from core.settings import MailAccount

CONNECT_TIMEOUT = 20.0
ANSWER_TIMEOUT = 120.0  # RFC 5321 §4.5.3.2.6 asks for ten minutes after the last byte; a person is waiting here


class _Identifiers(UnstructuredHeader, BaseHeader):
    """Message-IDs, folded between two of them: the standard library would encode a long one beyond recognition."""

    def fold(self: Any, *, policy: Policy[Any]) -> str:
        """One identifier per line."""
        return f"{self.name}: {f'{policy.linesep} '.join(self.split())}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("message-id", "in-reply-to", "references"):
    _HEADERS.map_to_type(_name, _Identifiers)
_POLICY = SMTP.clone(header_factory=_HEADERS, cte_type="7bit")


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """What is to be sent; identifiers are written `<…>`, `auto_submitted` says that no person wrote this one."""

    to: tuple[Address, ...]
    subject: str
    text: str
    message_id: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    reply_to: Address | None = None
    auto_submitted: bool = True
    headers: dict[str, str] = field(default_factory=dict)


def build(mail: OutgoingMail, sender: Address, *, at: datetime) -> EmailMessage:
    """The message as it will leave; refuses a line break in any header (S23) and a mail to nobody."""
    if not mail.to:
        raise Refused("mail_without_recipient", message_id=mail.message_id)
    message = EmailMessage(policy=_POLICY)
    headers: dict[str, Any] = {
        "From": _mailbox(sender),
        "To": tuple(_mailbox(address) for address in mail.to),
        "Reply-To": _mailbox(mail.reply_to) if mail.reply_to else "",
        "Subject": mail.subject,
        "Date": format_datetime(at),
        "Message-ID": mail.message_id,
        "In-Reply-To": mail.in_reply_to,
        "References": " ".join(mail.references or ((mail.in_reply_to,) if mail.in_reply_to else ())),
        **_automatic(mail),
        **mail.headers,
    }
    for name, value in headers.items():
        if _breaks(name) or (isinstance(value, str) and _breaks(value)):
            raise Refused("mail_header_injection", header=name.split()[0] if name.split() else "")
        if value:
            message[name] = value
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        if _breaks(attachment.name) or _breaks(attachment.media_type):
            raise Refused("mail_header_injection", header="Content-Disposition")
        kind, _, subtype = attachment.media_type.partition("/")
        if kind == "message" or not subtype:
            kind, subtype = "application", "octet-stream"
        message.add_attachment(attachment.content, maintype=kind, subtype=subtype, filename=attachment.name)
    _mark_parts(message, mail.message_id)
    return message


def _mark_parts(message: EmailMessage, message_id: str) -> None:
    """Boundaries that follow from the identifier, so that a repeat is the same bytes."""
    for index, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{hashlib.sha256(f'{message_id}{index}'.encode()).hexdigest()[:32]}")


def _automatic(mail: OutgoingMail) -> dict[str, str]:
    """RFC 3834 §5: say that a machine wrote it, so that no machine answers."""
    if not mail.auto_submitted:
        return {}
    kind = "auto-replied" if mail.in_reply_to else "auto-generated"
    return {"Auto-Submitted": kind, "X-Auto-Response-Suppress": "All"}


def _mailbox(address: Address) -> HeaderAddress:
    """The address in a header; refuses one that cannot be written in ASCII or holds a line break."""
    if _breaks(address.name) or _breaks(address.email):
        raise Refused("mail_header_injection", header="address")
    local, _, domain = address.email.rpartition("@")
    try:
        written = f"{local}@{domain.encode('idna').decode('ascii')}"
        written.encode("ascii")
        return HeaderAddress(display_name=address.name, addr_spec=written)
    except (UnicodeError, ValueError, IndexError, AttributeError) as error:
        raise Refused("mail_address_invalid", email=address.email) from error
    except Exception as error:
        if type(error).__module__.startswith("email."):
            raise Refused("mail_address_invalid", email=address.email) from error
        raise


def _breaks(text: str) -> bool:
    return bool(re.search(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]", text))


def as_bytes(message: EmailMessage) -> bytes:
    """The message as it goes over the wire, with CRLF."""
    out = BytesIO()
    BytesGenerator(out, policy=_POLICY).flatten(message)
    return out.getvalue()


class SmtpSender:
    """Sends through one server, one connection a mail."""

    def __init__(
        self,
        settings: MailAccount,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        answer_timeout: float = ANSWER_TIMEOUT,
    ) -> None:
        self.settings = settings
        self.connect_timeout = connect_timeout
        self.answer_timeout = answer_timeout

    def send(self, message: EmailMessage) -> None:
        """Send the mail to all its recipients; raises `TryLater`, `Refused` or `Ambiguous`."""
        sender, recipients = _envelope(message)
        content = re.sub(rb"(?m)^\.", b"..", as_bytes(message))
        try:
            smtp = self._connected()
        except smtplib.SMTPAuthenticationError as error:
            raise TryLater("smtp_credentials_refused", after=timedelta(minutes=15)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater("smtp_unreachable", error=type(error).__name__) from error
        try:
            self._deliver(smtp, sender, recipients, content)
            _say_goodbye(smtp)
        finally:
            smtp.close()

    def takes(self, recipient: str) -> bool:
        """Whether the server would take a mail from us to this address; nothing is sent."""
        sender = self.settings.address
        try:
            smtp = self._connected()
            try:
                return smtp.mail(sender)[0] // 100 == 2 and smtp.rcpt(recipient)[0] // 100 == 2
            finally:
                _say_goodbye(smtp)
                smtp.close()
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater("smtp_unreachable", error=type(error).__name__) from error

    def _connected(self) -> smtplib.SMTP:
        settings = self.settings
        host, port, checked = settings.smtp_host, settings.smtp_port, ssl.create_default_context()
        smtp = (
            smtplib.SMTP_SSL(host, port, timeout=self.connect_timeout, context=checked)
            if settings.smtp_tls
            else smtplib.SMTP(host, port, timeout=self.connect_timeout)
        )
        try:
            smtp.ehlo_or_helo_if_needed()
            if not settings.smtp_tls and smtp.has_extn("starttls"):
                smtp.starttls(context=checked)
                smtp.ehlo()
            if settings.user and smtp.has_extn("auth"):
                smtp.login(settings.user, settings.password.get_secret_value())
            if smtp.sock is not None:
                smtp.sock.settimeout(self.answer_timeout)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _deliver(self, smtp: smtplib.SMTP, sender: str, recipients: list[str], content: bytes) -> None:
        """The transaction itself; whatever goes wrong before the final dot, nothing was sent."""
        try:
            _expect(smtp.mail(sender, ["BODY=8BITMIME"] if smtp.has_extn("8bitmime") else []), sender)
            for recipient in recipients:
                _expect(smtp.rcpt(recipient), recipient)
            _expect(smtp.docmd("DATA"), sender, wanted=3)
            smtp.send(content if content.endswith(b"\r\n") else content + b"\r\n")
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater("smtp_connection_lost", error=type(error).__name__) from error
        try:
            smtp.send(b".\r\n")
            answer = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise Ambiguous("smtp_answer_lost", error=type(error).__name__) from error
        _expect(answer, ", ".join(recipients))


def _say_goodbye(smtp: smtplib.SMTP) -> None:
    """The mail was accepted: nothing that happens now matters, and nobody waits long for it."""
    with suppress(OSError, smtplib.SMTPException):
        if smtp.sock is not None:
            smtp.sock.settimeout(5)
        smtp.quit()


def _envelope(message: EmailMessage) -> tuple[str, list[str]]:
    """Sender and recipients for the server, each address once."""
    sender = getaddresses([str(message["From"])])[0][1]
    written = [str(value) for name in ("To", "Cc") for value in message.get_all(name, [])]
    return sender, list(dict.fromkeys(email for _, email in getaddresses(written) if email))


def _expect(answer: tuple[int, bytes], about: str, *, wanted: int = 2) -> None:
    """Go on when the server agrees, else say who must act: time (4xx) or the asker (5xx)."""
    code, text = answer
    if code // 100 == wanted:
        return
    reply = f"{code} {text.decode('utf-8', 'replace')}"
    if code in {530, 535}:
        raise TryLater("smtp_credentials_refused", after=timedelta(minutes=15), reply=reply)
    if code // 100 == 5:
        raise Refused("smtp_refused", about=about, reply=reply)
    raise TryLater("smtp_busy", about=about, reply=reply)
