"""Everything that leaves: outbox rows become messages and mails, papers become bytes.

A row is SENDING and committed before the call is made, rendered with what is true at that instant, and its outcome is
committed after. What nobody knows to have left is never sent again blindly (T11).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING

from sqlalchemy import select
from telegram import InlineKeyboardMarkup, InputFile
from telegram.constants import ParseMode
from telegram.error import BadRequest, RetryAfter, TelegramError

from bot import keyboards, letters, mails, outcomes, sheets, texts
from core import conversations, events, letterheads, outbox, papers, rendering
from core.conversations import Card
from core.db import transaction
from core.errors import Comptoir, Refused
from core.outbox import OutboxChannel, OutboxRow, OutboxState
from core.papers import Paper
from core.settings import SENDING_FROZEN, flag

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from telegram import Message

    from bot.app import App
    from bot.limiter import Limiter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A row ready to leave: everything the call needs, read before it is made."""

    row_id: int
    subject: str
    card: bool
    chat_id: int = 0
    texts: tuple[str, ...] = ()
    keyboard: InlineKeyboardMarkup | None = None
    edits: int | None = None
    files: tuple[tuple[str, bytes], ...] = ()
    mail: EmailMessage | None = None
    message_id: str = ""


@dataclass(slots=True)
class _Sent:
    """What has left so far in one call: once anything has, a failure is not « nothing left » any more."""

    parts: list[int] = field(default_factory=list)


def deliver(app: App, *, limiter: Limiter | None = None) -> int:
    """Treat every row that is due; returns how many were tried. Nothing leaves while sending is frozen."""
    tried: set[int] = set()
    while (row_id := _next(app, tried, limiter)) is not None:
        tried.add(row_id)
        parcel = _start(app, row_id)
        if parcel is None:
            continue
        app.checkpoint("sending")
        _finish(app, parcel, limiter)
    return len(tried)


def _next(app: App, tried: set[int], limiter: Limiter | None) -> int | None:
    """The oldest due row that may leave: a chat hears things in their order, and not too fast."""
    with transaction(app.engine) as session:
        if flag(session, SENDING_FROZEN) is not None:
            return None
        held = _held_chats(session)
        for row in outbox.due(session, at=app.clock()):
            if row.id in tried or _no_way_out(app, row):
                continue
            if row.chat_id is not None and row.channel is OutboxChannel.CHAT:
                if held.get(row.chat_id, row.id) < row.id:
                    continue
                if limiter is not None and limiter.wait(row.chat_id) > 0:
                    held[row.chat_id] = row.id - 1
                    continue
            return row.id
    return None


def _held_chats(session: Session) -> dict[int, int]:
    """Chats in which a row is under way or waits for its next try, by that row: later ones stay behind it."""
    query = select(OutboxRow.chat_id, OutboxRow.id).where(
        OutboxRow.channel == OutboxChannel.CHAT,
        (OutboxRow.state == OutboxState.SENDING)
        | ((OutboxRow.state == OutboxState.WAITING) & (OutboxRow.attempt > 0) & OutboxRow.resent.is_(False)),
    )
    held: dict[int, int] = {}
    for chat_id, row_id in session.execute(query.order_by(OutboxRow.id)):
        if chat_id is not None:
            held.setdefault(chat_id, row_id)
    return held


def _no_way_out(app: App, row: OutboxRow) -> bool:
    """The firm has not set up this channel: the row waits until it has."""
    if row.channel is OutboxChannel.MAIL:
        return app.smtp is None
    return not app.settings.telegram.token.get_secret_value()


def _start(app: App, row_id: int) -> Parcel | None:
    """Lock the row, ask again whether it still makes sense, move it to SENDING and make ready what leaves."""
    at = app.clock()
    with transaction(app.engine) as session:
        row = session.scalar(select(OutboxRow).where(OutboxRow.id == row_id).with_for_update(of=OutboxRow))
        if row is None or row.state is not OutboxState.WAITING or row.not_before > at:
            return None
        reason = outcomes.still_true(session, row, house=app.house, at=at)
        if reason is not None:
            outbox.move(session, row, OutboxState.MOOT, at=at, error=reason)
            return None
        outbox.move(session, row, OutboxState.SENDING, at=at)
        row.attempt += 1
    try:
        with transaction(app.engine) as session:
            return _ready(app, session, session.get_one(OutboxRow, row_id), at=at)
    except Exception as error:  # one row that cannot be written must not hold the others back
        log.exception("row_not_rendered row=%s", row_id)
        with transaction(app.engine) as session:
            code = error.code if isinstance(error, Comptoir) else type(error).__name__
            outcomes.fail(session, session.get_one(OutboxRow, row_id), at=at, error=code)
        return None


