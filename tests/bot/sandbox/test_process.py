"""The sandbox as a process of its own, which outlives the application under test."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from telegram import Bot
from telegram.error import NetworkError

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox


@pytest.fixture
def process(root: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bot.sandbox", "--port", "0", "--until-eof"]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


def test_it_says_where_it_listens_and_stops_with_its_parent(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdin is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    with SandboxClient(said["control_url"]) as play:
        assert play.add_user("Léa").first_name == "Léa"
    assert said["base_url"].startswith("http://127.0.0.1:")
    assert said["token"]
    process.stdin.close()
    assert process.wait(10) == 0


def test_it_stops_on_sigterm(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    assert process.wait(10) == 0


def test_a_port_that_is_taken_is_not_shared() -> None:
    with Sandbox() as first, pytest.raises(OSError, match="in use"):
        Sandbox(port=int(first.base_url.rpartition(":")[2])).start()


async def test_stopping_does_not_wait_for_a_long_poll(sandbox: Sandbox, play: SandboxClient, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=50))
    await asyncio.to_thread(play.wait_for_calls, "getUpdates")
    began = time.monotonic()
    sandbox.stop()
    sandbox.stop()
    assert time.monotonic() - began < 5
    with pytest.raises(NetworkError):
        await poll
