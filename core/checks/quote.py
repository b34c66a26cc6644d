"""Commercial: the quote that the order takes up still holds, and the order asks for what it offers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts
from core.quotes.differences import Gap, compare


def quote_still_holds(facts: Facts) -> Iterator[Finding]:
    """The quote that the order refers to had not expired, and no newer revision has replaced it."""
    if facts.quote is not None and facts.quote.expired:
        yield commercial("quote_expired", Severity.WATCH, quote=facts.quote.reference)
    if facts.quote is not None and facts.quote.replaced:
        yield commercial("quote_replaced", Severity.WATCH, quote=facts.quote.reference)


def order_is_what_was_quoted(facts: Facts) -> Iterator[Finding]:
    """Article by article, the order asks for what its quote offers: what differs is a counter-offer (C. civ. 1118)."""
    if facts.quote is None or not facts.quote.lines:
        return
    for gap in compare(facts.quote.lines, facts.lines):
        told = partial(
            commercial, severity=Severity.WATCH, sku=gap.sku, quoted=gap.quoted, ordered=gap.ordered,
            quote=facts.quote.reference,
        )  # fmt: skip
        match gap.gap:
            case Gap.ADDED:
                yield told("quote_article_added", position=gap.position)
            case Gap.MISSING:  # no line of the order to point at
                yield told("quote_article_missing")
            case Gap.MORE:
                yield told("quote_quantity_more", position=gap.position)
            case Gap.LESS:
                yield told("quote_quantity_less", position=gap.position)
            case Gap.PRICE:
                yield told("quote_price_differs", position=gap.position)
