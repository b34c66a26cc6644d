"""What a sales agent makes of two orders that look alike: the same one, two orders, or a correction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import cards, texts
from core import duplicates
from core.orders import Order, OrderRevision

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def _other(turn: Turn, args: Args) -> Order:
    return turn.session.get_one(Order, int(args["other"]))


def drop(turn: Turn, args: Args, order: Order) -> None:
    """The same order twice: this draft goes, with the reference of the first."""
    other = _other(turn, args)
    reason = texts.answer("duplicate_of", reference=other.reference)
    duplicates.drop(turn.session, order.id, other.id, reason=reason, by=turn.by, at=turn.at, version=args["version"])
    turn.toast = texts.answer("duplicate_dropped", reference=order.reference, other=other.reference)
    _show(turn, order)


def keep(turn: Turn, args: Args, order: Order) -> None:
    """Two orders: both stay, and the question is not put again."""
    duplicates.keep_both(turn.session, order.id, int(args["other"]), by=turn.by, at=turn.at, version=args["version"])
    turn.toast = texts.answer("duplicate_kept", reference=order.reference)
    _show(turn, order)


def correct(turn: Turn, args: Args, order: Order) -> None:
    """The later one corrects the earlier one: it replaces a draft, and becomes a revision of a registered order."""
    other = _other(turn, args)
    made = duplicates.correct(
        turn.session, order.id, other.id, reason=texts.answer("taken_up_in", reference=other.reference),
        replaced=texts.answer("replaced_by", reference=order.reference), by=turn.by, at=turn.at,
        version=args["version"],
    )  # fmt: skip
    key = "correction_proposed" if isinstance(made, OrderRevision) else "draft_replaced"
    turn.toast = texts.answer(key, reference=order.reference, other=other.reference)
    _show(turn, order)


def show_twin(turn: Turn, args: Args, _order: Order) -> None:
    """The other order, as a message of its own beside the question."""
    turn.send(cards.order_card(turn.session, _other(turn, args), house=turn.house, at=turn.at))


def _show(turn: Turn, order: Order) -> None:
    turn.session.flush()
    turn.show(cards.order_card(turn.session, order, house=turn.house, at=turn.at))


ACTIONS: dict[str, tuple[str, Any]] = {
    "duplicate_drop": ("order", drop),
    "duplicate_keep": ("order", keep),
    "duplicate_correct": ("order", correct),
    "show_twin": ("order", show_twin),
}
