"""Buttons: what Telegram accepts under a message, and what a person then sees."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.sandbox.limits import BUTTONS, CALLBACK_DATA_BYTES
from bot.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from bot.sandbox.state import Json

_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)


def checked(markup: Json | None) -> Json | None:
    """The reply markup itself when a client could show it; an empty inline keyboard is none."""
    if markup is None:
        return None
    if "inline_keyboard" in markup:
        rows = [row for row in markup["inline_keyboard"] if row]
        if sum(len(row) for row in rows) > BUTTONS:
            raise bad_request("reply markup is too long")
        for row in rows:
            for button in row:
                _check_button(button)
        return {"inline_keyboard": rows} if rows else None
    if "keyboard" in markup and not any(button["text"] for row in markup["keyboard"] for button in row):
        raise bad_request("reply markup is empty")
    return markup


def _check_button(button: Json) -> None:
    actions = [name for name in _ACTIONS if name in button]
    if not button["text"].strip():
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be non-empty')
    if not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request("can't parse inline keyboard button: exactly one optional field must be used")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= CALLBACK_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button:
        _check_url(button["url"])


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme == "tg" or (parts.scheme in {"http", "https"} and "." in (parts.hostname or "")):
        return
    raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def inline_rows(body: Json) -> list[list[Json]]:
    """The inline buttons of a message, row by row."""
    rows: list[list[Json]] = body.get("reply_markup", {}).get("inline_keyboard", [])
    return rows


def labels(body: Json) -> list[list[str]]:
    """The labels of the inline buttons, row by row."""
    return [[button["text"] for button in row] for row in inline_rows(body)]


def button_named(body: Json, label: str, *, exactly: bool = False) -> Json | None:
    """The inline button a person means by this label: the one so named, else the only one that holds it."""
    buttons: list[Json] = [button for row in inline_rows(body) for button in row]
    same = [button for button in buttons if button["text"] == label]
    near = [] if exactly else [button for button in buttons if label in button["text"]]
    return same[0] if same else near[0] if len(near) == 1 else None
