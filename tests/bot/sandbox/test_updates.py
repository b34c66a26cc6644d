"""How updates reach the bot: polling, its single reader, webhooks, and updates nobody can read."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Conflict
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from bot.sandbox.client import SandboxClient
from bot.sandbox.pictures import grey
from bot.sandbox.seen import User
from bot.sandbox.server import Sandbox


async def test_updates_stay_until_an_offset_confirms_them(bot: Bot, play: SandboxClient, lea: User) -> None:
    play.say(lea.id, "10 cartons")
    first, second = await bot.get_updates()
    assert second.update_id == first.update_id + 1
    assert [update.update_id for update in await bot.get_updates()] == [first.update_id, second.update_id]
    assert [update.update_id for update in await bot.get_updates(limit=1)] == [first.update_id]
    assert await bot.get_updates(offset=second.update_id) == (second,)
    assert len(play.pending_updates()) == 1
    assert await bot.get_updates(offset=second.update_id + 1) == ()
    play.wait_until_read(timeout=0)


async def test_a_negative_offset_forgets_all_but_the_last(bot: Bot, play: SandboxClient, lea: User) -> None:
    for text in ("1", "2", "3"):
        play.say(lea.id, text)
    (last,) = await bot.get_updates(offset=-1)
    assert last.message is not None
    assert last.message.text == "3"
    assert len(play.pending_updates()) == 1


async def test_a_long_poll_returns_as_soon_as_something_happens(bot: Bot, play: SandboxClient, lea: User) -> None:
    offset = (await bot.get_updates())[-1].update_id + 1
    mark = play.mark()
    poll = asyncio.create_task(bot.get_updates(offset=offset, timeout=30))
    await asyncio.to_thread(play.wait_for_calls, "getUpdates", after=mark)
    play.say(lea.id, "10 cartons")
    (update,) = await asyncio.wait_for(poll, 5)
    assert update.message is not None
    assert update.message.text == "10 cartons"


async def test_only_the_wanted_kinds_arrive(bot: Bot, play: SandboxClient, lea: User) -> None:
    await bot.get_updates(offset=-1, allowed_updates=["callback_query"])
    play.say(lea.id, "unseen")
    assert len(await bot.get_updates()) == 1
    await bot.get_updates(allowed_updates=[])
    play.say(lea.id, "seen")
    assert len(await bot.get_updates()) == 2


async def test_t09_a_second_poller_ends_the_first_with_409(
    bot: Bot, sandbox: Sandbox, play: SandboxClient, lea: User
) -> None:
    offset = (await bot.get_updates())[-1].update_id + 1
    mark = play.mark()
    first = asyncio.create_task(bot.get_updates(offset=offset, timeout=30))
    await asyncio.to_thread(play.wait_for_calls, "getUpdates", after=mark)
    async with Bot(sandbox.token, base_url=f"{sandbox.base_url}/bot") as other:
        second = asyncio.create_task(other.get_updates(offset=offset, timeout=30))
        with pytest.raises(Conflict, match="terminated by other getUpdates request; make sure that only one bot"):
            await asyncio.wait_for(first, 5)
        play.say(lea.id, "x")
        assert len(await asyncio.wait_for(second, 5)) == 1


async def test_a_webhook_forbids_polling(bot: Bot) -> None:
    await bot.set_webhook("https://example.com/hook")
    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    assert (await bot.get_webhook_info()).url == "https://example.com/hook"
    await bot.delete_webhook()
    assert (await bot.get_webhook_info()).url == ""
    assert await bot.get_updates() == ()


async def test_a_webhook_needs_https_beyond_loopback_and_a_plain_secret(bot: Bot) -> None:
    with pytest.raises(BadRequest, match="an https url must be provided for webhook"):
        await bot.set_webhook("http://example.com/hook")
    with pytest.raises(BadRequest, match="Secret token contains unallowed characters"):
        await bot.set_webhook("https://example.com/hook", secret_token="é")


class Hook(http.server.ThreadingHTTPServer):
    """Takes updates, and answers with the codes it was given first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.codes: list[int] = []
        self.got: list[tuple[str | None, Any]] = []
        self.enough = threading.Semaphore(0)


