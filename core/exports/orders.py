"""Registered orders as files say them: what their confirmation froze, with the codes that an ERP knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import papers, terms
from core.catalogue import Article
from core.clock import PARIS, business_date
from core.documents import Document, DocumentKind, DocumentLine
from core.errors import Refused
from core.exports import cells
from core.orders import Order, OrderState

#: What was decided to sell; a draft is nobody else's business.
REGISTERED = (OrderState.CONFIRMED, OrderState.CLOSED)
COLUMNS = (
    "reference", "revision", "confirmed_on", "customer_code", "customer_name", "customer_reference",
    "requested_delivery_date", "position", "sku", "gtin", "buyer_sku", "name", "quantity", "unit", "unit_price", "net",
    "vat_rate",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Handed:
    """An order as its confirmation says it; `number` is its row, `customer_code` and `article_codes` are the ERP's own.

    An article that the ERP knows by our reference is not in `article_codes`.
    """

    document: Document
    number: int
    confirmed_at: datetime
    customer_code: str = ""
    article_codes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def day(self) -> date:
        """The day on which it was registered."""
        return business_date(self.confirmed_at)

    @property
    def local(self) -> datetime:
        """The instant at which it was registered, on French clocks."""
        return self.confirmed_at.astimezone(PARIS)

    @property
    def ordered_on(self) -> date:
        """The day that the customer's own order bears, or that of its registration."""
        return self.document.buyer_order_date or self.day

    @property
    def due_date(self) -> date:
        """When an invoice of that day would be due."""
        return terms.parse(self.document.payment_terms).due_date(self.day)

    @property
    def buyer(self) -> str:
        """The customer's code in the ERP: its own where it has one, else ours."""
        return self.customer_code or self.document.buyer.code

    def article(self, line: DocumentLine) -> str:
        """The article's code in the ERP: its own where it has one, else ours."""
        return self.article_codes.get(line.sku) or line.sku

    @property
    def file_stem(self) -> str:
        """The order and its revision, as files are named."""
        revision = self.document.revision
        return f"{self.document.number}-R{revision}" if revision else self.document.number


def handed(session: Session, order: Order) -> Handed:
    """The registered order as its last confirmation says it; refuses one that is not registered."""
    paper = papers.latest(session, DocumentKind.ORDER_CONFIRMATION, order.reference)
    if order.state not in REGISTERED or paper is None or order.confirmed_at is None:
        raise Refused("order_not_confirmed", reference=order.reference)
    document = paper.document
    skus = [line.sku for line in document.lines]
    known = select(Article.sku, Article.erp_code).where(Article.sku.in_(skus), Article.erp_code != "")
    codes = {row.sku: row.erp_code for row in session.execute(known)}
    return Handed(document, order.id, order.confirmed_at, order.customer.erp_code, codes)


def registered(session: Session, *, since: date, until: date) -> Iterator[Handed]:
    """The orders registered from `since` to `until`, both days included, oldest first."""
    query = select(Order).where(Order.state.in_(REGISTERED), Order.confirmed_at.is_not(None)).order_by(Order.id)
    for order in session.scalars(query):
        if order.confirmed_at is not None and since <= business_date(order.confirmed_at) <= until:
            yield handed(session, order)


def rows(order: Handed) -> Iterator[tuple[cells.Cell, ...]]:
    """One row a line, under `COLUMNS`."""
    document = order.document
    for line in document.lines:
        yield (
            document.number, document.revision, order.day, document.buyer.code, document.buyer.name,
            document.buyer_order_number, document.requested_delivery_date, line.position, line.sku, line.gtin,
            line.buyer_reference, line.name, line.quantity, line.unit, line.unit_price, line.net,
            line.vat.percent if line.vat is not None else None,
        )  # fmt: skip
