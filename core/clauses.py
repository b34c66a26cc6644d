"""Clauses of terms of sale or purchase as plain values, and whether two of them disagree.

A value is written one way whoever stated it: payment days as `core.terms` reads them ("45 eom"), a yearly rate in
percent or `3x` the legal rate, `yes` or `no`, an Incoterm or who pays the carriage. Where two general terms conflict
on a clause, neither has effect (C. civ. 1119): so a gap must be settled before the order is registered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from core import mentions, terms
from core.errors import Refused


class ClauseKind(StrEnum):
    """What a clause is about; `PURCHASE_TERMS` is the bare claim that the buyer's own terms prevail."""

    PAYMENT = "payment"
    PENALTIES = "penalties"
    RETENTION = "retention"
    DELIVERY = "delivery"
    DELAY = "delay"
    LIABILITY = "liability"
    DEPOSIT = "deposit"
    PURCHASE_TERMS = "purchase_terms"


class ClauseChoice(StrEnum):
    """How a gap was settled: our clause stands, or theirs was accepted."""

    OURS = "ours"
    THEIRS = "theirs"


#: The clauses that our own terms should state: one that is missing cannot be held against theirs.
EXPECTED = (ClauseKind.PAYMENT, ClauseKind.PENALTIES, ClauseKind.RETENTION, ClauseKind.DELIVERY)
#: Incoterms by who pays the main carriage.
_SELLER_PAYS = frozenset({"CPT", "CIP", "DAP", "DPU", "DDP", "CFR", "CIF"})
_BUYER_PAYS = frozenset({"EXW", "FCA", "FAS", "FOB"})
INCOTERMS = _SELLER_PAYS | _BUYER_PAYS
PAID, DUE = "paid", "due"
LIABILITY = frozenset({"capped", "unlimited"})


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its normal value and the exact words that state it; `part` names the file, empty for the message."""

    kind: ClauseKind
    value: str
    words: str
    part: str = ""


def checked(kind: ClauseKind, value: str) -> str:
    """The value as it is kept; refuses one that means nothing for this kind of clause."""
    said = value.strip()
    right = False
    try:
        if kind is ClauseKind.PAYMENT:
            terms.parse(said)
            right = bool(said)
        elif kind in {ClauseKind.PENALTIES, ClauseKind.DEPOSIT}:
            right = said.endswith("x") or 0 <= Decimal(said) <= 100
        elif kind is ClauseKind.DELIVERY:
            said = said.upper() if said.upper() in INCOTERMS else said.lower()
            right = said in INCOTERMS | {PAID, DUE}
        elif kind is ClauseKind.LIABILITY:
            right = said in LIABILITY
        else:
            right = said in {"yes", "no"}
    except (Refused, InvalidOperation):
        right = False
    if not right:
        raise Refused("clause_invalid", clause=kind.value, value=value)
    return said


def rate(value: str, *, on: date) -> Decimal | None:
    """The yearly rate of penalties in percent that day; None when the legal rate of that day is not known."""
    if not value.endswith("x"):
        return Decimal(value)
    known = mentions.late_rate(on)
    return None if known is None else known.legal * Decimal(value.removesuffix("x"))


def differ(kind: ClauseKind, ours: str, theirs: str, *, on: date) -> bool:
    """The two clauses do not come to the same."""
    if kind is ClauseKind.PAYMENT:
        return terms.parse(ours) != terms.parse(theirs)
    if kind is ClauseKind.PENALTIES:
        return rate(ours, on=on) != rate(theirs, on=on)
    if kind is ClauseKind.DELIVERY:
        both = ours in INCOTERMS and theirs in INCOTERMS
        return ours != theirs if both else _carriage(ours) != _carriage(theirs)
    return ours != theirs


def worse(kind: ClauseKind, ours: str, theirs: str, *, on: date) -> bool:
    """Theirs costs us something: later payment, a lower rate, our title lost, our carriage, a penalty on us."""
    if not differ(kind, ours, theirs, on=on):
        return False
    if kind is ClauseKind.PAYMENT:
        mine, his = terms.parse(ours), terms.parse(theirs)
        days = [date(on.year, month, day) for month in range(1, 13) for day in (1, 15, 28)]
        return any(his.due_date(day) > mine.due_date(day) for day in days)
    if kind is ClauseKind.PENALTIES:
        mine_rate, his_rate = rate(ours, on=on), rate(theirs, on=on)
        return mine_rate is None or his_rate is None or his_rate < mine_rate
    if kind is ClauseKind.RETENTION:
        return theirs == "no"
    if kind is ClauseKind.DELAY:
        return theirs == "yes"
    return True


def _carriage(value: str) -> str:
    return PAID if value in _SELLER_PAYS | {PAID} else DUE
