"""Raw mail to `Incoming`: mail-parser reads who wrote to whom, the parts are read here (what it loses: E31 to E49).

Nothing escapes: whatever the bytes are, `parse` answers. An inner message is an inner `Incoming`, never a part of the
outer text, so that an order in a forward is found once.
"""

from __future__ import annotations

import email
import logging
import re
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from typing import TYPE_CHECKING

import mailparser

from intake.incoming import Address, Attachment, Channel, Incoming
from intake.mime import parts, signed, tnef
from intake.mime.bodies import best, markup, payload, plain
from intake.mime.charsets import text_of
from intake.mime.hashes import canonical_hash, fields_and_body, message_id
from intake.mime.headers import addresses, decoded, identifier, identifiers, raw_fields
from intake.mime.html import Page
from intake.mime.parts import safe_name
from intake.mime.pictures import decorates
from intake.mime.quotes import Forward, Split, split
from intake.senders import authenticate

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_DEPTH", "canonical_hash", "message_id", "parse", "safe_name"]

log = logging.getLogger(__name__)
logging.getLogger("mailparser").setLevel(logging.ERROR)  # it warns of every part that we read ourselves

MAX_DEPTH = 5
# the header fields that say for whom a server took the mail in, after those that the author wrote (E61)
_RECIPIENTS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-gm-original-to")


def parse(
    raw: bytes, *, received_at: datetime, trusted_authserv_id: str | None = None, depth: int = MAX_DEPTH
) -> Incoming:
    """The mail as one `Incoming`; `depth` levels of inner messages are opened, the next stay attachments."""
    try:
        return _Reader(received_at, trusted_authserv_id, depth).read(raw)
    except Exception as error:  # noqa: BLE001 - a mail that cannot be parsed is still shown to a person, as its text
        log.warning("mail_not_parsed error=%s", type(error).__name__)
        return _as_text(raw, received_at)


def _as_text(raw: bytes, received_at: datetime) -> Incoming:
    """What can be saved of a mail that no parser takes: the headers read line by line, the rest as text."""
    fields, body = fields_and_body(raw)
    headers: dict[str, str] = {}
    for name, value in fields:
        headers.setdefault(name.decode("ascii"), decoded(value.decode("ascii", "surrogateescape")))
    senders = addresses([], [headers.get("from", "")])
    return Incoming(
        channel=Channel.MAIL,
        sender=senders[0] if senders else Address(""),
        received_at=received_at,
        text=text_of(body),
        subject=headers.get("subject", ""),
        message_id=identifier(headers.get("message-id", "")),
        headers=headers,
    )


@dataclass
class _Found:
    """What a walk through the MIME tree collects."""

    texts: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    inner: list[Incoming] = field(default_factory=list)
    pictures: list[tuple[int, str]] = field(default_factory=list)
    spare: list[tuple[str, str]] = field(default_factory=list)  # text and page of an Outlook container


