"""A sandbox per test, somebody who has started the bot, and the real python-telegram-bot pointed at it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from telegram import Bot

from bot.sandbox.client import SandboxClient
from bot.sandbox.seen import User
from bot.sandbox.server import Sandbox


def bot_for(sandbox: Sandbox) -> Bot:
    return Bot(sandbox.token, base_url=f"{sandbox.base_url}/bot", base_file_url=f"{sandbox.base_url}/file/bot")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def play(sandbox: Sandbox) -> Iterator[SandboxClient]:
    with sandbox.client() as client:
        yield client


@pytest.fixture
def lea(play: SandboxClient) -> User:
    user = play.add_user("Léa", last_name="Martin", username="lea_martin")
    play.say(user.id, "/start")
    return user


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    async with bot_for(sandbox) as running:
        yield running


@pytest.fixture
def spec(shared: Path) -> dict[str, Any]:
    path = shared / "cases" / "telegram-bot-api-spec" / "api.min.json"
    if not path.is_file():
        pytest.skip(f"the public Bot API specification is not here: {path.name}")
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read
