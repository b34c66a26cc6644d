"""Lines that a message takes from our quote: by their positions, or all of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import quotes
from core.errors import NotUnderstood
from core.orders import AskedLine
from core.quotes import Quote, QuoteLine, QuoteState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.parties import Customer
    from intake.reading import Reading

NAMED, ONLY_ONE, ONE_OF_SEVERAL = Decimal("0.97"), Decimal("0.95"), Decimal("0.7")
#: A number that may count packs or sales units.
UNCLEAR = Decimal("0.8")
PART = "quote"


@dataclass(frozen=True, slots=True)
class Meant:
    """The quote that the customer means, and how sure that is."""

    quote: Quote
    confidence: Decimal


def meant(session: Session, customer: Customer, reading: Reading) -> Meant | None:
    """His quote of the reference he gives; without one, where he takes lines of an offer, his latest open quote."""
    if reading.quote_reference:
        named = quotes.by_reference(session, reading.quote_reference)
        if named is not None and named.customer_id == customer.id and named.state is not QuoteState.DRAFT:
            return Meant(named, NAMED)
        if named is not None or not reading.quote_lines:
            return None
    if not reading.quote_lines:
        return None
    query = select(Quote).where(Quote.customer_id == customer.id, Quote.state == QuoteState.SENT)
    still_open = list(session.scalars(query.order_by(Quote.id.desc()).limit(2)))
    if not still_open:
        return None
    # a reference that is none of ours: it may be the customer's name for it
    sure = len(still_open) == 1 and not reading.quote_reference
    return Meant(still_open[0], ONLY_ONE if sure else ONE_OF_SEVERAL)


def lines(found: Meant | None, reading: Reading) -> tuple[AskedLine, ...]:
    """The lines taken from the quote; raises `NotUnderstood` when lines of a quote are taken that is not there."""
    if not reading.quote_lines:
        return ()
    if found is None:
        raise NotUnderstood("quote_unknown")
    known = {line.position: line for line in found.quote.lines}
    return tuple(
        _taken(known[position], quantity, found) if position in known else _unknown(position, quantity, found)
        for position, quantity in reading.quote_lines
    )


def every_line(found: Meant) -> tuple[AskedLine, ...]:
    """All the lines of a quote that is taken up without a word about them: to be confirmed."""
    whole = Meant(found.quote, min(found.confidence, UNCLEAR))
    return tuple(_taken(line, None, whole) for line in found.quote.lines)


def _taken(line: QuoteLine, quantity: Decimal | None, found: Meant) -> AskedLine:
    packed = line.packaging and line.packaging_count and line.quantity
    count, confidence = line.packaging_count, found.confidence
    if quantity is None:
        quantity = line.quantity
    elif packed and line.quantity and line.packaging_count:
        count, confidence = quantity, min(confidence, UNCLEAR)
        quantity = quantity * line.quantity / line.packaging_count
    return AskedLine(
        text=line.text or (line.article.name if line.article is not None else ""), article=line.article,
        quantity=quantity, packaging=line.packaging, packaging_count=count if packed else None,
        customer_reference=line.customer_reference, confidence=confidence,
        evidence=_evidence(found.quote, line.position),
    )  # fmt: skip


def _unknown(position: int, quantity: Decimal | None, found: Meant) -> AskedLine:
    """A line that the quote does not have: kept for a person, never dropped."""
    return AskedLine(
        text=f"{found.quote.reference} L{position}", article=None, quantity=quantity, confidence=Decimal(0),
        evidence=_evidence(found.quote, position),
    )  # fmt: skip


def _evidence(quote: Quote, position: int) -> tuple[tuple[str, object], ...]:
    return (("part", PART), ("quote", quote.reference), ("position", position))