@dataclass(frozen=True)
class _Reader:
    received_at: datetime
    trusted_authserv_id: str | None
    depth: int

    def read(self, raw: bytes) -> Incoming:
        message = email.message_from_bytes(raw)
        fields = raw_fields(message)
        headers = {name: "\n".join(map(decoded, values)) for name, values in fields.items()}
        mail = _mail_parser(fields)
        subject = headers.get("subject", "")
        found = _Found()
        self._walk(message, found, report=message.get_content_type() == "multipart/report")
        self._uuencoded(found)
        if not any(text.strip() for text in (*found.texts, *found.pages)):
            found.texts += [text for text, _ in found.spare if text]
            found.pages += [page for _, page in found.spare if page]
        html = "\n".join(found.pages)
        page = Page(html)
        threads = fields.get("in-reply-to", []) + fields.get("references", [])
        in_reply_to = tuple(dict.fromkeys(one for value in threads for one in identifiers(value)))
        parted = split(best(found.texts, page), subject=subject, answers=bool(in_reply_to))
        senders = addresses(_mailboxes(mail, "from_"), fields.get("from", []))
        sender = senders[0] if senders else Address("")
        recipients = (
            address
            for name in _RECIPIENTS
            if name in fields
            for address in addresses(_mailboxes(mail, name) if name in {"to", "cc"} else [], fields[name])
        )
        return Incoming(
            channel=Channel.MAIL,
            sender=sender,
            received_at=self.received_at,
            text=parted.text,
            subject=subject,
            quoted=parted.quoted,
            html=html,
            attachments=self._shown(found, html),
            forwarded=(*found.inner, *(self._inner(forward, self.depth) for forward in parted.forwards)),
            message_id=next(map(identifier, fields.get("message-id", [])), ""),
            in_reply_to=in_reply_to,
            recipients=tuple(dict.fromkeys(recipients)),
            authentication=authenticate(
                [(name, str(value)) for name, value in message.raw_items()],
                trusted_authserv_id=self.trusted_authserv_id,
                from_email=sender.email if len(senders) == len(fields.get("from", [])) == 1 else "",
            ),
            headers=headers,
            findings=("mail_hides_text",) if re.search(r"\w", page.hidden) else (),
        )

    def _walk(self, part: Message, found: _Found, *, report: bool = False, related: bool = False) -> None:
        """Collect the leaves below this part in their order."""
        content_type = part.get_content_type()
        if content_type in {"message/rfc822", "message/global"}:
            self._message_part(part, found, report=report)
        elif content_type.startswith("multipart/") and not part.is_multipart():
            self._unparted(part, found)
        elif content_type.startswith("message/") or not part.is_multipart():
            self._leaf(part, found, related=related)
        else:
            for child in _children(part):
                self._walk(child, found, report=report, related=related or content_type == "multipart/related")

    def _message_part(self, part: Message, found: _Found, *, report: bool) -> None:
        """An inner message: opened as one, unless it is what a bounce returns or lies too deep."""
        raw = _inner_bytes(part)
        if report or self.depth <= 0:
            position = len(found.attachments) + 1
            name = safe_name(parts.filename(part), "message/rfc822", position)
            found.attachments.append(Attachment(name, "message/rfc822", raw))
            return
        found.inner.append(parse(raw, received_at=self.received_at, depth=self.depth - 1))

    def _unparted(self, part: Message, found: _Found) -> None:
        """A multipart without its parts: with the boundary that its lines show, else as the text that it is."""
        content = payload(part)
        shown = re.search(rb"^--([^\s\"]{1,70})[ \t\r]*$", content, re.MULTILINE)
        if shown and self.depth > 0:
            head = b'Content-Type: multipart/mixed; boundary="' + shown[1].removesuffix(b"--") + b'"\n\n'
            again = email.message_from_bytes(head + content)
            if again.is_multipart():
                self._deeper(again, found)
                return
        found.texts.append(text_of(content))

    def _leaf(self, part: Message, found: _Found, *, related: bool) -> None:
        content_type = part.get_content_type()
        disposition = decoded(str(part.get("content-disposition", ""))).lower()
        named = parts.filename(part)
        if content_type in {"text/plain", "text/html"} and not named and not disposition.startswith("attachment"):
            (found.texts if content_type == "text/plain" else found.pages).append(
                plain(part) if content_type == "text/plain" else markup(part)
            )
            return
        content = _inner_bytes(part) if content_type.startswith("message/") else payload(part)
        attachment = parts.named(content, named, content_type, len(found.attachments) + 1)
        content_id = decoded(str(part.get("content-id", ""))).strip("<> ")
        if attachment.media_type.startswith("image/") and (content_id or related):
            found.pictures.append((len(found.attachments), "" if related else content_id))
        self._file(attachment, found, inner_mail=content_type != "text/plain")

    def _file(self, attachment: Attachment, found: _Found, *, inner_mail: bool = True) -> None:
        """A file, or what a container holds in its stead: an inner mail, Outlook's `winmail.dat`, something signed."""
        if self.depth <= 0 or not self._opened(attachment, found, inner_mail=inner_mail):
            found.attachments.append(attachment)

    def _opened(self, attachment: Attachment, found: _Found, *, inner_mail: bool) -> bool:
        if attachment.media_type == tnef.MEDIA_TYPE:
            return self._outlook(attachment.content, found)
        if attachment.media_type in signed.MEDIA_TYPES:
            return self._signed(attachment, found)
        if attachment.media_type == "message/rfc822" and inner_mail:
            found.inner.append(parse(attachment.content, received_at=self.received_at, depth=self.depth - 1))
            return True
        return False

    def _outlook(self, content: bytes, found: _Found) -> bool:
        """What a `winmail.dat` holds (E45); False where it holds nothing, so that a person sees the file."""
        opened = tnef.opened(content)
        for name, data in opened.files:
            self._deeper(parts.named(data, name, "", len(found.attachments) + 1), found)
        found.spare.append((opened.text, opened.page))
        return bool(opened.files or opened.text.strip() or opened.page.strip())

    def _signed(self, attachment: Attachment, found: _Found) -> bool:
        """What was signed (E50): a mail's parts or a file; False where it is encrypted or its content elsewhere."""
        content = signed.content_of(attachment.content)
        part = email.message_from_bytes(content) if content else Message()
        if "content-type" in part:
            self._deeper(part, found)
        elif content:
            name = re.sub(r"\.p7m$", "", attachment.name, flags=re.IGNORECASE)
            self._deeper(parts.named(content, name, "", len(found.attachments) + 1), found)
        return bool(content)

    def _deeper(self, inside: Attachment | Message, found: _Found) -> None:
        """What a container holds is one level deeper than the container, so that no nesting goes on for ever."""
        reader = _Reader(self.received_at, self.trusted_authserv_id, self.depth - 1)
        take = reader._file if isinstance(inside, Attachment) else reader._walk
        take(inside, found)  # type: ignore[arg-type]

    def _uuencoded(self, found: _Found) -> None:
        for index, text in enumerate(found.texts):
            found.texts[index], files = parts.uuencoded(text)
            for name, content in files:
                found.attachments.append(parts.named(content, name, "", len(found.attachments) + 1))

    def _shown(self, found: _Found, html: str) -> tuple[Attachment, ...]:
        """The attachments, with the pictures of the page itself and of signatures marked inline (E44)."""
        inline = {index for index, content_id in found.pictures if not content_id or f"cid:{content_id}" in html}
        inline |= {
            index
            for index, attachment in enumerate(found.attachments)
            if attachment.media_type.startswith("image/") and decorates(attachment.content)
        }
        return tuple(
            Attachment(a.name, a.media_type, a.content, inline=index in inline)
            for index, a in enumerate(found.attachments)
        )

    def _inner(self, forward: Forward, depth: int) -> Incoming:
        """The `Incoming` of a message that was forwarded in the text; it carries no authentication of its own."""
        parted = split(forward.text, subject=forward.subject)
        if parted.forwards and depth <= 1:
            parted = Split(forward.text)
        return Incoming(
            channel=Channel.MAIL,
            sender=forward.sender,
            received_at=self.received_at,
            text=parted.text,
            subject=forward.subject,
            quoted=parted.quoted,
            forwarded=tuple(self._inner(one, depth - 1) for one in parted.forwards),
        )


