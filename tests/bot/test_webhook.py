"""Updates that the chat server posts: one effect however often, nothing from who does not know the secret."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bot import telegram, webhook
from bot.webhook import Door, Webhook
from core import db
from core.db import transaction
from core.messages import ChatUpdate
from core.orders import Order
from core.settings import Telegram
from tests.bot.conftest import Desk

SECRET = "a secret of the tests"
UPDATE = b'{"update_id": 100000099, "message": {"message_id": 99, "chat": {"id": 7}}}'


def post(door: Door, body: list[bytes], **headers: str) -> tuple[int, int]:
    """The status of an answer, and how many pieces of the body were read for it."""
    given = {b"content-length": str(sum(map(len, body))).encode()}
    given |= {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    pieces = list(body)
    answered: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(event: Any) -> None:
        answered.append(event)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(given.items())}
    asyncio.run(door(scope, receive, send))
    return int(answered[0]["status"]), len(body) - len(pieces)


def stored(desk: Desk) -> list[int]:
    with transaction(desk.app.engine) as session:
        return list(session.scalars(select(ChatUpdate.update_id)))


#: What is posted, and the status of the answer and how many pieces of the body were read for it.
POSTED: tuple[tuple[dict[str, str], list[bytes], tuple[int, int]], ...] = (
    ({}, [UPDATE], (403, 0)),
    ({"x_telegram_bot_api_secret_token": "another"}, [UPDATE], (403, 0)),
    ({"x_telegram_bot_api_secret_token": SECRET, "content_length": "1000001"}, [UPDATE], (413, 0)),
    ({"x_telegram_bot_api_secret_token": SECRET}, [b" " * 600_000] * 3, (413, 0)),
    ({"x_telegram_bot_api_secret_token": SECRET, "content_length": "10"}, [b" " * 600_000] * 3, (413, 2)),
    ({"x_telegram_bot_api_secret_token": SECRET}, [b"[]"], (400, 1)),
    ({"x_telegram_bot_api_secret_token": SECRET}, [UPDATE[:30], UPDATE[30:]], (200, 2)),
)


def test_t41_who_does_not_know_the_secret_is_not_read_and_no_update_is_longer_than_a_megabyte(desk: Desk) -> None:
    door, before = Door(desk.app, SECRET), stored(desk)
    for headers, body, answer in POSTED:
        assert stored(desk) == before
        assert post(door, body, **headers) == answer
    assert stored(desk) == [*before, 100000099]


@pytest.fixture
def posted(desk: Desk) -> Iterator[Webhook]:
    """The desk's door at a port, and the sandbox told to post there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chat = desk.app.settings.telegram.model_copy(
        update={"webhook_url": f"http://127.0.0.1:{port}/", "webhook_port": port}
    )
    desk.app.settings = desk.app.settings.model_copy(update={"telegram": chat})
    hook = Webhook(desk.app)
    thread = threading.Thread(target=hook.run, daemon=True)
    thread.start()
    hook.announce()
    yield hook
    webhook.take_down(desk.app)
    hook.close()
    thread.join(10)


def test_t05_what_could_not_be_stored_is_posted_again_and_has_one_effect(
    desk: Desk, posted: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, tries = telegram.store, []

    def down_twice(app: Any, updates: list[dict[str, Any]]) -> int:
        tries.append(len(updates))
        if len(tries) == 2:
            store(app, updates)  # it is in the database, and the answer is lost all the same
        if len(tries) <= 2:
            raise OperationalError("INSERT", {}, Exception("the disk is full"))
        return store(app, updates)

    monkeypatch.setattr(webhook.telegram, "store", down_twice)
    desk.say("customer", "Bonjour, 3 sacs de farine T65")
    desk.client.wait_until_read()
    assert len(tries) == 3
    telegram.handle(desk.app)
    telegram.handle(desk.app)
    with transaction(desk.app.engine) as session:
        assert len(session.scalars(select(ChatUpdate)).all()) == 1
    assert posted.secret


def test_t06_two_instances_that_are_given_the_same_update_make_one_draft(desk: Desk, database_url: str) -> None:
    other = db.engine(database_url)
    twin = replace(desk.app, engine=other)
    desk.say("customer", "Bonjour, 3 sacs de farine T65")
    raw = desk.client.pending_updates()
    apps, both = (desk.app, twin), threading.Barrier(2)
    found: list[int] = []

    def work(app: Any) -> None:
        both.wait()
        found.append(telegram.store(app, raw))
        both.wait()
        telegram.handle(app)

    threads = [threading.Thread(target=work, args=(app,)) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    desk.settle()
    assert sorted(found) == [0, 1]
    with transaction(desk.app.engine) as session:
        assert len(session.scalars(select(Order)).all()) == 1
    other.dispose()


def test_polling_is_what_is_done_unless_an_address_is_named() -> None:
    assert Telegram().webhook_url == ""
