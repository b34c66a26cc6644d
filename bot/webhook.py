"""The door for updates that the chat server posts to us: raw into the database, 200, and a bell; nothing else.

Who does not know the secret learns nothing and is not listened to: his body is not read (T41). An update that cannot be
stored now is answered 503, and the server posts it again (T05).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from telegram.error import TelegramError

from bot import telegram
from core.errors import TryLater

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from bot.app import App

log = logging.getLogger(__name__)

HEADER = b"x-telegram-bot-api-secret-token"
MAX_BODY = 1_000_000
#: The server posts so many updates at once at most: each takes a transaction.
CONNECTIONS = 4


class Door:
    """An ASGI application that takes updates in."""

    def __init__(self, app: App, secret: str) -> None:
        self.app, self._secret = app, secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, one answer."""
        if scope["type"] != "http":
            return
        status = await self._taken(scope, receive)
        head = {"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]}
        if status != OK:
            head["headers"] = [(b"content-length", b"0"), (b"connection", b"close")]
        await send(head)
        await send({"type": "http.response.body", "body": b""})

    async def _taken(self, scope: Scope, receive: Receive) -> int:
        """The status of the answer, once the update is in the database or refused."""
        refused = self._refusal(scope["method"], dict(scope["headers"]))
        if refused is not None:
            return refused
        body = await _read(receive)
        if body is None:
            return TOO_LARGE
        update = _update(body)
        if update is None:
            log.warning("webhook_body_unreadable size=%s", len(body))
            return BAD
        try:
            await asyncio.to_thread(telegram.store, self.app, [update])
        except (SQLAlchemyError, OSError):
            log.exception("webhook_not_stored update=%s", update["update_id"])
            return UNAVAILABLE
        return OK

    def _refusal(self, method: str, headers: dict[bytes, bytes]) -> int | None:
        """What is refused before a byte of the body is read."""
        if not hmac.compare_digest(headers.get(HEADER, b""), self._secret):
            return FORBIDDEN
        if method != "POST":
            return NOT_ALLOWED
        length = headers.get(b"content-length", b"0")
        return None if length.isdigit() and int(length) <= MAX_BODY else TOO_LARGE


OK, BAD, FORBIDDEN, NOT_ALLOWED, TOO_LARGE, UNAVAILABLE = 200, 400, 403, 405, 413, 503


async def _read(receive: Receive) -> bytes | None:
    """The body; None for one that is longer than it said or than any update."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _update(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    known = isinstance(found, dict) and isinstance(found.get("update_id"), int)
    return found if known else None


class Webhook:
    """The door at its port, and the server told to post to it."""

    def __init__(self, app: App) -> None:
        settings = app.settings.telegram
        self.app, self.settings = app, settings
        self.secret = settings.webhook_secret.get_secret_value() or secrets.token_urlsafe(32)
        config = uvicorn.Config(
            Door(app, self.secret), host=settings.webhook_host, port=settings.webhook_port, lifespan="off", ws="none",
            log_config=None, access_log=False, server_header=False,
        )  # fmt: skip
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Take updates in until `close`."""
        self._server.run()

    def close(self) -> None:
        """Let the requests under way end, and listen no more."""
        self._server.should_exit = True

    def announce(self) -> None:
        """Tell the server where to post and with which secret; `TryLater` when it cannot be told now."""
        bot = self.app.application.bot
        try:
            self.app.call(
                bot.set_webhook(self.settings.webhook_url, secret_token=self.secret, max_connections=CONNECTIONS)
            )
        except TelegramError as error:
            raise TryLater("webhook_not_set", after=timedelta(seconds=5), error=type(error).__name__) from error
        log.info("webhook_set host=%s", urlsplit(self.settings.webhook_url).hostname)


def take_down(app: App) -> None:
    """Tell the server that updates will be asked for again; what waits there is kept."""
    try:
        app.call(app.application.bot.delete_webhook())
    except TelegramError as error:
        raise TryLater("webhook_not_set", after=timedelta(seconds=5), error=type(error).__name__) from error
