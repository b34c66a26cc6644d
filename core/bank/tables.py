"""Bank statements as they were imported, entry by entry, and what was decided about each entry."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, choice
from core.means import PaymentMeans
from core.money import Money
from core.parties import Customer
from core.payments import Payment


class Layout(StrEnum):
    """The formats that banks write."""

    CAMT053 = "camt.053"
    MT940 = "mt940"
    CFONB120 = "cfonb120"


class EntryState(StrEnum):
    """What became of an entry: BOOKED (payment, reject or refund), ASKED to accounting, LEFT (not a customer's)."""

    ASKED = "asked"
    BOOKED = "booked"
    LEFT = "left"


class BankStatement(Base):
    """One statement of the house's account; only its new entries are kept under it."""

    __tablename__ = "bank_statement"

    id: Mapped[int] = mapped_column(primary_key=True)
    iban: Mapped[str]
    layout: Mapped[Layout] = mapped_column(choice(Layout))
    number: Mapped[str]
    opened_on: Mapped[date]
    closed_on: Mapped[date]
    opening: Mapped[Money]
    closing: Mapped[Money]
    content_sha256: Mapped[str]
    imported_at: Mapped[datetime]
    entries: Mapped[list[BankEntry]] = relationship(back_populates="statement", order_by="BankEntry.position")

    @property
    def subject(self) -> str:
        """The statement as the subject of journal lines and outbox rows."""
        return f"bank_statement:{self.id}"


class BankEntry(Base):
    """One movement; `amount` is below zero for a debit, `fees` is what the bank kept of a credit before booking it.

    `key` is the hash of all that the bank says of it and how many equal ones came before it: two real payments of the
    same amount on the same day are two, the same entry in two overlapping statements is one.
    """

    __tablename__ = "bank_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statement.id"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int]
    booked_on: Mapped[date]
    value_on: Mapped[date]
    amount: Mapped[Money]
    fees: Mapped[Money]
    text: Mapped[str] = mapped_column(Text)
    end_to_end: Mapped[str]
    creditor_reference: Mapped[str]
    bank_reference: Mapped[str]
    payer_name: Mapped[str]
    payer_iban: Mapped[str]
    reject: Mapped[str]
    means: Mapped[PaymentMeans] = mapped_column(choice(PaymentMeans))
    state: Mapped[EntryState] = mapped_column(choice(EntryState))
    rule: Mapped[str]
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), index=True)
    reversal_id: Mapped[int | None] = mapped_column(ForeignKey("payment_reversal.id"), index=True)
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"), index=True)
    statement: Mapped[BankStatement] = relationship(back_populates="entries")
    payment: Mapped[Payment | None] = relationship()

    @property
    def subject(self) -> str:
        """The entry as the subject of journal lines and outbox rows."""
        return f"bank_entry:{self.id}"


class CustomerIban(Base):
    """An account that a customer paid from, learned from a match that was certain or that accounting decided."""

    __tablename__ = "customer_iban"
    __table_args__ = (UniqueConstraint("iban", "customer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    iban: Mapped[str] = mapped_column(index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    learned_at: Mapped[datetime]
    customer: Mapped[Customer] = relationship()


class ImportedPayment(Base):
    """Which row of a CSV file a payment came from: the hash of the row and how many equal ones came before it."""

    __tablename__ = "imported_payment"

    key: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
