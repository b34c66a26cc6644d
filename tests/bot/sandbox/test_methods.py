"""Every method through the real python-telegram-bot, and what it says when it refuses."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import httpx
import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    MessageEntity,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError

from bot.sandbox.client import SandboxClient
from bot.sandbox.limits import MEGABYTE
from bot.sandbox.pictures import grey
from bot.sandbox.seen import User
from bot.sandbox.server import Sandbox

NOT_MODIFIED = (
    "Message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


def keyboard(*labels: str, data: str = "x") -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=data)] for label in labels])


async def refused(call: Awaitable[Any], text: str, kind: type[Exception] = BadRequest) -> None:
    with pytest.raises(kind) as error:
        await call
    assert str(error.value).lower() == text.lower()  # the library changes the case of what it is told


async def post(sandbox: Sandbox, method: str, token: str | None = None, **given: Any) -> tuple[int, Any]:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{sandbox.base_url}/bot{token or sandbox.token}/{method}", json=given)
    return answer.status_code, answer.json()


async def test_get_me_names_the_bot(bot: Bot) -> None:
    assert (bot.username, bot.bot.is_bot, bot.can_join_groups) == ("comptoir_sandbox_bot", True, True)


async def test_a_message_arrives_as_its_html_says(bot: Bot, lea: User, play: SandboxClient) -> None:
    sent = await bot.send_message(lea.id, "<b>CMD-1</b> &lt;3 🍰 <i>10 €</i>", parse_mode="HTML")
    (_, seen) = play.chat(lea.id)
    assert (seen.who, seen.mine, seen.kind, seen.text) == ("bot", False, "text", "CMD-1 <3 🍰 10 €")
    assert seen.html == sent.text_html == "<b>CMD-1</b> &lt;3 🍰 <i>10 €</i>"


async def test_entities_given_as_such_are_kept(bot: Bot, lea: User) -> None:
    sent = await bot.send_message(lea.id, "abc", entities=[MessageEntity(MessageEntity.BOLD, 1, 2)])
    assert sent.text_html == "a<b>bc</b>"
    await refused(
        bot.send_message(lea.id, "abc", entities=[MessageEntity(MessageEntity.BOLD, 1, 9)]),
        "Entity beginning at UTF-16 offset 1 ends after the end of the text",
    )


async def test_a_text_has_1_to_4096_units_once_parsed(bot: Bot, lea: User) -> None:
    sent = await bot.send_message(lea.id, "<b>" + "&amp;" * 4096 + "</b>", parse_mode="HTML")
    assert sent.text == "&" * 4096
    await bot.send_message(lea.id, "🍰" * 2048)
    await refused(bot.send_message(lea.id, "🍰" * 2048 + "x"), "Message is too long")
    await refused(bot.send_message(lea.id, " \n"), "Message text is empty")
    await refused(bot.send_message(lea.id, "<b> </b>", parse_mode="HTML"), "Message text is empty")
    await refused(
        bot.send_message(lea.id, "REF<br>", parse_mode="HTML"),
        'Can\'t parse entities: Unsupported start tag "br" at byte offset 3',
    )


def button(label: str, **action: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, **action)]])  # type: ignore[arg-type]


BUTTON = "Can't parse inline keyboard button: "


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        (keyboard("OK", data="é" * 32), ""),
        (keyboard("OK", data="é" * 32 + "a"), "Button_data_invalid"),
        (keyboard("OK", data=""), "Button_data_invalid"),
        (button("OK"), BUTTON + "Text buttons are unallowed in the inline keyboard"),
        (button("OK", url="nowhere"), "Inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL"),
        (button(" ", callback_data="a"), BUTTON + 'Field "text" must be non-empty'),
        (button("OK", callback_data="a", url="https://a.fr"), BUTTON + "exactly one optional field must be used"),
        (keyboard(*"a" * 101), "Reply markup is too long"),
        (ForceReply(input_field_placeholder="Quantité"), ""),
        (ReplyKeyboardRemove(), ""),
        (ReplyKeyboardMarkup([["Oui", "Non"]], one_time_keyboard=True), ""),
    ],
)
async def test_a_keyboard_is_one_a_client_could_show(bot: Bot, lea: User, markup: Any, problem: str) -> None:
    if not problem:
        assert (await bot.send_message(lea.id, "x", reply_markup=markup)).text == "x"
        return
    await refused(bot.send_message(lea.id, "x", reply_markup=markup), problem)


async def test_unknown_parameters_fields_and_types_are_refused(sandbox: Sandbox, lea: User) -> None:
    async def problem(method: str, **given: Any) -> str:
        status, body = await post(sandbox, method, **given)
        assert (status, body["ok"], body["error_code"]) == (400, False, 400)
        return str(body["description"]).removeprefix("Bad Request: ")

    say = {"chat_id": lea.id, "text": "x"}
    assert await problem("sendMessage", **say, colour="red") == 'unknown parameter "colour" of sendMessage'
    assert await problem("sendMessage", **say, disable_web_page_preview=True) == (
        'unknown parameter "disable_web_page_preview" of sendMessage'
    )
    assert await problem("sendMessage", chat_id=lea.id) == "message text is empty"
    assert await problem("sendMessage", text="x") == "chat_id is empty"
    assert await problem("sendMessage", chat_id=lea.id, text=12) == 'parameter "text" must be of type String'
    assert await problem("sendMessage", **say, disable_notification="perhaps") == (
        'parameter "disable_notification" must be of type Boolean'
    )
    assert await problem("sendMessage", **say, reply_markup="[1]") == "object expected as reply markup"
    assert await problem("sendMessage", **say, reply_markup="{") == "can't parse reply keyboard markup JSON object"
    buttons = [[{"text": "OK", "callback_data": "a", "color": "red"}]]
    assert await problem("sendMessage", **say, reply_markup={"inline_keyboard": buttons}) == (
        'can\'t parse inline keyboard button: unknown field "color"'
    )
    numbers = {"inline_keyboard": [[{"text": "OK", "callback_data": 5}]]}
    assert await problem("sendMessage", **say, reply_markup=numbers) == (
        'can\'t parse inline keyboard button: Field "callback_data" must be of type String'
    )
    assert await problem("sendMessage", **say, message_thread_id=4) == (
        'the sandbox does not support parameter "message_thread_id"'
    )
    assert await problem("getFile") == "invalid file_id"


async def test_calls_come_as_query_form_or_json(sandbox: Sandbox, lea: User) -> None:
    url = f"{sandbox.base_url}/bot{sandbox.token}"
    async with httpx.AsyncClient(trust_env=False) as http:
        given: dict[str, Any] = {"chat_id": str(lea.id), "text": "12", "disable_notification": "true"}
        texts = [
            (await http.get(f"{url}/sendMessage", params=given)).json()["result"]["text"],
            (await http.post(f"{url}/SENDMESSAGE", data=given)).json()["result"]["text"],
            (
                await http.post(f"{url}/sendMessage", files={name: (None, value) for name, value in given.items()})
            ).json()["result"]["text"],
        ]
        assert texts == ["12", "12", "12"]
        broken = await http.post(f"{url}/sendMessage", content=b"{", headers={"content-type": "application/json"})
        assert broken.json()["description"] == "Bad Request: can't parse JSON object"


async def test_a_wrong_token_is_401_and_an_unknown_method_404(sandbox: Sandbox) -> None:
    assert await post(sandbox, "getMe", token="1:wrong") == (
        401,
        {"ok": False, "error_code": 401, "description": "Unauthorized"},
    )
    assert (await post(sandbox, "getMe", token="garbage"))[0] == 404
    assert await post(sandbox, "sendPigeon") == (404, {"ok": False, "error_code": 404, "description": "Not Found"})
    with pytest.raises(InvalidToken):
        await Bot("1:wrong", base_url=f"{sandbox.base_url}/bot").initialize()


async def test_a_bot_writes_only_to_who_wrote_to_it(bot: Bot, play: SandboxClient, lea: User) -> None:
    nadia, omar, zoe = (play.add_user(name) for name in ("Nadia", "Omar", "Zoé"))
    play.add_group("Dépôt", [lea.id, omar.id])
    await refused(bot.send_message(999, "x"), "Chat not found")
    await refused(bot.send_message("@lea_martin", "x"), "Chat not found")
    await refused(bot.send_message(nadia.id, "x"), "Chat not found")
    await refused(bot.send_message(omar.id, "x"), "Forbidden: bot can't initiate conversation with a user", Forbidden)
    play.say(zoe.id, "/start")
    play.deactivate(zoe.id)
    await refused(bot.send_message(zoe.id, "x"), "Forbidden: user is deactivated", Forbidden)


async def test_who_blocked_the_bot_gets_nothing_until_they_write_again(
    bot: Bot, play: SandboxClient, lea: User
) -> None:
    sent = await bot.send_message(lea.id, "x")
    play.block(lea.id)
    text = "Forbidden: bot was blocked by the user"
    await refused(bot.send_message(lea.id, "y"), text, Forbidden)
    await refused(bot.send_document(lea.id, b"%PDF"), text, Forbidden)
    await refused(bot.edit_message_text("y", lea.id, sent.message_id), text, Forbidden)
    await refused(bot.send_chat_action(lea.id, "typing"), text, Forbidden)
    play.say(lea.id, "me revoilà")
    await bot.send_message(lea.id, "y")
    assert [seen.text for seen in play.chat(lea.id)] == ["/start", "x", "me revoilà", "y"]


async def test_groups_take_messages_until_the_bot_is_out_or_they_move(bot: Bot, play: SandboxClient, lea: User) -> None:
    omar = play.add_user("Omar")
    group, other = play.add_group("Dépôt", [lea.id, omar.id]), play.add_group("Quai", [lea.id])
    await bot.send_message(group.id, "bonjour")
    assert play.last(omar.id, chat=group.id).text == "bonjour"
    moved = play.upgrade_group(lea.id, group.id)
    with pytest.raises(ChatMigrated) as error:
        await bot.send_message(group.id, "encore")
    assert error.value.new_chat_id == moved.id
    await bot.send_message(moved.id, "encore")
    assert play.last(omar.id, chat=moved.id).text == "encore"
    play.kick_bot(lea.id, other.id)
    await refused(bot.send_message(other.id, "x"), "Forbidden: bot was kicked from the group chat", Forbidden)


async def test_a_reply_quotes_a_message_that_exists(bot: Bot, play: SandboxClient, lea: User) -> None:
    asked = play.say(lea.id, "10 cartons")
    sent = await bot.send_message(lea.id, "noté", reply_to_message_id=asked.message_id)
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.text == "10 cartons"
    assert play.last(lea.id).reply_to == asked.message_id
    await refused(bot.send_message(lea.id, "x", reply_to_message_id=999), "Message to be replied not found")
    lenient = ReplyParameters(999, allow_sending_without_reply=True)
    assert (await bot.send_message(lea.id, "x", reply_parameters=lenient)).reply_to_message is None


async def test_an_edit_replaces_text_and_keyboard(bot: Bot, play: SandboxClient, lea: User) -> None:
    sent = await bot.send_message(lea.id, "v1", reply_markup=keyboard("Confirmer"))
    await bot.edit_message_text("<b>v2</b>", lea.id, sent.message_id, parse_mode="HTML", reply_markup=keyboard("OK"))
    seen = play.last(lea.id)
    assert (seen.html, seen.labels, seen.edited) == ("<b>v2</b>", ["OK"], True)
    await bot.edit_message_text("v3", lea.id, sent.message_id)
    assert play.last(lea.id).labels == []
    assert [event["kind"] for event in play.transcript(lea.id)] == ["message", "message", "edit", "edit"]


async def test_an_edit_of_the_keyboard_alone_does_not_mark_the_message(
    bot: Bot, play: SandboxClient, lea: User
) -> None:
    sent = await bot.send_message(lea.id, "v1", reply_markup=keyboard("Confirmer"))
    await bot.edit_message_reply_markup(lea.id, sent.message_id, reply_markup=keyboard("Oui", "Non"))
    assert (play.last(lea.id).labels, play.last(lea.id).edited) == (["Oui", "Non"], False)
    await bot.edit_message_reply_markup(lea.id, sent.message_id)
    assert (play.last(lea.id).labels, play.last(lea.id).text) == ([], "v1")


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot, play: SandboxClient, lea: User) -> None:
    sent = await bot.send_message(lea.id, "<b>v1</b>", parse_mode="HTML", reply_markup=keyboard("OK"))
    same: dict[str, Any] = {"chat_id": lea.id, "message_id": sent.message_id, "reply_markup": keyboard("OK")}
    await refused(bot.edit_message_text("<strong>v1</strong>", parse_mode="HTML", **same), NOT_MODIFIED)
    await refused(bot.edit_message_reply_markup(**same), NOT_MODIFIED)
    await bot.edit_message_text("v1", **same)
    assert play.last(lea.id).html == "v1"


async def test_only_the_bots_own_existing_messages_can_be_edited(bot: Bot, play: SandboxClient, lea: User) -> None:
    said = play.say(lea.id, "10 cartons")
    gone = await bot.send_message(lea.id, "x")
    asked = await bot.send_message(lea.id, "?", reply_markup=ForceReply())
    file = await bot.send_document(lea.id, b"%PDF", filename="a.pdf")
    play.delete(lea.id, gone.message_id)
    await refused(bot.edit_message_text("y", lea.id, gone.message_id), "Message to edit not found")
    await refused(bot.edit_message_text("y", lea.id, 999), "Message to edit not found")
    await refused(bot.edit_message_text("y", lea.id, said.message_id), "Message can't be edited")
    await refused(bot.edit_message_text("y", lea.id, asked.message_id), "Message can't be edited")
    await refused(bot.edit_message_text("y", lea.id, file.message_id), "There is no text in the message to edit")
    card = await bot.send_message(lea.id, "x")
    await refused(
        bot.edit_message_caption(lea.id, card.message_id, caption="y"), "There is no caption in the message to edit"
    )
    await refused(bot.edit_message_text("", lea.id, card.message_id), "Message text is empty")
    markup: Any = ForceReply()
    await refused(
        bot.edit_message_reply_markup(lea.id, card.message_id, reply_markup=markup), "Inline keyboard expected"
    )


async def test_a_message_is_deleted_once(bot: Bot, play: SandboxClient, lea: User) -> None:
    sent = await bot.send_message(lea.id, "x")
    assert await bot.delete_message(lea.id, sent.message_id)
    assert [seen.text for seen in play.chat(lea.id)] == ["/start"]
    await refused(bot.delete_message(lea.id, sent.message_id), "Message to delete not found")


async def test_a_document_keeps_name_bytes_and_caption(bot: Bot, play: SandboxClient, lea: User) -> None:
    content = bytes(range(256)) * 9000
    sent = await bot.send_document(
        lea.id, content, filename="Facture n° 12.pdf", caption="<b>Facture</b>", parse_mode="HTML"
    )
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.mime_type, sent.document.file_size) == (
        "Facture n° 12.pdf",
        "application/pdf",
        len(content),
    )
    seen = play.last(lea.id)
    assert (seen.kind, seen.file, seen.html, seen.size) == (
        "document",
        "Facture n° 12.pdf",
        "<b>Facture</b>",
        len(content),
    )
    assert play.download(seen) == content
    again = await bot.send_document(lea.id, sent.document.file_id)
    assert again.document == sent.document
    await bot.edit_message_caption(lea.id, sent.message_id, caption="Payée", reply_markup=keyboard("Reçu"))
    assert [(m.text, m.labels) for m in play.chat(lea.id)][1:] == [("Payée", ["Reçu"]), ("", [])]


async def test_a_photo_has_its_sizes(bot: Bot, play: SandboxClient, lea: User) -> None:
    content = grey(400, 100)
    sent = await bot.send_photo(lea.id, content, filename="p.png")
    assert [(size.width, size.height) for size in sent.photo] == [(90, 22), (400, 100)]
    assert play.download(play.last(lea.id)) == content
    await refused(bot.send_photo(lea.id, b"%PDF-1.7"), "Image_process_failed")
    await refused(bot.send_photo(lea.id, grey(500, 10)), "Photo_invalid_dimensions")
    document = await bot.send_document(lea.id, b"%PDF")
    assert document.document is not None
    await refused(bot.send_photo(lea.id, document.document.file_id), "Can't use file of type Document as Photo")


async def test_an_album_is_whole_or_nothing(bot: Bot, play: SandboxClient, lea: User) -> None:
    papers = [InputMediaDocument(b"%PDF" + bytes([n]), filename=f"{n}.pdf", caption=f"n° {n}") for n in range(3)]
    sent = await bot.send_media_group(lea.id, papers)
    assert len({message.media_group_id for message in sent}) == 1
    seen = play.chat(lea.id)[1:]
    assert [(m.file, m.text) for m in seen] == [("0.pdf", "n° 0"), ("1.pdf", "n° 1"), ("2.pdf", "n° 2")]
    assert play.download(seen[2]) == b"%PDF\x02"
    await bot.send_media_group(lea.id, [InputMediaPhoto(grey(9, 9)), InputMediaPhoto(grey(9, 9))])
    before = len(play.chat(lea.id))
    await refused(bot.send_media_group(lea.id, papers[:1]), "An album must include 2-10 items")
    await refused(bot.send_media_group(lea.id, papers * 4), "An album must include 2-10 items")
    mixed: list[InputMediaDocument | InputMediaPhoto] = [papers[0], InputMediaPhoto(grey(9, 9))]
    await refused(bot.send_media_group(lea.id, mixed), "Document can't be mixed with other media types")
    long = [papers[0], InputMediaDocument(b"%PDF", caption="x" * 1025)]
    await refused(bot.send_media_group(lea.id, long), "Message caption is too long")
    assert len(play.chat(lea.id)) == before


async def test_captions_have_1024_units_once_parsed(bot: Bot, lea: User) -> None:
    await bot.send_document(lea.id, b"%PDF", caption="&amp;" * 1024, parse_mode="HTML")
    await refused(bot.send_document(lea.id, b"%PDF", caption="🍰" * 513), "Message caption is too long")


async def test_files_have_their_limits(bot: Bot, play: SandboxClient, lea: User) -> None:
    await bot.send_document(lea.id, bytes(50 * MEGABYTE))
    await refused(bot.send_document(lea.id, bytes(50 * MEGABYTE + 1)), "Request Entity Too Large", NetworkError)
    await refused(bot.send_photo(lea.id, grey(9, 9) + bytes(10 * MEGABYTE)), "File is too big")
    await refused(bot.send_document(lea.id, b""), "File must be non-empty")
    await refused(bot.send_document(lea.id, "https://example.com/a.pdf"), "Failed to get HTTP URL content")
    await refused(bot.send_document(lea.id, "AAA"), "Wrong remote file identifier specified: Wrong string length")
    small = play.send_document(lea.id, ("a.pdf", b"%PDF"), size=20 * MEGABYTE)
    big = play.send_document(lea.id, ("plan.pdf", b"%PDF"), size=20 * MEGABYTE + 1)
    assert (await bot.get_file(str(small.file_id))).file_size == 20 * MEGABYTE
    await refused(bot.get_file(str(big.file_id)), "File is too big")
    await refused(bot.get_file("nothing"), "Invalid file_id")


async def test_a_file_that_somebody_sent_is_downloaded(bot: Bot, play: SandboxClient, lea: User) -> None:
    play.send_document(lea.id, ("bc.pdf", b"%PDF-1.7 bon de commande"), caption="voici")
    update = (await bot.get_updates())[-1]
    assert update.message is not None
    assert update.message.document is not None
    file = await update.message.document.get_file()
    assert await file.download_as_bytearray() == b"%PDF-1.7 bon de commande"


async def test_a_press_is_answered_once_and_in_time(bot: Bot, play: SandboxClient, lea: User) -> None:
    await bot.send_message(lea.id, "carte", reply_markup=keyboard("Confirmer", data="v1:abc"))
    first, second = play.press(lea.id, "Confirmer"), play.press(lea.id, "Confirmer")
    old = "Query is too old and response timeout expired or query ID is invalid"
    queries = [update.callback_query for update in await bot.get_updates() if update.callback_query]
    assert [(q.data, q.message.message_id if q.message else 0) for q in queries] == [("v1:abc", first.message_id)] * 2
    await queries[0].answer("Déjà confirmée par Léa", show_alert=True)
    await refused(queries[0].answer(), old)
    play.expire_presses()
    await refused(bot.answer_callback_query(str(second.callback_id)), old)
    await refused(bot.answer_callback_query("999"), old)
    (toast,) = play.toasts(lea.id)
    assert (toast.callback_id, toast.label, toast.text, toast.alert) == (
        first.callback_id, "Confirmer", "Déjà confirmée par Léa", True,
    )  # fmt: skip


async def test_a_toast_has_200_units(bot: Bot, play: SandboxClient, lea: User) -> None:
    await bot.send_message(lea.id, "carte", reply_markup=keyboard("OK"))
    press = str(play.press(lea.id, "OK").callback_id)
    await refused(bot.answer_callback_query(press, "x" * 201), "Message_too_long")
    assert await bot.answer_callback_query(press, "x" * 200)


async def test_commands_are_kept_by_scope(bot: Bot, play: SandboxClient, lea: User) -> None:
    nadia = play.add_user("Nadia")
    await bot.set_my_commands([("aide", "Aide")], scope=BotCommandScopeAllPrivateChats())
    await bot.set_my_commands([("impayes", "Impayés")], scope=BotCommandScopeChat(lea.id), language_code="fr")
    assert await bot.get_my_commands(BotCommandScopeAllPrivateChats()) == (BotCommand("aide", "Aide"),)
    assert await bot.get_my_commands() == ()
    assert play.commands(lea.id) == [{"command": "impayes", "description": "Impayés"}]
    assert play.commands(nadia.id) == [{"command": "aide", "description": "Aide"}]
    await bot.delete_my_commands(BotCommandScopeAllPrivateChats())
    assert play.commands(nadia.id) == []
    await refused(bot.set_my_commands([("Été", "x")]), "Bot_command_invalid")
    await refused(bot.set_my_commands([("x", "x")], scope=BotCommandScopeChat(999)), "Chat not found")


async def test_a_chat_action_is_one_telegram_knows(bot: Bot, lea: User) -> None:
    assert await bot.send_chat_action(lea.id, "upload_document")
    await refused(bot.send_chat_action(lea.id, "singing"), "Wrong parameter action in request")
