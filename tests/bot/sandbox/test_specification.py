"""The sandbox against the public description of the Bot API, where that is present."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import httpx
import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.pictures import grey
from bot.sandbox.schema import METHODS, TYPES, Field
from bot.sandbox.seen import User
from bot.sandbox.server import Sandbox

Json = dict[str, Any]
SCALARS: dict[str, type | tuple[type, ...]] = {"Integer": int, "String": str, "Boolean": bool, "Float": (int, float)}


def declared(types: list[str]) -> list[str]:
    """« Array of Array of X » in the notation of our tables."""
    return sorted(each.rsplit(" ", 1)[-1] + "[]" * each.count("Array of") for each in types)


def as_spec(fields: dict[str, Field]) -> dict[str, tuple[bool, list[str]]]:
    return {name: (field.required, sorted(field.types)) for name, field in fields.items()}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_the_parameters_of_the_specification(spec: Json, method: str) -> None:
    fields = spec["methods"][method].get("fields", [])
    assert as_spec(METHODS[method]) == {
        field["name"]: (field["required"], declared(field["types"])) for field in fields
    }


@pytest.mark.parametrize("name", TYPES)
def test_every_type_a_bot_may_send_has_the_fields_of_the_specification(spec: Json, name: str) -> None:
    fields = spec["types"][name].get("fields", [])
    assert as_spec(TYPES[name]) == {field["name"]: (field["required"], declared(field["types"])) for field in fields}


class Checker:
    """Finds what an answer has too much, too little or of the wrong type."""

    def __init__(self, spec: Json) -> None:
        self.types = spec["types"]

    def problems(self, kinds: list[str], value: Any, where: str) -> list[str]:
        tries = [self._one(kind, value, where) for kind in kinds]
        return min(tries, key=len)

    def _one(self, kind: str, value: Any, where: str) -> list[str]:
        if kind.startswith("Array of "):
            if not isinstance(value, list):
                return [f"{where}: not an array"]
            inner = kind.removeprefix("Array of ")
            return [p for i, item in enumerate(value) for p in self._one(inner, item, f"{where}[{i}]")]
        if kind in SCALARS:
            fits = isinstance(value, SCALARS[kind]) and (kind == "Boolean" or not isinstance(value, bool))
            return [] if fits else [f"{where}: {value!r} is no {kind}"]
        described = self.types[kind]
        if "subtypes" in described:
            return min((self._one(each, value, where) for each in described["subtypes"]), key=len)
        if not isinstance(value, dict):
            return [f"{where}: {value!r} is no {kind}"]
        fields = {field["name"]: field for field in described.get("fields", [])}
        found = [f"{where}.{name}: unknown in {kind}" for name in value if name not in fields]
        found += [f"{where}.{n}: missing in {kind}" for n, f in fields.items() if f["required"] and n not in value]
        for name, item in value.items():
            if name in fields:
                found += self.problems(fields[name]["types"], item, f"{where}.{name}")
        return found


@pytest.fixture
def checker(spec: Json) -> Checker:
    return Checker(spec)


def test_the_checker_itself_finds_what_is_wrong(checker: Checker) -> None:
    assert checker.problems(["User"], {"id": 1, "is_bot": False, "first_name": "x"}, "u") == []
    assert checker.problems(["User"], {"id": "1", "is_bot": 0, "nick": "x"}, "u") == [
        "u.nick: unknown in User",
        "u.first_name: missing in User",
        "u.id: '1' is no Integer",
        "u.is_bot: 0 is no Boolean",
    ]


def test_every_result_has_the_fields_and_types_of_the_specification(
    sandbox: Sandbox, play: SandboxClient, lea: User, spec: Json, checker: Checker
) -> None:
    called: set[str] = set()
    with httpx.Client(base_url=f"{sandbox.base_url}/bot{sandbox.token}/", trust_env=False) as http:

        def call(method: str, files: Any = None, **given: Any) -> Any:
            answer = http.post(method, data=given, files=files) if files else http.post(method, json=given)
            body = answer.json()
            assert body["ok"], body
            assert checker.problems(spec["methods"][method]["returns"], body["result"], method) == []
            called.add(method)
            return body["result"]

        chat = lea.id
        keyboard = {"inline_keyboard": [[{"text": "OK", "callback_data": "a"}, {"text": "Web", "url": "https://a.fr"}]]}
        said = play.say(lea.id, "10 cartons")
        call("getMe")
        message = call(
            "sendMessage",
            chat_id=chat,
            text="<b>a</b> <a href='https://a.fr'>b</a> <pre><code class='language-py'>c</code></pre>",
            parse_mode="HTML",
            reply_markup=keyboard,
            reply_parameters={"message_id": said.message_id},
            link_preview_options={"is_disabled": True},
            protect_content=True,
        )
        number = message["message_id"]
        call("editMessageText", chat_id=chat, message_id=number, text="autre", reply_markup=keyboard)
        call("editMessageReplyMarkup", chat_id=chat, message_id=number)
        document = call(
            "sendDocument", {"document": ("bl.pdf", b"%PDF-1.7")}, chat_id=chat, caption="<i>x</i>", parse_mode="HTML"
        )
        call("editMessageCaption", chat_id=chat, message_id=document["message_id"], caption="y")
        photo = call("sendPhoto", {"photo": ("p.png", grey(300, 200))}, chat_id=chat, caption="z")
        assert [size["width"] for size in photo["photo"]] == [90, 300]
        call(
            "sendMediaGroup",
            chat_id=chat,
            media=[{"type": "document", "media": document["document"]["file_id"], "caption": text} for text in "ab"],
        )
        call("sendChatAction", chat_id=chat, action="typing")
        call("getFile", file_id=document["document"]["file_id"])
        call(
            "setMyCommands", commands=[{"command": "aide", "description": "Aide"}], scope={"type": "all_private_chats"}
        )
        call("getMyCommands", scope={"type": "all_private_chats"})
        call("deleteMyCommands")
        call("sendMessage", chat_id=chat, text="carte", reply_markup=keyboard)
        press = play.press(lea.id, "OK")
        call("answerCallbackQuery", callback_query_id=press.callback_id, text="Merci")
        call("deleteMessage", chat_id=chat, message_id=number)
        call("getWebhookInfo")
        call("setWebhook", url="https://example.com/hook", secret_token="s", allowed_updates=["message"])
        call("getWebhookInfo")
        call("deleteWebhook")
        call("getUpdates", allowed_updates=[])
    assert called == set(METHODS)


def test_every_update_a_person_can_cause_follows_the_specification(
    play: SandboxClient, lea: User, checker: Checker, sandbox: Sandbox
) -> None:
    nadia = play.add_user("Nadia")
    said = play.say(lea.id, "/aide a@b.fr https://a.fr")
    play.edit(lea.id, said.message_id, "12 cartons")
    play.say(lea.id, "réponse", reply_to=said.message_id)
    play.say(lea.id, "transféré", forwarded_from=nadia.id)
    play.send_document(lea.id, ("bc.pdf", b"%PDF"), caption="bon de commande")
    play.send_photo(lea.id, ("photo.png", grey(200, 100)), media_group_id="77")
    play.send_voice(lea.id, ("voix.ogg", b"OggS"), seconds=4)
    for kind in ("sticker", "location", "contact", "venue", "poll", "dice"):
        play.share(lea.id, kind)
    group = play.add_group("Dépôt", [lea.id, nadia.id])
    play.say(nadia.id, "bonjour", chat=group.id)
    url = f"{sandbox.base_url}/bot{sandbox.token}/sendMessage"
    keyboard = {"inline_keyboard": [[{"text": "OK", "callback_data": "a"}]]}
    httpx.post(url, json={"chat_id": lea.id, "text": "carte", "reply_markup": keyboard}, trust_env=False)
    play.press(lea.id, "OK")
    play.press(lea.id, "OK", inaccessible=True)
    play.block(lea.id)
    play.unblock(lea.id)
    play.upgrade_group(lea.id, group.id)
    updates = play.updates()
    assert checker.problems(["Array of Update"], updates, "updates") == []
    assert {kind for update in updates for kind in update} == {
        "update_id",
        "message",
        "edited_message",
        "callback_query",
        "my_chat_member",
    }


def test_the_thumbnail_is_a_real_picture() -> None:
    content = grey(3, 2)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (3, 2)
    start = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[start - 4 : start])
    assert zlib.decompress(content[start + 4 : start + 4 + length]) == (b"\x00" + b"\x80" * 3) * 2
