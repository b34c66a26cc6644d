"""The running desk: every kind of work is known to the queues."""

from __future__ import annotations

import socket

import pytest
from pydantic import SecretStr

from bot.sandbox.faults import FaultKind
from bot.sandbox.server import Sandbox
from bot.service import Service
from core import jobs
from core.settings import House, Settings, Telegram


@pytest.fixture
def service(database_url: str) -> Service:
    return Service(Settings(database_url=database_url, house=House(name="Maison", siren="999004286")))


def test_each_kind_of_work_has_its_queue_and_a_kind_that_no_queue_knows_is_refused(service: Service) -> None:
    assert service.work().keys() == set(jobs.NAMES)
    with pytest.raises(ValueError, match="receipts"):
        jobs.Worker(service.app.engine, {"updates": lambda: None}, executor="x")


@pytest.mark.long
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_updates_are_posted_where_an_address_is_named_and_asked_for_otherwise(database_url: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Sandbox() as sandbox, sandbox.client() as client:
        julie = client.add_user("Julie").id
        chat = Telegram(
            token=SecretStr(sandbox.token), base_url=f"{sandbox.base_url}/bot", webhook_port=port,
            webhook_url=f"http://127.0.0.1:{port}/",
        )  # fmt: skip
        for told in (chat, chat.model_copy(update={"webhook_url": ""})):  # the second start returns to polling
            after = client.mark()
            client.fault("getMe", FaultKind.BAD_GATEWAY)  # a server that is away when we start must not end the desk
            house = House(name="Maison", siren="999004286")
            with Service(
                Settings(_env_file=None, database_url=database_url, house=house, telegram=told), poll_seconds=1
            ):
                client.wait_for_calls("setWebhook" if told.webhook_url else "deleteWebhook", after=after, timeout=30)
                client.say(julie, "Bonjour")
                client.wait_for(julie, "/start", after=after, timeout=30)
            assert bool(client.calls("getUpdates", after=after)) is not bool(told.webhook_url)
