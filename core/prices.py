"""What an article costs a customer on a day: a contract price when there is one, else the list price."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import ForeignKey, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.catalogue import Article
from core.db import PRICE, Base
from core.parties import Customer


class ContractPrice(Base):
    """A price agreed with one customer from a day on."""

    __tablename__ = "contract_price"
    __table_args__ = (UniqueConstraint("customer_id", "article_id", "valid_from"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    price: Mapped[Decimal] = mapped_column(PRICE)
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]


def price_for(session: Session, customer: Customer | None, article: Article, *, on: date) -> Decimal:
    """The price of one sales unit without VAT on that day."""
    if customer is None:
        return article.price
    agreed = session.scalar(
        select(ContractPrice.price)
        .where(
            ContractPrice.customer_id == customer.id,
            ContractPrice.article_id == article.id,
            ContractPrice.valid_from <= on,
            or_(ContractPrice.valid_until.is_(None), ContractPrice.valid_until >= on),
        )
        .order_by(ContractPrice.valid_from.desc())
        .limit(1)
    )
    return article.price if agreed is None else agreed
