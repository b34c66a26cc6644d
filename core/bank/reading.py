"""What a statement says, in one shape for every format; it is whole and adds up, or it is refused by its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from core.bank.tables import Layout
from core.errors import Refused
from core.means import PaymentMeans
from core.money import ZERO, Money, total

#: What SEPA messages write where the payer gave no reference (EPC rulebooks).
NO_REFERENCE = frozenset({"NOTPROVIDED", "NONREF", "NOTPROVIDED."})


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of the account; `amount` is below zero for a debit, `line` is where the file says so."""

    line: int
    booked_on: date
    value_on: date
    amount: Money
    text: str = ""
    end_to_end: str = ""
    creditor_reference: str = ""
    bank_reference: str = ""
    payer_name: str = ""
    payer_iban: str = ""
    fees: Money = ZERO
    reject: str = ""
    means: PaymentMeans = PaymentMeans.TRANSFER


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `account` is as the bank writes it, `line` is where its closing balance stands."""

    layout: Layout
    account: str
    number: str
    opened_on: date
    closed_on: date
    opening: Money
    closing: Money
    movements: tuple[Movement, ...]
    line: int

    def ensure_adds_up(self) -> None:
        """Refuse a statement whose movements do not lead from one balance to the other."""
        found = self.opening + total(movement.amount for movement in self.movements)
        if found != self.closing:
            raise Refused("statement_balance", line=self.line, expected=self.closing, found=found)

    def is_of(self, iban: str) -> bool:
        """Whether it is the account with this IBAN: banks write the IBAN, the national number, or bank and account."""
        account, whole = bare(self.account).removesuffix("EUR"), bare(iban)
        national = whole[4:]
        return account in {whole, national, national[:-2], national[:5] + national[10:-2]}


def bare(text: str) -> str:
    """The letters and figures alone, as capitals."""
    return re.sub(r"[^0-9A-Z]", "", text.upper())


def words(text: str) -> str:
    """The text without superfluous blanks."""
    return " ".join(text.split())


def reference(text: str) -> str:
    """A payer's reference; empty where the message says that there is none."""
    found = words(text)
    return "" if found.upper() in NO_REFERENCE else found


def not_read(line: int, what: str) -> Refused:
    """The refusal of a line that cannot be understood."""
    return Refused("statement_not_read", line=line, what=what)
