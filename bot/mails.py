"""Outbox rows as mails: in the customer's own thread, with the paper attached, from an address that knows the order."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot import digests, letters, texts
from core import events, messages, sale_terms
from core.digests import Digest
from core.errors import Refused
from core.papers import Paper
from intake import outgoing, replies
from intake.incoming import Address, Attachment
from intake.outgoing import OutgoingMail

if TYPE_CHECKING:
    from email.message import EmailMessage

    from sqlalchemy.orm import Session

    from core.outbox import OutboxRow
    from core.settings import Settings

#: What kind of file an ending stands for.
MEDIA = {
    "pdf": "application/pdf", "png": "image/png",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
#: To a sender whom nobody vouches for, neither lines nor prices are told.
RECEIPT = "receipt_only"


def message_id(row: OutboxRow, settings: Settings) -> str:
    """The identifier that follows from the row: a repeat carries the same one."""
    return f"<outbox.{row.id}@{settings.mail.address.rpartition('@')[2] or 'localhost'}>"


def build(session: Session, row: OutboxRow, *, settings: Settings, at: datetime) -> EmailMessage:
    """The mail of a row, with what is true at this instant."""
    thing = letters.thing_of(session, row.subject)
    order = thing if row.subject.startswith("order:") else getattr(thing, "order", None)
    source = order if order is not None else thing
    template, language = _template(row, source), letters.language_of(row, thing)
    shared: dict[str, Any] = {"house": settings.house, "automatic": True, "signature": True, "greeting": True}
    reference = str(getattr(source, "reference", ""))
    markup = _body(session, row, thing, template, language, settings, at)
    shared["greeting"] = not markup.startswith(("Bonjour", "Hello"))
    if row.resent:
        markup = f"{texts.answer('resent', language)}\n\n{markup}"
    shared["reference"] = reference
    thread, subject = str(getattr(source, "thread_message_id", "")), str(getattr(source, "thread_subject", ""))
    title = texts.mail_subject(template, language, **letters.subject_data(thing, row))
    if row.audience == events.CUSTOMER:
        title = f"Re: {_bare(subject)} — {title}" if subject else title
        title = replies.subject_with(reference, title) if reference else title
    else:
        thread = ""
    mailbox, reply_to = settings.mail.address, _reply_address(row, settings)
    mail = OutgoingMail(
        to=(Address(row.email),), subject=" ".join(title.split()), message_id=message_id(row, settings),
        text=texts.mail_text(markup, language, **shared), html=texts.mail_html(markup, language, **shared),
        in_reply_to=thread, references=(thread,) if thread else (),
        reply_to=Address(reply_to, settings.house.name) if reply_to else None, attachments=_attached(session, row),
    )  # fmt: skip
    return outgoing.build(mail, Address(mailbox, settings.house.name), at=at)


def _reply_address(row: OutboxRow, settings: Settings) -> str:
    """The customer's answer finds its order by this address alone, whatever his mail program does to the headers."""
    secret = settings.secret_key.get_secret_value()
    given = row.audience == events.CUSTOMER and bool(secret) and settings.mail.plus_addressing
    return replies.reply_address(settings.mail.address, row, secret=secret) if given else ""


def _template(row: OutboxRow, source: Any) -> str:
    unknown = not getattr(source, "sender_authenticated", True)
    return RECEIPT if row.template == "order_recap" and unknown else row.template


def _bare(subject: str) -> str:
    while subject[:3].lower() == "re:":
        subject = subject[3:].lstrip()
    return subject


def _body(
    session: Session, row: OutboxRow, thing: Any, template: str, language: str, settings: Settings, at: datetime
) -> str:
    """The mail's own template where there is one, else what the chat says."""
    if template == row.template and not texts.has_template(f"{template}.mail.j2", language):
        return letters.content(session, row, house=settings.house, at=at).html
    given, _ = letters.context(session, row, thing, house=settings.house, at=at, language=language)
    return texts.mail_markup(template, language, **given)


def paper_of(session: Session, row: OutboxRow) -> tuple[Paper, bytes] | None:
    """The row's paper and its stored bytes, checked against their hash; refuses bytes that are not what was stored."""
    paper = session.get(Paper, row.paper_id) if row.paper_id is not None else None
    if paper is None or paper.pdf_sha256 is None:
        return None
    content = messages.content_of(session, paper.pdf_sha256)
    if hashlib.sha256(content).hexdigest() != paper.pdf_sha256:
        raise Refused("paper_tampered", number=paper.number)
    return paper, content


def _attached(session: Session, row: OutboxRow) -> tuple[Attachment, ...]:
    # an invoice's XML travels inside its PDF/A-3
    return tuple(
        Attachment(name=name, media_type=MEDIA[name.rpartition(".")[2]], content=content)
        for name, content in (*files(session, row), *_of_digest(session, row))
    )


def picture(session: Session, row: OutboxRow) -> tuple[str, bytes] | None:
    """The picture that is shown with a row, by its file name."""
    digest = letters.thing_of(session, row.subject) if row.template == "digest" else None
    if not isinstance(digest, Digest) or digest.picture_sha256 is None:
        return None
    return digests.picture_name(digest), messages.content_of(session, digest.picture_sha256)


def _of_digest(session: Session, row: OutboxRow) -> list[tuple[str, bytes]]:
    """A mail has no buttons: the picture and the tables of a digest go with it."""
    digest = letters.thing_of(session, row.subject) if row.template == "digest" else None
    if not isinstance(digest, Digest):
        return []
    shown = picture(session, row)
    tables = [(name, messages.content_of(session, sha256)) for name, sha256 in digest.tables.items()]
    return [*([shown] if shown is not None else []), *tables]


def files(session: Session, row: OutboxRow) -> tuple[tuple[str, bytes], ...]:
    """What goes with a row: its paper, then the terms of sale that are enclosed; refuses bytes that have changed."""
    found = paper_of(session, row)
    paper = ((found[0].file_name, found[1]),) if found is not None else ()
    sha256 = row.enclosure_sha256
    terms = sale_terms.named(session, sha256) if sha256 is not None else None
    if terms is None:
        return paper
    content = messages.content_of(session, terms.pdf_sha256)
    if hashlib.sha256(content).hexdigest() != terms.pdf_sha256:
        raise Refused("paper_tampered", number=terms.version)
    return (*paper, (terms.file_name, content))
