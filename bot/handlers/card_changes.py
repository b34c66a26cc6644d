"""What colleagues make of a request to change a customer's card: one calls back, another approves or refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import texts
from core import card_changes
from core.card_changes import CardChange

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def called_back(turn: Turn, _args: Args, change: CardChange) -> None:
    """The customer confirmed it on the number that we had."""
    card_changes.call_back(turn.session, change.id, by=turn.by, at=turn.at)
    turn.toast = texts.answer("card_called_back")


def approve(turn: Turn, _args: Args, change: CardChange) -> None:
    """A second colleague lets it stand."""
    card_changes.approve(turn.session, change.id, by=turn.by, at=turn.at)
    turn.toast = texts.answer("card_change_approved")


def refuse(turn: Turn, _args: Args, change: CardChange) -> None:
    """The card stays as it is."""
    card_changes.refuse(turn.session, change.id, by=turn.by, at=turn.at)
    turn.toast = texts.answer("card_change_refused")


ACTIONS: dict[str, tuple[str, Any]] = {
    "card_called_back": ("card_change", called_back),
    "approve_card_change": ("card_change", approve),
    "refuse_card_change": ("card_change", refuse),
}