def _ready(app: App, session: Session, row: OutboxRow, *, at: datetime) -> Parcel:
    if row.channel is OutboxChannel.MAIL:
        mail = mails.build(session, row, settings=app.settings, at=at)
        return Parcel(row.id, row.subject, card=False, mail=mail, message_id=mails.message_id(row, app.settings))
    assert row.chat_id is not None  # noqa: S101 - a chat row has its chat
    shown = letters.content(session, row, house=app.house, at=at)
    keyboard = keyboards.markup(
        session, shown.rows, chat_id=row.chat_id, at=at, language=shown.language, order=shown.order
    )
    html = shown.html
    if row.resent:
        html = f"{texts.answer('resent', shown.language)}\n{html}"
    card = conversations.card_of(session, chat_id=row.chat_id, subject=row.subject) if row.card else None
    if card is not None:
        card.showing = shown.view or ""
    return Parcel(
        row.id, row.subject, card=row.card, chat_id=row.chat_id,
        texts=(sheets.shortened(html),) if row.card else tuple(sheets.paged(html)), keyboard=keyboard,
        edits=card.telegram_message_id or None if card is not None else None,
        files=mails.files(session, row),
    )  # fmt: skip


def _finish(app: App, parcel: Parcel, limiter: Limiter | None) -> None:
    """Make the call and commit its outcome."""
    sent = _Sent()
    try:
        if parcel.mail is not None:
            assert app.smtp is not None  # noqa: S101 - `_no_way_out` held it back otherwise
            app.smtp.send(parcel.mail)
        else:
            _to_chat(app, parcel, sent, limiter)
    except (TelegramError, Comptoir) as error:
        if isinstance(error, RetryAfter) and limiter is not None:
            limiter.pause(outcomes.seconds_of(error))
        with transaction(app.engine) as session:
            row = session.get_one(OutboxRow, parcel.row_id)
            outcomes.settle(session, row, error, at=app.clock(), begun=bool(sent.parts))
        return
    app.checkpoint("sent")
    at = app.clock()
    with transaction(app.engine) as session:
        row = session.get_one(OutboxRow, parcel.row_id)
        outbox.move(session, row, OutboxState.SENT, at=at)
        row.sent_at = at
        row.provider_id = parcel.message_id or ",".join(map(str, sent.parts))
        if parcel.card and sent.parts:
            _keep_card(session, parcel, sent.parts[-1], at=at)
        outcomes.tell_card(session, row, at=at)


def _keep_card(session: Session, parcel: Parcel, message_id: int, *, at: datetime) -> None:
    card = conversations.card_of(session, chat_id=parcel.chat_id, subject=parcel.subject)
    if card is None:
        card = Card(chat_id=parcel.chat_id, subject=parcel.subject)
        session.add(card)
    card.telegram_message_id, card.updated_at = message_id, at


def _to_chat(app: App, parcel: Parcel, sent: _Sent, limiter: Limiter | None) -> None:
    if limiter is not None:
        limiter.note(parcel.chat_id)
    if parcel.edits is not None and _edited(app, parcel, parcel.edits):
        sent.parts.append(parcel.edits)
        return
    captioned = len(parcel.texts) == 1 and sheets.fits_caption(parcel.texts[0])
    if len(parcel.files) == 1 and not parcel.card and captioned:
        sent.parts.append(_document(app, parcel, parcel.files[0], parcel.texts[0], parcel.keyboard).message_id)
        return
    for index, text in enumerate(parcel.texts):
        last = index == len(parcel.texts) - 1 and (not parcel.files or parcel.card)
        sent.parts.append(_text(app, parcel, text, parcel.keyboard if last else None).message_id)
    for index, file in enumerate(parcel.files):
        if parcel.card:
            _document(app, parcel, file, "", None)
            continue
        last = index == len(parcel.files) - 1
        sent.parts.append(_document(app, parcel, file, "", parcel.keyboard if last else None).message_id)


