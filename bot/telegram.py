"""Telegram in: our own polling loop, every update stored raw before the offset moves, handled later from its row.

What a handler changes and the state of the update's row are one transaction; answers leave after the commit, and their
failure never undoes the effect (T26).
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy import select
from telegram import Update
from telegram.error import TelegramError
from telegram.ext import Application

from bot import answers, menus, outcomes, rooms, texts
from bot.cards import Content
from bot.handlers import buttons, chat, identities
from bot.limiter import Turnstile
from bot.turns import Turn
from core import events, jobs, messages
from core.db import transaction
from core.errors import Comptoir, TryLater
from core.messages import ChatUpdate, MailboxHealth, MessageState
from core.parties import ChatLink
from intake.receive import DatabaseMailStore, MailboxSubject

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bot.app import App
    from bot.limiter import Limiter
    from core.settings import Settings

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
CHANNEL = "telegram"
#: The server promises ascending numbers only while something arrives at least once a week.
SILENCE = timedelta(days=6)
#: How long a file that the server does not give is waited for without counting tries.
PATIENCE = timedelta(minutes=15)


def build_application(settings: Settings, limiter: Limiter | None = None) -> Application[Any, Any, Any, Any, Any, Any]:
    """The library's application without its updater, persistence and job queue: our rows are the truth."""
    telegram = settings.telegram
    builder = Application.builder().token(telegram.token.get_secret_value() or "0:none")
    builder = builder.base_url(telegram.base_url).base_file_url(telegram.base_file_url)
    if limiter is not None:
        builder = builder.rate_limiter(Turnstile(limiter))
    return builder.updater(None).job_queue(None).build()


def fetch(app: App, *, timeout: int = 0) -> int:
    """Ask for updates after the last stored one, store them raw, commit; returns how many were new.

    Raises `TryLater` when the server is away, busy with another poller (409) or asks to wait.
    """
    with transaction(app.engine) as session:
        newest = session.scalar(
            select(ChatUpdate).order_by(ChatUpdate.received_at.desc(), ChatUpdate.update_id.desc()).limit(1)
        )
        # after a silent week the server counts from anywhere: an old offset would confirm what nobody has read (T08)
        silent = newest is None or app.clock() - newest.received_at > SILENCE
        health = session.get(MailboxHealth, CHANNEL)
        troubled = health is not None and bool(health.alarm)
    telegram = app.settings.telegram
    url = f"{telegram.base_url}{telegram.token.get_secret_value()}/getUpdates"
    asked = {"timeout": timeout} | ({"offset": newest.update_id + 1} if newest is not None and not silent else {})
    try:
        answer = _client(app).post(url, json=asked, timeout=timeout + 15)
        body = answer.json()
    except (httpx.HTTPError, json.JSONDecodeError) as error:
        raise TryLater("chat_unreachable", after=timedelta(seconds=5), error=type(error).__name__) from error
    if not body.get("ok"):
        if answer.status_code == httpx.codes.CONFLICT:
            _mailbox(app).alarm(CHANNEL, "chat_conflict")  # once, until the server answers again (T09)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            _mailbox(app).alarm(CHANNEL, "chat_token_revoked")  # by mail: no chat can be written to (S34)
        wait = body.get("parameters", {}).get("retry_after", 10 if answer.status_code == httpx.codes.CONFLICT else 5)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS and app.limiter is not None:
            app.limiter.pause(wait)  # it is the token that is asked to be quiet, not this call
        raise TryLater("chat_refused", after=timedelta(seconds=wait), status=answer.status_code)
    if troubled:
        _mailbox(app).healthy(CHANNEL, app.clock())
    return store(app, body["result"])


def _client(app: App) -> httpx.Client:
    """One connection for all polls: to read the certificates takes longer than to ask."""
    if app.poller is None:
        app.poller = httpx.Client(verify=app.settings.telegram.base_url.startswith("https"))
    return app.poller


def _mailbox(app: App) -> DatabaseMailStore:
    return DatabaseMailStore(app.engine, app.clock)


