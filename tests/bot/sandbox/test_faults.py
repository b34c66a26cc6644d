"""Faults on purpose, and what python-telegram-bot makes of each: the outbox decides by `__cause__`."""

from __future__ import annotations

import httpx
import pytest
from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, NetworkError, RetryAfter, TimedOut

from bot.sandbox.client import SandboxClient
from bot.sandbox.faults import FaultKind
from bot.sandbox.seen import User
from bot.sandbox.server import Sandbox


def texts(play: SandboxClient, user: User) -> list[str]:
    return [seen.text for seen in play.chat(user.id) if seen.who == "bot"]


async def test_flood_says_how_long_to_wait_and_nothing_was_sent(bot: Bot, play: SandboxClient, lea: User) -> None:
    play.fault("sendMessage", FaultKind.FLOOD, retry_after=37)
    with pytest.raises(RetryAfter) as error:
        await bot.send_message(lea.id, "x")
    assert error.value._retry_after.total_seconds() == 37
    assert texts(play, lea) == []
    await bot.send_message(lea.id, "x")
    assert texts(play, lea) == ["x"]


async def test_refusals_come_with_any_text(bot: Bot, play: SandboxClient, lea: User) -> None:
    play.fault("sendMessage", FaultKind.FORBIDDEN)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(lea.id, "x")
    play.fault("sendMessage", FaultKind.FORBIDDEN, text="user is deactivated")
    with pytest.raises(Forbidden, match="user is deactivated"):
        await bot.send_message(lea.id, "x")
    play.fault("editMessageText", FaultKind.BAD_REQUEST, text="message is not modified")
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_text("x", lea.id, 1)
    play.fault("sendMessage", FaultKind.BAD_REQUEST, text="group moved", parameters={"migrate_to_chat_id": -1005})
    with pytest.raises(ChatMigrated):
        await bot.send_message(lea.id, "x")
    play.fault("getUpdates", FaultKind.CONFLICT)
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await bot.get_updates()
    assert texts(play, lea) == []


async def test_a_bad_gateway_is_a_network_error_without_an_httpx_cause(
    bot: Bot, play: SandboxClient, lea: User
) -> None:
    play.fault("sendMessage", FaultKind.BAD_GATEWAY)
    with pytest.raises(NetworkError, match=r"Bad Gateway \(502\)") as error:
        await bot.send_message(lea.id, "x")
    assert type(error.value) is NetworkError
    assert not isinstance(error.value.__cause__, httpx.HTTPError)
    assert texts(play, lea) == []


@pytest.mark.parametrize(("kind", "sent"), [(FaultKind.DROP_BEFORE, []), (FaultKind.DROP_AFTER, ["x"])])
async def test_a_dropped_call_looks_the_same_whether_or_not_it_was_done(
    bot: Bot, play: SandboxClient, lea: User, kind: FaultKind, sent: list[str]
) -> None:
    """NetworkError caused by httpx.RemoteProtocolError in both cases: it is ambiguous, never « not sent »."""
    play.fault("sendMessage", kind)
    with pytest.raises(NetworkError) as error:
        await bot.send_message(lea.id, "x")
    assert type(error.value) is NetworkError
    assert isinstance(error.value.__cause__, httpx.RemoteProtocolError)
    assert texts(play, lea) == sent
    await bot.send_message(lea.id, "y")
    assert texts(play, lea) == [*sent, "y"]


async def test_a_dropped_document_was_delivered(bot: Bot, play: SandboxClient, lea: User) -> None:
    play.fault("sendDocument", FaultKind.DROP_AFTER)
    with pytest.raises(NetworkError):
        await bot.send_document(lea.id, b"%PDF" * 100_000, filename="BL-1.pdf")
    assert play.last(lea.id).file == "BL-1.pdf"


async def test_a_slow_answer_is_a_read_timeout_though_it_was_done(bot: Bot, play: SandboxClient, lea: User) -> None:
    play.fault("sendMessage", FaultKind.SLOW)
    with pytest.raises(TimedOut) as error:
        await bot.send_message(lea.id, "x", read_timeout=0.1)
    assert isinstance(error.value.__cause__, httpx.ReadTimeout)
    assert texts(play, lea) == ["x"]


async def test_a_slow_server_may_act_after_the_client_gave_up(bot: Bot, play: SandboxClient, lea: User) -> None:
    play.fault("sendMessage", FaultKind.SLOW_BEFORE, seconds=0.4)
    with pytest.raises(TimedOut):
        await bot.send_message(lea.id, "late", read_timeout=0.05)
    assert texts(play, lea) == []
    assert play.wait_for(lea.id, "late", timeout=5).text == "late"


async def test_offline_is_a_connection_never_made(bot: Bot, play: SandboxClient, lea: User, sandbox: Sandbox) -> None:
    await bot.send_message(lea.id, "before")
    address = sandbox.base_url
    play.offline()
    with pytest.raises(NetworkError) as error:
        await bot.send_message(lea.id, "x")
    assert isinstance(error.value.__cause__, httpx.ConnectError)
    assert texts(play, lea) == ["before"]
    play.online()
    await bot.send_message(lea.id, "after")
    assert (sandbox.base_url, texts(play, lea)) == (address, ["before", "after"])


async def test_a_fault_meets_the_calls_it_is_for(bot: Bot, play: SandboxClient, lea: User) -> None:
    omar = play.add_user("Omar")
    play.say(omar.id, "/start")
    play.fault("*", FaultKind.FORBIDDEN, chat_id=omar.id, times=2, skip=1)
    assert len(await bot.get_updates()) == 2
    await bot.send_message(omar.id, "1")
    for _ in range(2):
        await bot.send_message(lea.id, "x")
        with pytest.raises(Forbidden):
            await bot.send_message(omar.id, "2")
    await bot.send_message(omar.id, "3")
    assert (texts(play, omar), texts(play, lea)) == (["1", "3"], ["x", "x"])
    play.fault("sendMessage")
    assert [fault["kind"] for fault in play.faults_left()] == ["bad_gateway"]
    play.clear_faults()
    assert play.faults_left() == []


async def test_a_download_can_fail_too(bot: Bot, play: SandboxClient, lea: User) -> None:
    said = play.send_document(lea.id, ("bc.pdf", b"%PDF"))
    file = await bot.get_file(str(said.file_id))
    play.fault("download", FaultKind.DROP_BEFORE)
    with pytest.raises(NetworkError):
        await file.download_as_bytearray()
    assert await file.download_as_bytearray() == b"%PDF"


async def test_the_log_of_calls_tells_what_happened_to_each(bot: Bot, play: SandboxClient, lea: User) -> None:
    mark = play.mark()
    play.fault("sendMessage", FaultKind.DROP_BEFORE)
    with pytest.raises(NetworkError):
        await bot.send_message(lea.id, "x")
    await bot.send_message(lea.id, "y")
    with pytest.raises(BadRequest):
        await bot.send_message(999, "z")
    await bot.send_document(lea.id, b"%PDF", filename="a.pdf")
    await bot.get_updates()
    calls = play.calls(after=mark)
    assert [(call.method, call.code, call.fault) for call in calls] == [
        ("sendMessage", 0, "drop_before"),
        ("sendMessage", 200, None),
        ("sendMessage", 400, None),
        ("sendDocument", 200, None),
    ]
    assert calls[1].params == {"chat_id": lea.id, "text": "y"}
    assert calls[1].result["text"] == "y"
    assert calls[2].description == "Bad Request: chat not found"
    assert calls[3].params["document"] == {"file": "a.pdf", "size": 4}
    assert [call.method for call in play.calls("getUpdates", after=mark)] == ["getUpdates"]
