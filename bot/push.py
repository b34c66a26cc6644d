"""Everything that leaves: outbox rows become messages and mails, papers become bytes.

A row is SENDING and committed before the call is made, rendered with what is true at that instant, and its outcome is
committed after. What nobody knows to have left is never sent again blindly (T11).
"""

from __future__ import annotations

import logging
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING

from sqlalchemy import select
from telegram import InlineKeyboardMarkup, InputFile
from telegram.constants import ParseMode
from telegram.error import BadRequest, TelegramError

from bot import discretion, folding, keyboards, letters, mails, outcomes, sheets, texts
from bot.handlers import groups
from core import conversations, events, letterheads, outbox, papers, rendering
from core.conversations import Card
from core.db import transaction
from core.documents import DocumentKind
from core.errors import Ambiguous, Comptoir, Refused
from core.events import CUSTOMER
from core.groups import ChatGroup
from core.outbox import Due, OutboxChannel, OutboxRow, OutboxState
from core.papers import Paper
from core.parties import ChatCustomer, Customer
from core.settings import SENDING_FROZEN, flag

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from telegram import Message

    from bot.app import App
    from bot.limiter import Limiter

log = logging.getLogger(__name__)

#: Seconds between two looks at what is due while a round is under way, and the longest wait for a chat's turn in it.
LOOK, LINGER = 0.1, 2.0
#: A round ends after so many seconds, and the next one begins: what came back may be tried again.
ROUND = 10.0
#: More new order cards than this for one colleague at once are told together.
CROWD = 20


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
    mark: str = ""
    before: tuple[int, ...] = ()
    picture: tuple[str, bytes] | None = None


@dataclass(slots=True)
class _Sent:
    """What has left so far in one call: once anything has, a failure is not « nothing left » any more."""

    parts: list[int] = field(default_factory=list)


def deliver(app: App, *, limiter: Limiter | None = None) -> int:
    """Treat every row that is due; returns how many were tried. Nothing leaves while sending is frozen.

    As many calls are under way at once as `app.flights` says, each in another chat.
    """
    with ThreadPoolExecutor(app.flights, thread_name_prefix="send") as pool:
        return _Round(app, limiter or app.limiter, pool).run()