class Receiver(http.server.BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.headers["X-Telegram-Bot-Api-Secret-Token"], body))
        self.send_response(self.server.codes.pop(0) if self.server.codes else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.enough.release()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_webhook_gets_each_update_with_the_secret_until_it_says_yes(
    bot: Bot, play: SandboxClient, lea: User, hook: Hook
) -> None:
    hook.codes = [503, 500]
    url = f"http://127.0.0.1:{hook.server_address[1]}/hook"
    await bot.set_webhook(url, secret_token="S3cret_-", drop_pending_updates=True)
    play.say(lea.id, "1")
    play.say(lea.id, "2")
    for _ in range(4):
        assert await asyncio.to_thread(hook.enough.acquire, timeout=10)
    await asyncio.to_thread(play.wait_until_read)
    assert {secret for secret, _ in hook.got} == {"S3cret_-"}
    assert [body["message"]["text"] for _, body in hook.got] == ["1", "1", "1", "2"]
    assert len({body["update_id"] for _, body in hook.got}) == 2
    info = await bot.get_webhook_info()
    assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"
    assert info.pending_update_count == 0


async def test_t04_a_malformed_update_is_delivered_as_it_is(bot: Bot, play: SandboxClient) -> None:
    number = play.inject_raw_update({"message": {"message_id": 1, "text": "no chat, no date"}})
    assert play.pending_updates() == [{"update_id": number, "message": {"message_id": 1, "text": "no chat, no date"}}]
    with pytest.raises(KeyError, match="date"):
        Update.de_json(play.pending_updates()[0], bot)


async def test_updates_come_again_or_count_anew_on_demand(bot: Bot, play: SandboxClient, lea: User) -> None:
    (update,) = await bot.get_updates()
    await bot.get_updates(offset=update.update_id + 1)
    play.inject_raw_update(play.updates()[0])
    assert await bot.get_updates() == (update,)
    await bot.get_updates(offset=update.update_id + 1)
    play.next_update_id(5)
    play.say(lea.id, "after a silent week")
    assert [each.update_id for each in await bot.get_updates()] == [5]


async def test_an_application_digests_every_kind_of_update(
    sandbox: Sandbox, bot: Bot, play: SandboxClient, lea: User
) -> None:
    seen: list[str] = []
    problems: list[BaseException | None] = []

    def note(name: str) -> Any:
        async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
            del context
            if update.callback_query:
                await update.callback_query.answer("vu")
            elif update.effective_message and update.message and name == "text":
                await update.effective_message.reply_text(f"vu : {update.effective_message.text}")
            seen.append(name)

        return handle

    async def report(_: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        problems.append(context.error)

    application: Application[Any, Any, Any, Any, Any, Any] = (
        ApplicationBuilder().token(sandbox.token).base_url(f"{sandbox.base_url}/bot").updater(None).build()
    )
    application.add_handler(CommandHandler("start", note("start"), filters.UpdateType.MESSAGE))
    application.add_handler(MessageHandler(filters.UpdateType.EDITED_MESSAGE, note("edited")))
    application.add_handler(MessageHandler(filters.TEXT, note("text")))
    application.add_handler(MessageHandler(filters.Document.PDF, note("pdf")))
    application.add_handler(MessageHandler(filters.PHOTO, note("photo")))
    application.add_handler(MessageHandler(filters.VOICE, note("voice")))
    application.add_handler(MessageHandler(filters.Sticker.ALL, note("sticker")))
    application.add_handler(MessageHandler(filters.LOCATION, note("location")))
    application.add_handler(MessageHandler(filters.CONTACT, note("contact")))
    application.add_handler(MessageHandler(filters.StatusUpdate.ALL, note("service")))
    application.add_handler(CallbackQueryHandler(note("press"), pattern="^v1:"))
    application.add_handler(ChatMemberHandler(note("member")))
    application.add_error_handler(report)

    said = play.say(lea.id, "10 cartons")
    play.edit(lea.id, said.message_id, "12 cartons")
    play.send_document(lea.id, ("bc.pdf", b"%PDF"))
    play.send_photo(lea.id, ("p.png", grey(200, 100)))
    play.send_voice(lea.id, ("v.ogg", b"OggS"))
    for kind in ("sticker", "location", "contact"):
        play.share(lea.id, kind)
    await bot.send_message(
        lea.id, "carte", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("OK", callback_data="v1:a")]])
    )
    play.press(lea.id, "OK")
    play.add_group("Dépôt", [lea.id])
    async with application:
        for raw in play.pending_updates():
            await application.process_update(Update.de_json(raw, application.bot))
    assert problems == []
    expected = "start text edited pdf photo voice sticker location contact press member service"
    assert seen == expected.split()
    assert play.toasts(lea.id)[0].text == "vu"
    assert play.last(lea.id).text == "vu : 10 cartons"
