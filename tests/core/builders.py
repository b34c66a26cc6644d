"""The builders:  fixed data: a supplier, its staff by role, a customer reached by chat, an article with stock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from core import deliveries, invoices, orders, papers, registration, stock
from core.catalogue import Article
from core.deliveries import Delivery
from core.invoices import Invoice
from core.journal import Actor
from core.messages import MessageChannel
from core.money import Money
from core.orders import Asked, AskedLine, Order
from core.parties import ChatLink, Contact, Customer, Requirement, Role, Staff, StaffRole
from core.settings import House

AT = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)  # a Tuesday
CUSTOMER_CHAT = 7001


@dataclass
class Trade:
    """One session on the supplier's data, and the short ways a test takes through the circuit."""

    session: Session
    house: House
    customer: Customer
    article: Article
    staff: dict[Role, Staff]
    at: datetime = AT
    skus: dict[str, Article] = field(default_factory=dict)

    def by(self, role: Role = Role.SALES) -> Actor:
        return self.staff[role].as_actor()

    @property
    def buyer(self) -> Actor:
        return ChatLink(chat_id=CUSTOMER_CHAT, customer_id=self.customer.id, linked_at=AT).as_actor()

    def later(self, **delta: float) -> datetime:
        self.at += timedelta(**delta)
        return self.at

    def add_article(self, sku: str, price: str = "10", *, vat: str = "20", on_hand: str = "1000") -> Article:
        article = Article(sku=sku, name=f"Article {sku}", unit="C62", price=Decimal(price), vat_percent=Decimal(vat))
        self.session.add(article)
        self.session.flush()
        stock.count(self.session, article.id, Decimal(on_hand), source="count", at=self.at)
        self.skus[sku] = article
        return article

    def draft(self, *wanted: tuple[Article, str], **asked: Any) -> Order:
        lines = tuple(AskedLine(text=a.name, article=a, quantity=Decimal(q)) for a, q in wanted)
        given = {"customer": self.customer, "channel": MessageChannel.CHAT, "reply_chat_id": CUSTOMER_CHAT} | asked
        return orders.draft(
            self.session, Asked(lines=given.pop("lines", lines), **given), by=self.buyer, at=self.at
        )  # fmt: skip

    def confirm(self, order: Order, **options: Any) -> Order:
        given = {"house": self.house, "by": self.by(), "at": self.at} | options
        return registration.confirm(self.session, order.id, **given)

    def preparing(self, order: Order) -> Delivery:
        return deliveries.of_order(self.session, order)[-1]

    def ship(self, delivery: Delivery) -> papers.Paper:
        return deliveries.ship(self.session, delivery, house=self.house, by=self.by(Role.WAREHOUSE), at=self.at)

    def verify(self, delivery: Delivery, **options: Any) -> None:
        deliveries.verify(self.session, delivery, house=self.house, by=self.buyer, at=self.at, **options)

    def invoiced(self, *wanted: tuple[Article, str], **asked: Any) -> Invoice:
        """The invoice of an order that went through the whole circuit at this instant."""
        order = self.confirm(self.draft(*wanted, **asked))
        delivery = self.preparing(order)
        self.ship(delivery)
        self.verify(delivery)
        return invoices.of_order(self.session, order)[-1]


def furnish(session: Session, house: House) -> Trade:
    """The supplier's data in a fresh database."""
    staff = {}
    for role in Role:
        person = Staff(name=f"{role.value} one", email=f"{role.value}@linge.example")
        person.grants.append(StaffRole(role=role))
        staff[role] = person
    customer = Customer(
        code="C001", name="Hôtel Bellevue", siren="552100554", street="2 place Royale", postcode="80000",
        city="Amiens", payment_terms="30 jours", credit_limit=Money.of(50_000), recap_policy=Requirement.NOTED,
    )  # fmt: skip
    customer.contacts.append(Contact(name="Économat", email="achats@bellevue.example"))
    session.add_all([*staff.values(), customer])
    session.flush()
    session.add(ChatLink(chat_id=CUSTOMER_CHAT, customer_id=customer.id, linked_at=AT))
    for number, person in enumerate(staff.values(), start=1):
        session.add(ChatLink(chat_id=9000 + number, staff_id=person.id, linked_at=AT))
    trade = Trade(session, house, customer, article=Article(), staff=staff)
    trade.article = trade.add_article("DRA-140", "100")
    return trade