def _edited(app: App, parcel: Parcel, message_id: int) -> bool:
    """Repaint the card; False when that message is gone and a new one is needed (T28)."""
    bot = app.application.bot
    try:
        app.call(
            bot.edit_message_text(
                parcel.texts[0], chat_id=parcel.chat_id, message_id=message_id, parse_mode=ParseMode.HTML,
                reply_markup=parcel.keyboard,
            )
        )  # fmt: skip
    except BadRequest as error:
        if outcomes.not_modified(error):
            return True
        if outcomes.cannot_edit(error):
            return False
        raise
    return True


def _text(app: App, parcel: Parcel, text: str, keyboard: InlineKeyboardMarkup | None) -> Message:
    bot = app.application.bot
    try:
        sent: Message = app.call(
            bot.send_message(parcel.chat_id, text, parse_mode=ParseMode.HTML, reply_markup=keyboard)
        )
    except BadRequest as error:
        if not outcomes.bad_markup(error):
            raise
        log.error("markup_refused row=%s", parcel.row_id)  # noqa: TRY400 - the server's words say where, never ours
        sent = app.call(bot.send_message(parcel.chat_id, texts.plain(text), reply_markup=keyboard))
    return sent


def _document(
    app: App, parcel: Parcel, file: tuple[str, bytes], caption: str, keyboard: InlineKeyboardMarkup | None
) -> Message:
    name, content = file
    sent: Message = app.call(
        app.application.bot.send_document(
            parcel.chat_id, InputFile(content, filename=name), caption=caption or None, parse_mode=ParseMode.HTML,
            reply_markup=keyboard,
        )
    )  # fmt: skip
    return sent


def start_up(app: App) -> int:
    """Treat the rows a dead process left SENDING: nobody knows whether they left (T22)."""
    with transaction(app.engine) as session:
        found = outbox.found_sending(session, at=app.clock())
        for row in found:
            outcomes.tell_when_resting(session, row, at=app.clock())
        return len(found)


def make_papers(app: App) -> int:
    """Print every paper that has no bytes yet, one by one; one that fails never holds the others back."""
    with transaction(app.engine) as session:
        waiting = [paper.id for paper in papers.unmade(session) if not _given_up(session, paper)]
    made = 0
    for paper_id in waiting:
        made += _print(app, paper_id)
    return made


def _print(app: App, paper_id: int) -> int:
    with transaction(app.engine) as session:
        document = session.get_one(Paper, paper_id).document
        assets = letterheads.assets(session, document)
    try:
        pdf = rendering.pdf(document, assets)
    except Refused as error:
        log.exception("paper_refused paper=%s", paper_id)
        _tell_once(app, paper_id, error.code)
        return 0
    except Comptoir:
        log.exception("paper_not_printed paper=%s", paper_id)
        return 0
    except Exception as error:  # one bad paper must not hold the others back
        log.exception("paper_failed paper=%s", paper_id)
        _tell_once(app, paper_id, type(error).__name__)
        return 0
    with transaction(app.engine) as session:
        paper = session.get_one(Paper, paper_id)
        papers.store(session, paper, pdf=pdf, xml=sheets.invoice_xml(document), at=app.clock())
    app.checkpoint("paper_made")
    return 1


def _given_up(session: Session, paper: Paper) -> bool:
    """A person was told that this paper cannot be made; the sweep must not print it for ever."""
    query = select(OutboxRow.id).where(OutboxRow.subject == f"paper:{paper.id}", OutboxRow.template == "send_failed")
    return session.scalar(query.limit(1)) is not None


def _tell_once(app: App, paper_id: int, code: str) -> None:
    at = app.clock()
    with transaction(app.engine) as session:
        paper = session.get_one(Paper, paper_id)
        if not _given_up(session, paper):
            events.emit(
                session, "send_failed", outcomes.Named(f"paper:{paper.id}"), at=at, what=paper.number, code=code
            )
