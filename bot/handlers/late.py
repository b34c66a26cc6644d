"""Late interest and the recovery fee that a payment brought: accounting sees what may be kept, and keeps it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content
from bot.handlers.staff import amount
from bot.keyboards import Press
from core import late_charges, payments
from core.errors import Refused
from core.money import ZERO, Money
from core.payments import Payment

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def show(turn: Turn, words: str) -> None:
    """`PAYMENT DOCUMENT [INTEREST [+ FEE]]`: what would be kept, with its button; nothing is kept by asking."""
    said = re.split(r"[\s+]+", words.strip(), maxsplit=2)
    if len(said) < 2:
        raise Refused("late_words")
    payment = late_charges.payment_by_reference(turn.session, said[0])
    document = payments.document_by_number(turn.session, payment.customer, said[1])
    owed = late_charges.owed(turn.session, payment, document, house=turn.house)
    interest, recovery = owed.interest, owed.recovery
    if len(said) > 2:
        first, _, second = said[2].partition("+")
        interest, recovery = amount(first, ZERO), amount(second, ZERO) if second.strip() else ZERO
    args = {
        "paid": payment.id, "number": document.number, "interest": str(interest), "recovery": str(recovery),
        "left": str(owed.left),
    }  # fmt: skip
    kept = interest + recovery
    html = texts.render(
        "late_charge", payment=payment, document=document, owed=owed, interest=interest, recovery=recovery,
        customer=payment.customer, kept=kept,
    )  # fmt: skip
    button = [[Press("keep_late", args, {"amount": kept})]] if ZERO < kept <= owed.left else []
    turn.send(Content(html, button))


def keep_late(turn: Turn, args: Args, _thing: Any) -> None:
    """Keep what was shown, once: other figures than those on the card are shown anew."""
    payment = turn.session.get_one(Payment, int(args["paid"]))
    document = payments.document_by_number(turn.session, payment.customer, str(args["number"]))
    interest, recovery, left = (Money.of(str(args[name])) for name in ("interest", "recovery", "left"))
    late_charges.keep(
        turn.session, payment, document, interest=interest, recovery=recovery, house=turn.house, by=turn.by, at=turn.at,
        left_as_shown=left,
    )  # fmt: skip
    turn.say("late_kept", amount=interest + recovery, number=document.number, reference=payment.reference)


ACTIONS: dict[str, tuple[str, Any]] = {"keep_late": ("", keep_late)}
COMMANDS: dict[str, Any] = {"late_charges": show}