def store(app: App, updates: list[dict[str, Any]]) -> int:
    """Keep updates raw, each once however often and wherever it is given; returns how many were new."""
    at, new = app.clock(), 0
    with transaction(app.engine) as session:
        for update in updates:
            number = update["update_id"]
            raw = json.dumps(update)  # ASCII: half a surrogate pair must not hold a whole batch up
            if messages.keep_update(session, number, raw=raw, chat_id=_chat_of(update), at=at):
                new += 1
                jobs.ring(session, "updates", f"update:{number}", at=at, now=at)
        if updates and not new:  # given again after the silence: known, so the next call may confirm it
            session.get_one(ChatUpdate, updates[-1]["update_id"]).received_at = at
    if updates:
        app.checkpoint("update_stored")
    return new


def _chat_of(update: dict[str, Any]) -> int | None:
    """The chat of a raw update, whatever its shape: nothing here may stand in the way of storing it."""
    pressed = update.get("callback_query")
    carrier = pressed if isinstance(pressed, dict) else update
    message = carrier.get("message") or carrier.get("edited_message")
    room = message.get("chat") if isinstance(message, dict) else None
    found = room.get("id") if isinstance(room, dict) else None
    return found if isinstance(found, int) else None


def handle(app: App) -> int:
    """Treat every stored update in the server's order; one that cannot be read or always fails is set aside."""
    with transaction(app.engine) as session:
        waiting = [update.update_id for update in messages.unfinished_updates(session)]
    app.answering += 1
    try:
        for number in waiting:
            _one(app, number)
    finally:
        app.answering -= 1
    return len(waiting)


def _one(app: App, number: int) -> None:
    with transaction(app.engine) as session:
        row = session.get_one(ChatUpdate, number, with_for_update=True)
        row.attempts += 1
        if row.attempts > MAX_ATTEMPTS:
            return _quarantine(session, row, "gave_up", app)
        raw = row.raw
    try:
        update = Update.de_json(json.loads(raw), app.application.bot)
    except Exception as error:  # noqa: BLE001 - whatever the library makes of it, the others must flow (T04)
        log.warning("update_unreadable update=%s error=%s", number, type(error).__name__)
        with transaction(app.engine) as session:
            return _quarantine(session, session.get_one(ChatUpdate, number), "unreadable", app)
    try:
        files = chat.download(app, update)
    except TelegramError as error:
        return _file_missing(app, number, error)
    try:
        turn = _handled(app, number, update, files)
    except Comptoir as refusal:
        turn = _refused(app, number, update, refusal)
    except Exception:
        log.exception("update_failed update=%s", number)
        turn = _failed(app, number, update)
    app.checkpoint("update_handled")
    if turn is not None:
        answers.give(app, turn)
        if turn.menus:
            menus.refresh(app)
    return None


def _file_missing(app: App, number: int, error: TelegramError) -> None:
    """The file could not be fetched: an outage is waited out, and counted only once it has lasted."""
    log.warning("file_not_fetched update=%s error=%s", number, error.message)
    with transaction(app.engine) as session:
        row = session.get_one(ChatUpdate, number)
        if app.clock() - row.received_at < PATIENCE:
            row.attempts -= 1


def _failed(app: App, number: int, update: Update) -> Turn | None:
    """The last try failed: set aside for a person, and whoever wrote or pressed is told (T33)."""
    with transaction(app.engine) as session:
        row = session.get_one(ChatUpdate, number)
        if row.attempts < MAX_ATTEMPTS or row.state is not MessageState.STORED:
            return None
        _quarantine(session, row, "gave_up", app)
        turn = _turn(app, session, update)
        if turn is not None:
            turn.toast = texts.answer("failed", turn.language, phone=turn.house.phone)
            if not turn.callback_id:
                turn.say("failed", phone=turn.house.phone)
        return turn


def _quarantine(session: Session, row: ChatUpdate, reason: str, app: App) -> None:
    row.state, row.reason = MessageState.QUARANTINED, reason
    whence = MailboxSubject(f"update:{row.update_id}")
    events.emit(session, "mailbox_alarm", whence, at=app.clock(), code=f"update_{reason}", uid=row.update_id)


