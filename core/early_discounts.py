"""Early-payment discounts (escompte): what paying early earns, as the invoice promised it, and what was granted.

A discount is not deducted on the invoice: granted at payment, it lowers price and VAT then (accounts 665 and 44571).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import PERCENT, Base
from core.money import Money


class EarlyDiscount(Base):
    """What a payment within the time earned on one invoice, VAT included; below zero when that payment was rejected."""

    __tablename__ = "early_discount"

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    reversal_id: Mapped[int | None] = mapped_column(ForeignKey("payment_reversal.id"), index=True)
    amount: Mapped[Money]
    granted_on: Mapped[date]
    granted_at: Mapped[datetime]
    parts: Mapped[list[EarlyDiscountPart]] = relationship(order_by="EarlyDiscountPart.id")

    @property
    def subject(self) -> str:
        """The discount as the subject of journal lines."""
        return f"early_discount:{self.id}"


class EarlyDiscountPart(Base):
    """The part of a discount at one VAT rate: net (665) and VAT (44571) together are exact to the cent."""

    __tablename__ = "early_discount_part"

    id: Mapped[int] = mapped_column(primary_key=True)
    early_discount_id: Mapped[int] = mapped_column(ForeignKey("early_discount.id"), index=True)
    vat_percent: Mapped[Decimal] = mapped_column(PERCENT)
    net: Mapped[Money]
    vat: Mapped[Money]
