"""What colleagues do about deposits: ask for one, agree on another in reply to the card, give one back."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import cards, texts
from bot.handlers.staff import AMOUNT
from bot.handlers.staff import amount as read_amount
from core import deposits, invoices
from core.errors import Refused
from core.money import ZERO, Money
from core.orders import Order

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
PERCENT = re.compile(r"(?<![\d.,])(\d{1,3}(?:[.,]\d{1,2})?)\s*%")


def request_deposit(turn: Turn, _args: Args, order: Order) -> None:
    """Issue the deposit invoice of an order that its customer accepted."""
    percent, language = order.deposit_percent, order.customer.language
    if percent:
        label = texts.answer("deposit_line", language, percent=percent, reference=order.reference)
    else:
        label = texts.answer("deposit_line_amount", language, reference=order.reference)
    invoices.issue_deposit(turn.session, order, house=turn.house, by=turn.by, at=turn.at, label=label)
    turn.show(cards.order_card(turn.session, order, house=turn.house, at=turn.at))


def reply(turn: Turn, order: Order, text: str) -> bool:
    """« acompte 30 % », « acompte 500 € », « sans acompte », « acompte selon les règles »; False for other words."""
    words, said = texts.table("menus", "fr")["words"], text.strip(" .!")
    if re.match(words["deposit"], said, re.IGNORECASE) is None:
        return False
    if re.fullmatch(words["deposit_rules"], said, re.IGNORECASE):
        deposits.follow_rules(turn.session, order, by=turn.by, at=turn.at)
    elif re.fullmatch(words["deposit_none"], said, re.IGNORECASE):
        deposits.agree(turn.session, order, by=turn.by, at=turn.at)
    else:
        percent, amount = wanted(said)
        deposits.agree(turn.session, order, by=turn.by, at=turn.at, percent=percent, amount=amount)
    return True


def wanted(said: str) -> tuple[Decimal | None, Money | None]:
    """The one share or the one amount in the words; nothing is guessed about money."""
    found = PERCENT.findall(said)
    rest = PERCENT.sub(" ", said)
    amounts = [match[0] for match in AMOUNT.finditer(rest)]
    if len(found) + len(amounts) != 1:
        raise Refused("deposit_not_read")
    if found:
        return Decimal(found[0].replace(",", ".")), None
    if not re.search(r"€|eur", rest, re.IGNORECASE):  # « acompte 30 » may be either
        raise Refused("deposit_not_read")
    return None, read_amount(rest, ZERO)


def credit_deposit(turn: Turn, _args: Args, order: Order) -> None:
    """Give back the deposit of a cancelled order by credit notes; what was paid stays the customer's credit."""
    reason = texts.answer("deposit_reason", order.customer.language)
    notes = invoices.credit_deposits(turn.session, order, reason=reason, house=turn.house, by=turn.by, at=turn.at)
    numbers = ", ".join(note.number for note in notes)
    turn.say("deposit_credited", reference=order.reference, numbers=numbers)


ACTIONS: dict[str, tuple[str, Any]] = {
    "request_deposit": ("order", request_deposit),
    "credit_deposit": ("order", credit_deposit),
}
