"""What is known of the terms of sale: the version in force, the one the customer accepted, clauses that conflict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import clauses, sale_terms
from core.clauses import EXPECTED, ClauseChoice, ClauseKind
from core.parties import Point, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from sqlalchemy.orm import Session

    from core.orders import Order
    from core.sale_terms import SaleTerms
    from core.settings import House


@dataclass(frozen=True, slots=True)
class GapFacts:
    """A clause of the customer's paper that is not ours: both values, his words, and what was decided.

    `ours` is None where our terms say nothing; `worse` that his costs us something.
    """

    kind: ClauseKind
    ours: str | None
    theirs: str
    words: str
    worse: bool
    settled: ClauseChoice | None = None


@dataclass(frozen=True, slots=True)
class SaleTermsFacts:
    """The versions by name, None where there is none; `unstated` are clauses nobody entered for the one in force."""

    requirement: Requirement
    current: str | None
    accepted: str | None
    unstated: tuple[ClauseKind, ...] = ()
    gaps: tuple[GapFacts, ...] = ()


def gather(
    session: Session, order: Order, *, house: House, today: date, requirements: Mapping[Point, Requirement]
) -> SaleTermsFacts:
    """The terms of sale as they stand for this order that day."""
    current = sale_terms.in_force(session, on=today)
    known = sale_terms.accepted(session, order.customer)
    return SaleTermsFacts(
        requirement=requirements[Point.TERMS],
        current=current.version if current is not None else None,
        accepted=known.terms.version if known is not None else None,
        unstated=tuple(kind for kind in EXPECTED if current is not None and current.value(kind) is None),
        gaps=tuple(_gaps(order, current, house, today)),
    )


def _gaps(order: Order, current: SaleTerms | None, house: House, today: date) -> Iterator[GapFacts]:
    for clause in order.clauses:
        if clause.kind is ClauseKind.PURCHASE_TERMS:
            ours_by_name = current.version if current is not None else house.terms_version
            yield GapFacts(clause.kind, ours_by_name, clause.value, clause.words, worse=True, settled=clause.settled)
            continue
        ours = _ours(order, clause.kind, current, house)
        if ours is None:
            yield GapFacts(clause.kind, None, clause.value, clause.words, worse=False, settled=clause.settled)
        elif clauses.differ(clause.kind, ours, clause.value, on=today):
            costs = clauses.worse(clause.kind, ours, clause.value, on=today)
            yield GapFacts(clause.kind, ours, clause.value, clause.words, worse=costs, settled=clause.settled)


def _ours(order: Order, kind: ClauseKind, current: SaleTerms | None, house: House) -> str | None:
    """Our side of a clause: what was agreed with the customer, else our terms, else what our papers say anyway."""
    stated = current.value(kind) if current is not None else None
    if kind is ClauseKind.PAYMENT:  # nothing agreed is 30 days (C. com. L441-10 I)
        return order.customer.payment_terms or stated or "30"
    if kind is ClauseKind.PENALTIES and stated is None and house.penalty_rate is not None:
        return f"{house.penalty_rate:f}"
    if kind is ClauseKind.RETENTION and stated is None:
        return "yes"  # printed on every confirmation, delivery note and invoice
    return stated