def _turn(app: App, session: Session, update: Update) -> Turn | None:
    """The turn of a linked person, in his own chat or in a group; None for a stranger."""
    room = update.effective_chat
    if room is None:
        return None
    if rooms.is_group(update):
        return rooms.turn_of(app, session, update)
    link = session.get(ChatLink, room.id)
    if link is None or (link.staff is not None and not link.staff.active):
        return None
    if link.blocked_at is not None and (update.message is not None or update.callback_query is not None):
        link.blocked_at = None  # who writes again has unblocked us
    query = update.callback_query
    answered = update.message.reply_to_message if update.message is not None else None
    return Turn(
        app, session, link, room.id, app.clock(), callback_id=query.id if query is not None else "",
        message_id=chat.message_id_of(update), reply_to=answered.message_id if answered is not None else 0,
        update_id=update.update_id,
    )  # fmt: skip


def _handled(app: App, number: int, update: Update, files: list[tuple[str, bytes]]) -> Turn | None:
    with transaction(app.engine) as session:
        row = session.get_one(ChatUpdate, number, with_for_update=True)  # another instance may treat it now (T06)
        if row.state is not MessageState.STORED:
            return None
        row.state = MessageState.UNDERSTOOD
        return answered(app, session, update, files)


def answered(app: App, session: Session, update: Update, files: list[tuple[str, bytes]]) -> Turn | None:
    """Do what an update asks for, in the caller's transaction: the one door of strangers, people and groups."""
    if rooms.is_group(update):
        return rooms.treat(app, session, update, files)
    if update.my_chat_member is not None:
        _blocked_or_back(app, session, update)
        return None
    turn = _turn(app, session, update)
    if turn is None:
        return chat.stranger(app, session, update)
    session.info[events.ASKED_IN] = turn.link.chat_id
    if update.callback_query is not None:
        buttons.press(turn, update.callback_query.data or "")
    elif (sent := update.message) is not None:
        text = (sent.text or sent.caption or "").strip()
        identities.treat(turn, text, lambda: chat.message(turn, sent, files, text))
    elif (changed := update.edited_message) is not None:
        whose = identities.edited_for(turn, changed.message_id)
        if whose is None:  # what it changes may wait itself until it is said for whom
            identities.treat(turn, (changed.text or changed.caption or "").strip(), lambda: chat.edited(turn, changed))
        else:
            identities.speak_as(turn, whose, lambda: chat.edited(turn, changed))
    return turn


def _blocked_or_back(app: App, session: Session, update: Update) -> None:
    """Somebody stopped the bot in his own chat, or started it again: known before anything is sent in vain."""
    changed = update.my_chat_member
    link = session.get(ChatLink, changed.chat.id) if changed is not None else None
    if changed is None or link is None:
        return
    if changed.new_chat_member.status in {"kicked", "left"}:
        outcomes.stopped(session, link, at=app.clock())
    else:
        link.blocked_at = None


def _refused(app: App, number: int, update: Update, refusal: Comptoir) -> Turn | None:
    """A refusal is an answer: nothing was changed, the person is told what to do."""
    with transaction(app.engine) as session:
        row = session.get_one(ChatUpdate, number, with_for_update=True)
        if row.state is not MessageState.STORED:
            return None
        row.state, row.reason = MessageState.UNDERSTOOD, refusal.code
        return told(app, session, update, refusal)


def told(app: App, session: Session, update: Update, refusal: Comptoir) -> Turn | None:
    """What a refusal says to whoever asked."""
    turn = _turn(app, session, update)
    if turn is None:
        return chat.stranger(app, session, update, refusal)
    said = texts.plain(buttons.refusal_text(turn, refusal))
    if turn.callback_id:
        turn.toast = said
        if turn.group is None:
            buttons.repaint(turn, refusal, (update.callback_query.data or "") if update.callback_query else "")
        return turn
    if turn.group is not None and (turn.link.staff_id or turn.link.customer_id):
        turn.in_private()
    turn.send(Content(texts.escape(said)))
    return turn
