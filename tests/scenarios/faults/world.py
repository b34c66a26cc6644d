"""A supplier whose every record is complete, and the good orders that its customers send."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from core import orders, sale_terms, stock
from core.catalogue import Article
from core.checks import Finding, Severity
from core.clauses import ClauseKind
from core.journal import SYSTEM, Actor, ActorKind
from core.messages import MessageChannel
from core.money import Money
from core.orders import Asked, AskedLine, Order
from core.parties import Contact, Customer, Point, Requirement, Role, Staff, StaffRole
from core.registration import examine
from core.sale_terms import HowAccepted
from core.settings import House

AT = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)  # a Tuesday
HOUSE = House(
    name="Linge et Maison SAS", street="1 rue du Quai", postcode="59000", city="Lille", siren="732829320",
    siret="73282932000074", vat_number="FR44732829320", terms_version="2026-01", iban="FR7630006000011234567890189",
)  # fmt: skip
CLAUSES = {
    ClauseKind.PAYMENT: "30 jours", ClauseKind.PENALTIES: "12.15", ClauseKind.RETENTION: "yes",
    ClauseKind.DELIVERY: "EXW",
}  # fmt: skip


@dataclass
class World:
    """The supplier in one session, a source of chance, and the order under check."""

    session: Session
    rng: random.Random
    customer: Customer
    articles: list[Article]
    staff: dict[Role, Staff]
    at: datetime = AT
    house: House = field(default_factory=lambda: HOUSE)
    numbers: int = 0
    asked: dict[str, Any] = field(default_factory=dict)

    @property
    def buyer(self) -> Actor:
        return Actor(ActorKind.CUSTOMER, self.customer.id)

    def lines(self) -> tuple[AskedLine, ...]:
        """One to six articles at our own prices, in quantities that the shelf has."""
        chosen = self.rng.sample(self.articles, self.rng.randint(1, 6))
        return tuple(
            AskedLine(
                text=article.name,
                article=article,
                quantity=Decimal(self.rng.randint(1, 9)),
                customer_price=article.price,
            )
            for article in chosen
        )

    def request(self) -> dict[str, Any]:
        """What a conforming purchase order says; no two have the same number or day."""
        self.numbers += 1
        return {
            "customer": self.customer, "channel": self.rng.choice([MessageChannel.CHAT, MessageChannel.MAIL]),
            "customer_reference": f"BC-{self.rng.randint(1000, 9999)}-{self.numbers}",
            "customer_reference_date": self.at.date() - timedelta(days=self.rng.randint(0, 3)), "accord": True,
            "requested_delivery_date": self.at.date() + timedelta(days=7), "lines": self.lines(),
            "contact_id": self.customer.contacts[0].id,
        }  # fmt: skip

    def order(self, **other: Any) -> Order:
        """A good order, or one that differs in what is given."""
        asked = Asked(**{**self.request(), **self.asked, **other})
        return orders.draft(self.session, asked, by=self.buyer, at=self.at)

    def by(self, role: Role) -> Actor:
        return self.staff[role].as_actor()

    def found(self, order: Order) -> dict[str, Finding]:
        """What both services hold against the order; what is only noted is left out."""
        self.session.flush()
        findings = examine(self.session, order, house=self.house, at=self.at)
        return {finding.code: finding for finding in findings if finding.severity is not Severity.NOTE}


def build(session: Session, rng: random.Random) -> World:
    """The world in a fresh database."""
    staff = {}
    for role in Role:
        person = Staff(name=f"{role.value} one", email=f"{role.value}@linge.example")
        person.grants.append(StaffRole(role=role))
        staff[role] = person
    customer = Customer(
        code="C001", name="Hôtel Bellevue", siren="552100554", siret="55210055400013", vat_number="FR60552100554",
        street="2 place Royale", postcode="80000", city="Amiens", payment_terms="30 jours",
        credit_limit=Money.of(20_000), recap_policy=Requirement.REQUIRED, electronic_address="552100554",
        electronic_scheme="0225",
    )  # fmt: skip
    buyer = Contact(name="Économat", email="achats@bellevue.example", order_limit=Money.of(15_000))
    customer.contacts.append(buyer)
    session.add_all([*staff.values(), customer])
    articles = [
        Article(
            sku=f"ART-{number:02}", name=f"Article {number}", unit="pièce", price=Decimal(rng.randint(200, 4000)) / 100,
            vat_percent=Decimal(rng.choice(["20", "5.5"])),
        )
        for number in range(20)
    ]  # fmt: skip
    session.add_all(articles)
    session.flush()
    customer.require(dict.fromkeys(Point, Requirement.REQUIRED))
    for article in articles:
        stock.count(session, article.id, Decimal(200), source="count", at=AT)
    terms, _ = sale_terms.add(
        session, "2026-01", b"%PDF-1.7 first", file_name="cgv.pdf", in_force_on=date(2026, 1, 1), clauses=CLAUSES,
        by=SYSTEM, at=AT,
    )  # fmt: skip
    how = HowAccepted.SIGNED
    sale_terms.accept(session, customer, terms, how=how, proof="signed in January", by=SYSTEM, at=AT)
    return World(session, rng, customer, articles, staff)
