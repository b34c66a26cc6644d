"""What a sales agent decides about changes of registered orders: yes, no, a line given up, a cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import cards, changes, texts
from bot.cards import Content
from bot.keyboards import Press
from core import deliveries, orders, revising
from core.errors import Refused
from core.orders import Order, OrderRevision, RevisionState, Wanted, revisions

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def accept(turn: Turn, args: Args, revision: OrderRevision) -> None:
    """The order becomes what is wanted, if it still is what the agent saw and both services agree."""
    order = revising.accept(
        turn.session, revision.id, house=turn.house, by=turn.by, at=turn.at, version=args["version"]
    )
    turn.toast = texts.answer("revision_accepted", reference=order.reference, index=order.revision)
    turn.show(changes.revision_card(turn.session, revision, house=turn.house, at=turn.at))


def refuse(turn: Turn, _args: Args, revision: OrderRevision) -> None:
    """Why not? The customer reads the next text."""
    turn.ask("refuse_revision_reason", "why_refuse_revision", revision=revision.id)


def refuse_reason(turn: Turn, args: Args, text: str) -> None:
    """Nothing changes, and the customer is told why."""
    revision = revising.refuse(turn.session, args["revision"], reason=text, by=turn.by, at=turn.at)
    turn.say("revision_refused", reference=revision.order.reference)


def accept_cancellation(turn: Turn, _args: Args, revision: OrderRevision) -> None:
    """For what reason? It is kept with the order."""
    if revision.state is not RevisionState.PROPOSED:
        revising.accept(turn.session, revision.id, house=turn.house, by=turn.by, at=turn.at)  # says who was first
    turn.ask("cancel_reason", "why_cancel", order=revision.order_id, revision=revision.id)


def cancel_confirmed(turn: Turn, _args: Args, order: Order) -> None:
    """For what reason? What was delivered already is said with the question."""
    left = bool(deliveries.shipped_quantities(turn.session, order))
    turn.ask("cancel_reason", "why_cancel_rest" if left else "why_cancel", order=order.id)


def cancel_reason(turn: Turn, args: Args, text: str) -> None:
    """Cancel the order, or what is left of it, for that reason."""
    if args.get("revision") is not None:
        order = revising.accept(turn.session, args["revision"], reason=text, house=turn.house, by=turn.by, at=turn.at)
    else:
        order = revising.cancel(turn.session, args["order"], reason=text, house=turn.house, by=turn.by, at=turn.at)
    key = "order_cancelled" if order.state is orders.OrderState.CANCELLED else "rest_closed"
    turn.say(key, reference=order.reference)


def close_lines(turn: Turn, _args: Args, order: Order) -> None:
    """The lines of which something is left, each with what giving it up means."""
    left = deliveries.remaining_quantities(turn.session, order)
    rows = [
        [
            Press(
                "close_line", {"position": line.position},
                {"position": line.position, "left": cards.parcelled(line, left[line.id])},
            )
        ]
        for line in order.kept_lines
        if line.id in left
    ]  # fmt: skip
    if not rows:
        raise Refused("line_complete", reference=order.reference, position="")
    html = texts.escape(texts.answer("which_line_closed", reference=order.reference))
    turn.send(Content(html, [*rows, [Press("no_cancel", label_key="keep_lines")]], order))


def close_line(turn: Turn, args: Args, order: Order) -> None:
    """What is left of the line is given up, and the customer told."""
    position = int(args["position"])
    revising.close_line(
        turn.session, order.id, position, house=turn.house, by=turn.by, at=turn.at, version=args["version"]
    )
    turn.toast = texts.answer("line_closed", position=position, reference=order.reference)


def propose(turn: Turn, order: Order, wanted: Wanted) -> None:
    """A colleague's words in reply to a registered order's card: a redline, and one press to apply it."""
    revisions.propose(turn.session, order, wanted, by=turn.by, at=turn.at)


ACTIONS: dict[str, tuple[str, Any]] = {
    "accept_revision": ("order_revision", accept),
    "refuse_revision": ("order_revision", refuse),
    "accept_cancellation": ("order_revision", accept_cancellation),
    "cancel_confirmed": ("order", cancel_confirmed),
    "close_lines": ("order", close_lines),
    "close_line": ("order", close_line),
}
ANSWERS: dict[str, Any] = {
    "refuse_revision_reason": refuse_reason,
    "cancel_reason": cancel_reason,
}
