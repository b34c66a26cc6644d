"""How accounting ends a dispute: with what was decided, and what that changes for the customer's orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import disputes, registration
from core.disputes import Dispute
from core.errors import Refused

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def settle_dispute(turn: Turn, args: Args, _dispute: Dispute) -> None:
    """What was decided? The next text; it is kept, and the amount is due again unless a credit note gave it back."""
    turn.ask("dispute_outcome", "which_outcome", dispute=args["dispute"])


def dispute_outcome(turn: Turn, args: Args, text: str) -> None:
    """The dispute is over."""
    dispute = turn.session.get_one(Dispute, args["dispute"], with_for_update=True)
    if not text.strip():
        raise Refused("reason_missing")
    with registration.looking_again(turn.session, dispute.customer, house=turn.house, at=turn.at):
        disputes.settle(turn.session, dispute, outcome=" ".join(text.split()), by=turn.by, at=turn.at)
    turn.say("dispute_settled", reference=dispute.reference, number=dispute.invoice.number)


ACTIONS: dict[str, tuple[str, Any]] = {"settle_dispute": ("dispute", settle_dispute)}
ANSWERS: dict[str, Any] = {"dispute_outcome": dispute_outcome}
