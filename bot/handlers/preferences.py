"""What a customer wants of his chat: its language, and whether it rings for more than his orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content
from bot.keyboards import Press
from core import journal

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
#: The words of `menus.toml`, in any language, and what they ask for.
SAID = {"mute": "mute", "unmute": "unmute", "in_french": "fr", "in_english": "en"}


def first_language(code: str | None) -> str:
    """The language of somebody's client, where it is one that we write; empty for any other."""
    found = (code or "").partition("-")[0].lower()
    return found if found in texts.LANGUAGES else ""


def said(turn: Turn, bare: str) -> bool:
    """Do what plain words ask for in any state of the conversation; False for all other words."""
    for key, wanted in SAID.items():
        if bare in texts.spoken(key):
            if wanted in texts.LANGUAGES:
                speak(turn, wanted)
            else:
                _set(turn, muted=wanted == "mute")
            return True
    return False


def speak(turn: Turn, language: str) -> None:
    """Answer in that language from now on; papers keep that of the customer's record."""
    turn.link.language = language
    _note(turn, "chat_language", language=language)
    turn.say("language_set")


def mute(turn: Turn, _args: Any = None, _thing: Any = None) -> None:
    """No messages but those about an order under way, or that he must have."""
    _set(turn, muted=True)


def unmute(turn: Turn, _args: Any = None, _thing: Any = None) -> None:
    """All messages again."""
    _set(turn, muted=False)


def _set(turn: Turn, *, muted: bool) -> None:
    turn.link.muted = muted
    _note(turn, "chat_muted" if muted else "chat_unmuted")
    key, row = ("muted", [Press("unmute")]) if muted else ("unmuted", [])
    turn.send(Content(texts.escape(texts.answer(key, turn.language)), [row], language=turn.language))


def _note(turn: Turn, action: str, **data: Any) -> None:
    journal.write(
        turn.session, action, subject=f"customer:{turn.link.customer_id}", by=turn.by, at=turn.at,
        private=str(turn.chat_id), **data,
    )  # fmt: skip


def specify(turn: Turn, _args: Args, _thing: Any) -> None:
    """How an order is best written; whatever is written next is read as any other words."""
    turn.say("write_order")


ACTIONS: dict[str, tuple[str, Any]] = {"mute": ("", mute), "unmute": ("", unmute), "specify": ("", specify)}
COMMANDS: dict[str, Any] = {
    "mute": mute,
    "unmute": unmute,
    "speak_french": lambda turn, _rest: speak(turn, "fr"),
    "speak_english": lambda turn, _rest: speak(turn, "en"),
}