def _mail_parser(fields: dict[str, list[str]]) -> mailparser.MailParser | None:
    """mail-parser's reading of who wrote to whom; None where it trips over what the standard library takes.

    It is given nothing else: its reading of the parts loses texts (table of `reliability-cases` §1.3), and takes as
    long as all of ours.
    """
    written = Message()
    try:
        for name in ("from", "to", "cc"):
            for value in fields.get(name, []):
                written[name] = value
        return mailparser.MailParser(written)
    except Exception as error:  # noqa: BLE001 - it may raise anything at all on broken fields
        log.info("mail_parser_failed error=%s", type(error).__name__)
        return None


def _mailboxes(mail: mailparser.MailParser | None, name: str) -> list[tuple[str, str]]:
    return list(getattr(mail, name)) if mail is not None else []


def _children(part: Message) -> Iterator[Message]:
    content = part.get_payload()
    if isinstance(content, list):
        yield from (child for child in content if isinstance(child, Message))


def _inner_bytes(part: Message) -> bytes:
    """The bytes of an inner message; some programs encode it as base64 although RFC 2046 forbids it."""
    children = list(_children(part))
    if not children:
        return payload(part)
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding in {"base64", "quoted-printable"} and not children[0].keys():
        children[0]["Content-Transfer-Encoding"] = encoding
        return payload(children[0])
    return b"\n".join(child.as_bytes() for child in children)