class _Round:
    """One round of the postman: the rows known to be due, lane by lane, and the calls under way."""

    def __init__(self, app: App, limiter: Limiter | None, pool: ThreadPoolExecutor) -> None:
        self.app, self.limiter, self.pool = app, limiter, pool
        self.tried: set[int] = set()
        self.before = 0  # rows of earlier rounds
        self.lanes: dict[int | str, deque[Due]] = {}
        self.flying: dict[Future[bool], Due] = {}
        self.ways = ways(app)
        self._look_again = 0.0

    def run(self) -> int:
        end = time.monotonic() + ROUND
        while True:
            self._land()
            over = time.monotonic() > end
            if not over and len(self.flying) < self.app.flights and self._launch():
                continue
            if self.flying:
                if over:  # one call that hangs ends no round: the others begin the next one beside it
                    self.before += len(self.tried)
                    self.tried, end = {due.id for due in self.flying.values()}, time.monotonic() + ROUND
                    self.before -= len(self.tried)
                wait(self.flying, timeout=LOOK, return_when=FIRST_COMPLETED)
            elif over or not self._linger():
                return self.before + len(self.tried)

    def _launch(self) -> bool:
        """Let the oldest row leave that may; False when none may now."""
        if not self.lanes or time.monotonic() >= self._look_again:
            self._look()
        busy = {due.lane for due in self.flying.values()}
        mails = sum(due.channel is OutboxChannel.MAIL for due in self.flying.values())
        for lane, rows in sorted(self.lanes.items(), key=lambda known: known[1][0].id):
            due = rows[0]
            if lane in busy or (due.channel is OutboxChannel.MAIL and mails and mails >= self.app.flights // 2):
                continue  # a mail server that hangs leaves half of the calls to the chats
            if self._seconds(due) > 0:
                continue
            if (folded := self._folded(rows)) is not None:
                self.tried.update(known.id for known in folded)
                self._look_again = 0.0
                return True
            rows.popleft()
            if not rows:
                del self.lanes[lane]
            self.tried.add(due.id)
            self.flying[self.pool.submit(_leave, self.app, due.id)] = due
            return True
        return False

    def _look(self) -> None:
        """Read what is due; the more there is of it, the less often."""
        begun = time.monotonic()
        with transaction(self.app.engine) as session:
            frozen = flag(session, SENDING_FROZEN) is not None
            found = [] if frozen else outbox.due(session, at=self.app.clock())
        self.lanes = {}
        for due in found:
            if due.id not in self.tried and due.channel in self.ways:
                self.lanes.setdefault(due.lane, deque()).append(due)
        now = time.monotonic()
        self._look_again = now + max(LOOK, 10 * (now - begun))

    def _seconds(self, due: Due) -> float:
        if self.limiter is None or due.chat_id is None or due.channel is OutboxChannel.MAIL:
            return 0.0
        return self.limiter.wait(due.chat_id, edit=due.edits)

    def _folded(self, rows: deque[Due]) -> list[Due] | None:
        """Make one message of the new order cards of a crowded chat; None where each may come for itself (T15)."""
        chat_id = rows[0].chat_id
        if self.limiter is None or chat_id is None or rows[0].channel is OutboxChannel.MAIL:
            return None
        cards = [due for due in rows if due.template == folding.FOLDED and not due.edits and due.audience != CUSTOMER]
        crowded = len(cards) > 1 and self.limiter.room(chat_id) <= 1 if chat_id < 0 else len(cards) > CROWD
        if not crowded:
            return None
        with transaction(self.app.engine) as session:
            folding.fold(session, [due.id for due in cards], at=self.app.clock())
        return cards

    def _land(self) -> None:
        """Take in the calls that have ended; behind one that did not succeed its lane waits until it is looked at."""
        for future in [known for known in self.flying if known.done()]:
            due = self.flying.pop(future)
            if not future.result():
                self.lanes.pop(due.lane, None)

    def _linger(self) -> bool:
        """Wait a moment for a lane that may go on soon: whoever rings meanwhile waits behind this very round."""
        if self.app.flights == 1 or not self.lanes:
            return False
        seconds = min(self._seconds(rows[0]) for rows in self.lanes.values())
        if seconds > LINGER:
            return False
        time.sleep(min(max(seconds, 0.005), LOOK))
        return True


def ways(app: App) -> frozenset[OutboxChannel]:
    """The ways out that the firm has set up: other rows wait until it has."""
    mail = {OutboxChannel.MAIL} if app.smtp is not None else set()
    chat = {OutboxChannel.CHAT} if app.settings.telegram.token.get_secret_value() else set()
    return frozenset(mail | chat)


def _leave(app: App, row_id: int) -> bool:
    """One row from its start to its outcome; False when what stands behind it must wait."""
    parcel = _start(app, row_id)
    if parcel is None:
        return True
    app.checkpoint("sending")
    return _finish(app, parcel)


def _start(app: App, row_id: int) -> Parcel | None:
    """Lock the row, ask again whether it still makes sense, move it to SENDING and make ready what leaves."""
    at = app.clock()
    with transaction(app.engine) as session:
        row = session.scalar(select(OutboxRow).where(OutboxRow.id == row_id).with_for_update(of=OutboxRow))
        if row is None or row.state is not OutboxState.WAITING or row.not_before > at:
            return None
        if flag(session, SENDING_FROZEN) is not None:
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
    group = session.get(ChatGroup, row.chat_id)
    notice = groups.notice(session, row, group) if group is not None else None
    shown = notice or letters.content(session, row, house=app.house, at=at)
    if group is not None and not group.shows_money:
        rows = discretion.without_priced(shown.rows, shown.language)
        shown = replace(shown, html=discretion.without_money(shown.html), rows=rows)
    keyboard = keyboards.markup(
        session, shown.rows, chat_id=row.chat_id, at=at, language=shown.language, order=shown.order
    )
    html = shown.html
    if row.audience == events.CUSTOMER and group is None and (name := _of_several(session, row)):
        html = f"<b>{texts.escape(name)}</b>\n{html}"
    mark = texts.answer("resent", shown.language) if row.resent else ""
    html = f"{mark}\n{html}" if mark else html
    card = conversations.card_of(session, chat_id=row.chat_id, subject=row.subject) if row.card else None
    if card is not None:
        card.showing = shown.view or ""
    return Parcel(
        row.id, row.subject, card=row.card, chat_id=row.chat_id,
        texts=(sheets.shortened(html),) if row.card else tuple(sheets.paged(html)), keyboard=keyboard,
        edits=card.telegram_message_id or None if card is not None else None,
        files=mails.files(session, row) if group is None or _fits_group(session, row, group) else (),
        mark=mark, before=_left_before(row), picture=mails.picture(session, row),
    )  # fmt: skip


def _fits_group(session: Session, row: OutboxRow, group: ChatGroup) -> bool:
    """Whether a row's files may be seen by all in a group: where prices are not, a slip that has none."""
    paper = session.get(Paper, row.paper_id) if row.paper_id is not None else None
    slip = paper is not None and paper.kind is DocumentKind.PREPARATION_SLIP
    return group.shows_money or (slip and groups.notice(session, row, group) is None)


def _of_several(session: Session, row: OutboxRow) -> str:
    """Whom a text is for, where he who reads it speaks for several customers; empty for anybody else."""
    query = select(Customer.name).join(ChatCustomer, ChatCustomer.customer_id == Customer.id)
    return session.scalar(query.where(ChatCustomer.chat_id == row.chat_id, Customer.id == row.customer_id)) or ""


def _left_before(row: OutboxRow) -> tuple[int, ...]:
    """The parts that left when the row was tried last; a marked one is sent whole, a card has one part."""
    if row.resent or row.card or not row.provider_id:
        return ()
    return tuple(int(part) for part in row.provider_id.split(",") if part.isdecimal())


def _finish(app: App, parcel: Parcel) -> bool:
    """Make the call and commit its outcome; whether it left."""
    sent = _Sent(list(parcel.before))
    try:
        if parcel.mail is not None:
            assert app.smtp is not None  # noqa: S101 - `ways` held it back otherwise
            app.smtp.send(parcel.mail)
        else:
            _to_chat(app, parcel, sent)
    except Exception as error:
        if not isinstance(error, (TelegramError, Comptoir)):
            log.exception("call_failed row=%s", parcel.row_id)
            error = Ambiguous(type(error).__name__)
        with transaction(app.engine) as session:
            row = session.get_one(OutboxRow, parcel.row_id)
            row.provider_id = ",".join(map(str, sent.parts))
            outcomes.settle(session, row, error, at=app.clock())
        return False
    app.checkpoint("sent")
    at = app.clock()
    with transaction(app.engine) as session:
        row = session.get_one(OutboxRow, parcel.row_id)
        outbox.move(session, row, OutboxState.SENT, at=at)
        row.sent_at = at
        row.provider_id = parcel.message_id or ",".join(map(str, sent.parts))
        if parcel.card and sent.parts:
            _keep_card(session, parcel, sent.parts[0], at=at)
        outcomes.tell_card(session, row, at=at)
    return True


def _keep_card(session: Session, parcel: Parcel, message_id: int, *, at: datetime) -> None:
    card = conversations.card_of(session, chat_id=parcel.chat_id, subject=parcel.subject)
    if card is None:
        card = Card(chat_id=parcel.chat_id, subject=parcel.subject)
        session.add(card)
    card.telegram_message_id, card.updated_at = message_id, at


def _to_chat(app: App, parcel: Parcel, sent: _Sent) -> None:
    """Send the parts of a row, after those that left when it was tried before."""
    if parcel.edits is not None and _edited(app, parcel, parcel.edits):
        sent.parts.append(parcel.edits)
        return
    captioned = len(parcel.texts) == 1 and sheets.fits_caption(parcel.texts[0])
    shown = 0 if parcel.picture is None else 1
    if parcel.picture is not None and not sent.parts:
        under = captioned and not parcel.files
        sent.parts.append(_photo(app, parcel, parcel.picture, under=under).message_id)
        if under:
            return
    if len(parcel.files) == 1 and not parcel.card and captioned:
        sent.parts.append(_document(app, parcel, parcel.files[0], parcel.texts[0], parcel.keyboard).message_id)
        return
    count = len(parcel.texts) + len(parcel.files)
    last = len(parcel.texts) - 1 if parcel.card else count - 1
    for index in range(len(sent.parts) - shown, count):
        keyboard = parcel.keyboard if index == last else None
        if index < len(parcel.texts):
            sent.parts.append(_text(app, parcel, parcel.texts[index], keyboard).message_id)
        else:
            file = parcel.files[index - len(parcel.texts)]
            sent.parts.append(_document(app, parcel, file, parcel.mark, keyboard).message_id)


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


def _photo(app: App, parcel: Parcel, picture: tuple[str, bytes], *, under: bool) -> Message:
    """The picture, with the words and buttons under it where they fit there."""
    name, content = picture
    sent: Message = app.call(
        app.application.bot.send_photo(
            parcel.chat_id, InputFile(content, filename=name), caption=parcel.texts[0] if under else None,
            parse_mode=ParseMode.HTML, reply_markup=parcel.keyboard if under else None,
        )
    )  # fmt: skip
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
        waiting = unmade(session)
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


def unmade(session: Session) -> list[int]:
    """The papers that have no bytes yet, without those of which a person was told that they cannot be made."""
    waiting = {f"paper:{number}": number for number in papers.unmade(session)}
    told = select(OutboxRow.subject).where(OutboxRow.template == "send_failed", OutboxRow.subject.in_(waiting))
    given_up = set(session.scalars(told)) if waiting else set()
    return [number for subject, number in waiting.items() if subject not in given_up]


def _tell_once(app: App, paper_id: int, code: str) -> None:
    at = app.clock()
    with transaction(app.engine) as session:
        paper = session.get_one(Paper, paper_id)
        if paper_id in unmade(session):
            events.emit(
                session, "send_failed", outcomes.Named(f"paper:{paper.id}"), at=at, what=paper.number, code=code
            )
