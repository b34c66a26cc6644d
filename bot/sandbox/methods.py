"""The Bot API methods: each takes the state and its typed arguments and returns the result Telegram would give."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bot.sandbox import editing, sending, updates
from bot.sandbox.entities import units
from bot.sandbox.limits import DOWNLOAD_BYTES, TOAST_UNITS
from bot.sandbox.refusals import bad_request
from bot.sandbox.schema import METHODS
from bot.sandbox.state import BOT_ID, CALLBACK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.sandbox.state import Json, State

_COMMAND_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


async def get_me(state: State, _: Json) -> Json:
    """Who the bot is."""
    return state.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": True,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def answer_callback_query(state: State, given: Json) -> bool:
    """End the progress of a press, with a toast if there is a text; once only, and soon."""
    callback = state.callbacks.get(given["callback_query_id"])
    late = callback is not None and (state.now() - callback.at).total_seconds() > CALLBACK_SECONDS
    if callback is None or callback.answered or callback.expired or late:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = given.get("text", "")
    if units(text) > TOAST_UNITS:
        raise bad_request("MESSAGE_TOO_LONG")
    if "url" in given:
        raise bad_request("URL_INVALID")
    callback.answered = True
    state.record(
        callback.room,
        BOT_ID,
        "toast",
        only_for=callback.user,
        text=text,
        alert=given.get("show_alert", False),
        label=callback.label,
        message_id=callback.message_id,
        callback_id=callback.id,
    )
    return True


async def get_file(state: State, given: Json) -> Json:
    """Where to download a file, up to 20 MB."""
    stored = state.files.get(given["file_id"])
    if stored is None:
        raise bad_request("invalid file_id")
    if stored.size > DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    return stored.as_object() | {"file_path": stored.path}


def _scope(state: State, given: Json) -> tuple[str, str]:
    scope = given.get("scope") or {"type": "default"}
    if "chat_id" in scope:
        sending.known_room(state, scope["chat_id"])
    return json.dumps(scope, sort_keys=True), given.get("language_code", "")


async def set_my_commands(state: State, given: Json) -> bool:
    """The list of commands of a scope and a language."""
    if len(given["commands"]) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in given["commands"]:
        name = command["command"].removeprefix("/")
        if not 1 <= len(name) <= 32 or not set(name) <= _COMMAND_CHARS:
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= units(command["description"]) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    state.commands[_scope(state, given)] = [
        {"command": each["command"].removeprefix("/"), "description": each["description"]} for each in given["commands"]
    ]
    state.ring()
    return True


async def get_my_commands(state: State, given: Json) -> list[Json]:
    """The commands set for exactly this scope and language."""
    return state.commands.get(_scope(state, given), [])


async def delete_my_commands(state: State, given: Json) -> bool:
    """Forget the commands of a scope and a language."""
    state.commands.pop(_scope(state, given), None)
    return True


HANDLERS: dict[str, Callable[[State, Json], Awaitable[Any]]] = {
    "getMe": get_me,
    "getUpdates": updates.get_updates,
    "setWebhook": updates.set_webhook,
    "deleteWebhook": updates.delete_webhook,
    "getWebhookInfo": updates.get_webhook_info,
    "sendMessage": sending.send_message,
    "sendDocument": sending.send_document,
    "sendPhoto": sending.send_photo,
    "sendMediaGroup": sending.send_media_group,
    "sendChatAction": sending.send_chat_action,
    "editMessageText": editing.edit_message_text,
    "editMessageCaption": editing.edit_message_caption,
    "editMessageReplyMarkup": editing.edit_message_reply_markup,
    "deleteMessage": editing.delete_message,
    "answerCallbackQuery": answer_callback_query,
    "getFile": get_file,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
}
assert HANDLERS.keys() == METHODS.keys()  # noqa: S101 - the table of methods is complete
