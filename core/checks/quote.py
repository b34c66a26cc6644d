"""Commercial: the quote that the order takes up still holds."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts


def quote_still_holds(facts: Facts) -> Iterator[Finding]:
    """The quote that the order refers to had not expired."""
    if facts.quote is not None and facts.quote.expired:
        yield commercial("quote_expired", Severity.WATCH, quote=facts.quote.reference)
