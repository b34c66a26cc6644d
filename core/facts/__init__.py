"""What a check may look at: plain values, gathered by a few queries and by nothing else; a module for each subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from core import overrides
from core.clock import business_date
from core.facts import account, conformity, deposit, duplicates, lines, quote, sale_terms
from core.facts.account import AccountFacts, Exposure
from core.facts.conformity import ConformityFacts
from core.facts.deposit import DepositFacts
from core.facts.duplicates import DuplicateFacts
from core.facts.lines import LineFacts
from core.facts.quote import QuoteFacts
from core.facts.sale_terms import SaleTermsFacts

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.orders import Order
    from core.settings import House

__all__ = [
    "AccountFacts",
    "ConformityFacts",
    "DepositFacts",
    "DuplicateFacts",
    "Exposure",
    "Facts",
    "LineFacts",
    "QuoteFacts",
    "SaleTermsFacts",
    "gather",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything both services look at before an order is registered."""

    today: date
    account: AccountFacts
    lines: tuple[LineFacts, ...]
    conformity: ConformityFacts
    deposit: DepositFacts
    quote: QuoteFacts | None
    duplicates: DuplicateFacts
    sale_terms: SaleTermsFacts
    price_tolerance_percent: Decimal
    overridden: frozenset[str]


def gather(session: Session, order: Order, *, house: House, at: datetime) -> Facts:
    """The facts about an order at that instant."""
    today = business_date(at)
    known = conformity.gather(order, house=house)
    return Facts(
        today=today,
        account=account.gather(session, order, at=at),
        lines=lines.gather(session, order),
        conformity=known,
        deposit=deposit.gather(session, order),
        quote=quote.gather(session, order, today=today),
        duplicates=duplicates.gather(session, order),
        sale_terms=sale_terms.gather(session, order, house=house, today=today, requirements=known.requirements),
        price_tolerance_percent=house.price_tolerance_percent,
        overridden=overrides.standing(session, order, at=at),
    )
