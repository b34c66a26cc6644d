"""The mails of the playground: those a customer writes on the page, and any mail as its reader sees it."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.utils import make_msgid, parsedate_to_datetime
from functools import cached_property

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part of a mail that is a file."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """A mail as its reader sees it; the key of one that we sent begins with `out`."""

    key: str
    raw: bytes

    @cached_property
    def mail(self) -> EmailMessage:
        """The parsed mail."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def ours(self) -> bool:
        """Whether the house sent it."""
        return self.key.startswith("out")

    @property
    def at(self) -> datetime:
        """Its date, or long ago when it has none."""
        try:
            return parsedate_to_datetime(str(self.mail["Date"])).astimezone(UTC)
        except ValueError:
            return NEVER

    def header(self, name: str) -> str:
        """A header as text, empty when it is not there."""
        return str(self.mail[name] or "")

    def body(self, kind: str) -> str:
        """The `plain` or the `html` text, empty when there is none."""
        part = self.mail.get_body((kind,))
        return "" if part is None else _text(part)

    def attachments(self) -> list[Attachment]:
        """The files that came with it."""
        found = []
        for part in self.mail.iter_attachments():
            content = part.get_content()
            raw = content.encode() if isinstance(content, str) else bytes(content)
            found.append(Attachment(part.get_filename() or "piece", part.get_content_type(), raw))
        return found


def _text(part: MIMEPart) -> str:
    content = part.get_content()
    return content if isinstance(content, str) else bytes(content).decode("utf-8", "replace")


@dataclass(frozen=True)
class Written:
    """A mail that a customer writes; an answer stands in the thread of the mail it answers."""

    sender: str
    to: str
    subject: str
    words: str
    at: datetime
    answers: Letter | None = None
    attachments: tuple[Attachment, ...] = field(default=())

    @cached_property
    def mail(self) -> EmailMessage:
        """The mail as it leaves."""
        mail = EmailMessage()
        mail["From"], mail["Subject"] = self.sender, " ".join(self.subject.split())
        mail["To"] = self.answers.header("Reply-To") or self.to if self.answers else self.to
        mail["Date"] = self.at
        mail["Message-ID"] = make_msgid(domain=self.sender.partition("@")[2])
        if self.answers is not None:
            before = self.answers.header("Message-ID")
            mail["In-Reply-To"] = before
            mail["References"] = " ".join(filter(None, [self.answers.header("References"), before]))
        mail.set_content(self.words)
        for file in self.attachments:
            maintype, _, subtype = (file.media_type or guessed(file.name)).partition("/")
            mail.add_attachment(file.content, maintype=maintype, subtype=subtype or "octet-stream", filename=file.name)
        return mail

    @property
    def raw(self) -> bytes:
        """Its bytes."""
        return self.mail.as_bytes(policy=policy.SMTP)


def guessed(name: str) -> str:
    """The media type of a file name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
