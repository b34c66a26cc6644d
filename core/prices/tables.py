"""Agreed prices and discounts: for a customer, a group of customers or everybody, between days, from a quantity on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.db import PERCENT, PRICE, Base
from core.money import Money


class PriceSource(StrEnum):
    """Where the price of a line comes from, the strongest of the price lists first."""

    CONTRACT = "contract"
    CUSTOMER = "customer"
    GROUP = "group"
    EVERYONE = "everyone"
    ARTICLE = "article"
    QUOTE = "quote"
    GIVEN = "given"


#: Prices that the rules of the house discount; a contract, a quote and a price given by hand are net.
LISTED = frozenset({PriceSource.CUSTOMER, PriceSource.GROUP, PriceSource.EVERYONE, PriceSource.ARTICLE})


class Price(Base):
    """The price of one sales unit without VAT from a quantity on; a `contract` is with one customer.

    Without customer and group it is everybody's; a group is the one written on the customer.
    """

    __tablename__ = "price"

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    group: Mapped[str] = mapped_column(default="")
    contract: Mapped[bool] = mapped_column(default=False)
    minimum_quantity: Mapped[Decimal] = mapped_column(default=Decimal(0))
    price: Mapped[Decimal] = mapped_column(PRICE)
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]

    @property
    def source(self) -> PriceSource:
        """Whose price it is."""
        if self.customer_id is not None:
            return PriceSource.CONTRACT if self.contract else PriceSource.CUSTOMER
        return PriceSource.GROUP if self.group else PriceSource.EVERYONE


class Discount(Base):
    """A percentage off: of one article, of a category, of every article, or of the whole order.

    `minimum_quantity` counts the line's sales units; `minimum_net`, for the whole order, is what it must come to
    before the discount, without VAT.
    """

    __tablename__ = "discount"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    group: Mapped[str] = mapped_column(default="")
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"), index=True)
    category: Mapped[str] = mapped_column(default="")
    whole_order: Mapped[bool] = mapped_column(default=False)
    percent: Mapped[Decimal] = mapped_column(PERCENT)
    minimum_quantity: Mapped[Decimal] = mapped_column(default=Decimal(0))
    minimum_net: Mapped[Money | None]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
