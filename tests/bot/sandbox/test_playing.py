"""The control side through its client: what people can do, what they see, and how a test waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup, ReplyKeyboardRemove

from bot.sandbox.client import SandboxClient, SandboxRefused
from bot.sandbox.seen import User
from bot.sandbox.server import Sandbox


def card(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=f"v1:{label}")] for label in labels])


async def test_people_and_groups_are_listed(play: SandboxClient) -> None:
    lea = play.add_user("Léa", last_name="Martin", username="lea", language_code="fr", id=42)
    omar = play.add_user("Omar")
    group = play.add_group("Dépôt", [omar.id, lea.id])
    play.say(lea.id, "/start")
    assert [(user.id, user.first_name, user.started) for user in play.users()] == [
        (42, "Léa", True),
        (omar.id, "Omar", False),
    ]
    assert [(each.id, each.title, each.members) for each in play.groups()] == [(group.id, "Dépôt", [omar.id, 42])]


def test_what_no_client_allows_is_refused(play: SandboxClient, lea: User) -> None:
    omar = play.add_user("Omar")
    said = play.say(lea.id, "x")
    acts: dict[str, Callable[[], object]] = {
        "no user 999": lambda: play.say(999, "x"),
        "is not in chat": lambda: play.say(omar.id, "x", chat=lea.id),
        "pieces of 4096": lambda: play.say(lea.id, "x" * 4097),
        "empty text": lambda: play.say(lea.id, " \n"),
        "not user": lambda: play.edit(lea.id, said.message_id + 1, "y"),
        "no message 999": lambda: play.delete(lea.id, 999),
        "sees no button 'OK'": lambda: play.press(lea.id, "OK"),
        "no client sends a pigeon": lambda: play.share(lea.id, "pigeon"),
        "exists": lambda: play.add_user("Double", id=lea.id),
        "unexpected keyword": lambda: play._post("/say", {"user": lea.id, "text": "x", "colour": "red"}),
        "missing 'user'": lambda: play._post("/block"),
    }
    for problem, act in acts.items():
        with pytest.raises(SandboxRefused, match=problem):
            act()


async def test_a_press_finds_its_button_by_label(bot: Bot, play: SandboxClient, lea: User) -> None:
    old = await bot.send_message(lea.id, "1", reply_markup=card("✅ Confirmer", "Modifier"))
    new = await bot.send_message(lea.id, "2", reply_markup=card("Confirmer tout", "Confirmer sans prix"))
    await bot.send_message(
        lea.id, "3", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("Site", "https://a.fr")]])
    )
    assert play.press(lea.id, "Confirmer").message_id == old.message_id
    assert play.press(lea.id, "Confirmer tout").message_id == new.message_id
    assert play.press(lea.id, "sans prix").message_id == new.message_id
    with pytest.raises(SandboxRefused, match="sees no button"):
        play.press(lea.id, "Confirmer", message_id=new.message_id)
    with pytest.raises(SandboxRefused, match="does not call the bot"):
        play.press(lea.id, "Site")
    pressed = [update["callback_query"]["data"] for update in play.updates() if "callback_query" in update]
    assert pressed == ["v1:✅ Confirmer", "v1:Confirmer tout", "v1:Confirmer sans prix"]


async def test_t31_a_modified_client_sends_any_data(bot: Bot, play: SandboxClient, lea: User) -> None:
    sent = await bot.send_message(lea.id, "1", reply_markup=card("OK"))
    play.press_data(lea.id, sent.message_id, "v1:forged")
    assert play.updates()[-1]["callback_query"]["data"] == "v1:forged"


async def test_t28_a_press_on_a_very_old_card_carries_no_text(bot: Bot, play: SandboxClient, lea: User) -> None:
    sent = await bot.send_message(lea.id, "1", reply_markup=card("OK"))
    play.press(lea.id, "OK", inaccessible=True)
    query = (await bot.get_updates())[-1].callback_query
    assert query is not None
    assert query.message is not None
    assert (query.message.message_id, query.message.is_accessible) == (sent.message_id, False)


async def test_a_key_below_the_text_field_types_its_label(bot: Bot, play: SandboxClient, lea: User) -> None:
    await bot.send_message(lea.id, "?", reply_markup=ReplyKeyboardMarkup([["Oui", "Non"]]))
    assert play.last(lea.id).markup == "keyboard"
    assert play.press(lea.id, "Oui").callback_id is None
    assert play.chat(lea.id)[-1].text == "Oui"
    await bot.send_message(lea.id, "!", reply_markup=ReplyKeyboardRemove())
    with pytest.raises(SandboxRefused):
        play.press(lea.id, "Non")


async def test_files_go_both_ways(play: SandboxClient, lea: User, tmp_path: Path) -> None:
    path = tmp_path / "BC n° 1.pdf"
    path.write_bytes(b"%PDF-1.7")
    said = play.send_document(lea.id, path, caption="ci-joint", media_group_id="9")
    assert (said.kind, said.file, said.text, said.media_group_id, said.mine) == (
        "document", "BC n° 1.pdf", "ci-joint", "9", True,
    )  # fmt: skip
    assert play.download(said) == b"%PDF-1.7"


async def test_a_transcript_keeps_what_was_edited_deleted_pressed_and_answered(
    bot: Bot, play: SandboxClient, lea: User
) -> None:
    play.set_time(datetime(2026, 3, 2, 8, 30, tzinfo=UTC))
    sent = await bot.send_message(lea.id, "v1", reply_markup=card("OK"))
    play.press(lea.id, "OK")
    await bot.answer_callback_query(str(play.updates()[-1]["callback_query"]["id"]), "Confirmée")
    await bot.edit_message_text("v2", lea.id, sent.message_id)
    await bot.send_document(lea.id, b"%PDF", filename="BL.pdf", caption="bon")
    play.delete(lea.id, sent.message_id)
    lines = play.transcript(lea.id)[1:]
    assert [(e["kind"], e["who"], e["text"], e.get("buttons"), e.get("file")) for e in lines] == [
        ("message", "bot", "v1", [["OK"]], None),
        ("press", "Léa Martin", "OK", None, None),
        ("toast", "bot", "Confirmée", None, None),
        ("edit", "bot", "v2", None, None),
        ("document", "bot", "bon", None, "BL.pdf"),
        ("delete", "Léa Martin", "", None, None),
    ]
    assert {line["at"] for line in lines} == {"2026-03-02T08:30:00+00:00"}
    assert [seen.file for seen in play.chat(lea.id)] == [None, "BL.pdf"]


async def test_presses_and_toasts_in_a_group_are_seen_by_who_pressed(bot: Bot, play: SandboxClient, lea: User) -> None:
    omar = play.add_user("Omar")
    group = play.add_group("Dépôt", [lea.id, omar.id])
    await bot.send_message(group.id, "carte", reply_markup=card("Prendre"))
    press = play.press(omar.id, "Prendre", chat=group.id)
    await bot.answer_callback_query(str(press.callback_id), "à vous")
    assert [event["kind"] for event in play.transcript(omar.id, chat=group.id)] == [
        "service",
        "message",
        "press",
        "toast",
    ]
    assert [event["kind"] for event in play.transcript(lea.id, chat=group.id)] == ["service", "message"]
    assert (play.toasts(lea.id), play.toasts(omar.id)[0].text) == ([], "à vous")


async def test_waiting_ends_when_the_message_comes(bot: Bot, play: SandboxClient, lea: User) -> None:
    waiting = asyncio.create_task(asyncio.to_thread(play.wait_for, lea.id, "total 1 234,50 €", button="Confirmer"))
    await bot.send_message(lea.id, "Total 0 €", reply_markup=card("Confirmer"))
    await bot.send_message(lea.id, "un total\u00a01\u202f234,50\u00a0€")
    sent = await bot.send_message(lea.id, "total 1\u202f234,50\u00a0€", reply_markup=card("✅ Confirmer"))
    assert (await waiting).message_id == sent.message_id


async def test_waiting_has_conditions(bot: Bot, play: SandboxClient, lea: User) -> None:
    sent = await bot.send_message(lea.id, "x", reply_markup=card("OK"))
    await bot.send_document(lea.id, b"%PDF", filename="Facture-12.pdf")
    mark = play.mark()
    assert play.wait_for(lea.id, file="Facture", kind="document", timeout=0).file == "Facture-12.pdf"
    assert play.wait_for(lea.id, "x", edited=False, timeout=0).message_id == sent.message_id
    for conditions in ({"after": mark}, {"edited": True}, {"without_button": "OK", "contains": "x"}, {"kind": "photo"}):
        with pytest.raises(TimeoutError):
            play.wait_for(lea.id, timeout=0, **conditions)
    await bot.edit_message_text("y", lea.id, sent.message_id)
    changed = play.wait_for(lea.id, after=mark, edited=True, without_button="OK", message_id=sent.message_id, timeout=0)
    assert changed.text == "y"


def test_one_does_not_wait_for_ones_own_words(play: SandboxClient, lea: User) -> None:
    play.say(lea.id, "10 cartons")
    with pytest.raises(TimeoutError, match="not within 0 s") as error:
        play.wait_for(lea.id, "cartons", timeout=0)
    assert '"text": "10 cartons"' in str(error.value)


async def test_a_wait_for_a_toast_and_for_calls(bot: Bot, play: SandboxClient, lea: User) -> None:
    await bot.send_message(lea.id, "x", reply_markup=card("OK"))
    waiting = asyncio.create_task(asyncio.to_thread(play.wait_for_toast, lea.id, "confirm"))
    press = play.press(lea.id, "OK")
    await bot.answer_callback_query(str(press.callback_id), "Déjà confirmée")
    assert (await waiting).callback_id == press.callback_id
    assert [call.method for call in play.wait_for_calls("answerCallbackQuery", timeout=0)] == ["answerCallbackQuery"]


def test_the_clock_is_the_tests_own(lea: User, play: SandboxClient) -> None:
    assert abs(datetime.fromisoformat(play.chat(lea.id)[0].at) - datetime.now(UTC)).total_seconds() < 60
    play.set_time(datetime(2026, 1, 5, 9, 0, tzinfo=UTC))
    assert play.say(lea.id, "x").at == "2026-01-05T09:00:00+00:00"
    play.set_time(None)
    assert play.say(lea.id, "y").at > "2026-01-06"
    fixed = datetime(2027, 5, 3, 7, 0, tzinfo=UTC)
    with Sandbox(now=lambda: fixed) as other, other.client() as there:
        assert there.say(there.add_user("Zoé").id, "x").at == fixed.isoformat()


async def test_news_name_the_chats_that_changed_and_the_toasts(bot: Bot, play: SandboxClient, lea: User) -> None:
    after = play.mark()
    assert play.news(after, timeout=0) is None
    sent = await bot.send_message(lea.id, "Confirmer ?", reply_markup=card("Oui"))
    pressed = await asyncio.to_thread(play.press_data, lea.id, sent.message_id, "v1:Oui", label="Oui")
    await bot.answer_callback_query(str(pressed.callback_id), "Confirmée.")
    told = await asyncio.to_thread(play.news, after, timeout=5)
    assert told is not None
    assert told["chats"] == [lea.id]
    assert [(toast["label"], toast["text"]) for toast in told["toasts"]] == [("Oui", "Confirmée.")]
    assert play.news(told["seq"], timeout=0) is None


def test_the_control_side_documents_itself(sandbox: Sandbox) -> None:
    routes = httpx.get(sandbox.control_url, trust_env=False, verify=False).json()  # noqa: S501
    assert {
        "method": "POST",
        "path": "/control/edit",
        "does": "Change one's own message: user, message_id, text; chat.",
    } in routes
    assert all(route["does"] for route in routes)
