"""What a check may look at: plain values, gathered by a few queries and by nothing else; a module for each subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from core import overrides
from core.clock import business_date
from core.facts import account, conformity, delivery, deposit, duplicates, lines, quote, sale_terms
from core.facts.account import AccountFacts, CreditRules, Exposure
from core.facts.conformity import ConformityFacts
from core.facts.delivery import DeliveryFacts
from core.facts.deposit import DepositFacts
from core.facts.duplicates import DuplicateFacts
from core.facts.lines import LineFacts
from core.facts.quote import QuoteFacts
from core.facts.sale_terms import SaleTermsFacts
from core.parties import Customer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.orders import Order
    from core.settings import House

__all__ = [
    "AccountFacts",
    "ConformityFacts",
    "CreditRules",
    "DeliveryFacts",
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
    delivery: DeliveryFacts = DeliveryFacts()  # noqa: RUF009 - frozen
    agent_discount_percent: Decimal = Decimal(0)


def gather(session: Session, order: Order, *, house: House, at: datetime) -> Facts:
    """The facts about an order at that instant."""
    today = business_date(at)
    query = select(Customer).where(Customer.id == order.customer_id)
    query = query.options(joinedload(Customer.contacts), joinedload(Customer.addresses))
    set_committed_value(order, "customer", session.scalars(query).unique().one())
    sums = order.totals
    papers = conformity.gather(order, sums=sums, house=house)
    return Facts(
        today=today,
        account=account.gather(session, order, gross=sums.gross, house=house, at=at),
        lines=lines.gather(session, order, today=today),
        conformity=papers,
        deposit=deposit.gather(session, order),
        quote=quote.gather(session, order, today=today),
        duplicates=duplicates.gather(session, order),
        sale_terms=sale_terms.gather(session, order, house=house, today=today, requirements=papers.requirements),
        price_tolerance_percent=house.price_tolerance_percent,
        overridden=overrides.standing(session, order, at=at),
        delivery=delivery.gather(order, net=sums.net, house=house, at=at),
        agent_discount_percent=house.agent_discount_percent,
    )
