"""The deposit that a quote announces: what the rules of its day would ask of an order of its lines."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from core import formats, mentions
from core.vat import totals

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.orders import DepositTerm
    from core.quotes.tables import Quote


def announced(session: Session, quote: Quote, *, on: date) -> tuple[Decimal | None, tuple[str, ...]]:
    """The share of the whole order, where that is all that is asked, else one sentence for each rule.

    A sentence says the share or the amount, VAT included, what it applies to, and what waits for its payment.
    """
    from core import deposits
    from core.orders import DepositStage

    gross = totals(
        (quote.customer.vat_on(line.article), line.net) for line in quote.lines if line.article is not None
    ).gross
    with session.no_autoflush:
        terms = deposits.terms_of(session, quote.customer, quote.lines, gross, on=on)
    if len(terms) == 1 and _plain(terms[0]) and terms[0].blocks is DepositStage.REGISTRATION:
        return terms[0].percent, ()
    shared = deposits.by_term(quote.lines, terms)
    language, words = quote.customer.language, []
    for term, lines in shared:
        asked = totals(deposits.asked_of(term, lines, quote.customer).items()).gross
        if not asked:
            continue
        said = {
            "amount": formats.money(asked, language), "about": _about(quote, term, len(terms) > 1, on=on),
            "stage": mentions.wording(f"deposit_before_{term.blocks.value}", on=on, language=language),
        }  # fmt: skip
        if term.amount is None:
            said["share"] = formats.percent(term.percent or Decimal(0), language)
        key = "deposit_share" if term.amount is None else "deposit_fixed"
        words.append(mentions.wording(key, on=on, language=language, **said))
    return None, tuple(words)


def _plain(term: DepositTerm) -> bool:
    """A share of everything."""
    return term.amount is None and term.article_id is None and not term.category


def _about(quote: Quote, term: DepositTerm, among_others: bool, *, on: date) -> str:
    language = quote.customer.language
    if term.article_id is not None:
        names = (line.article.name for line in quote.lines if line.article and line.article.id == term.article_id)
        return mentions.wording("deposit_of_article", on=on, language=language, name=next(names, ""))
    if term.category:
        return mentions.wording("deposit_of_category", on=on, language=language, name=term.category)
    return mentions.wording("deposit_of_rest" if among_others else "deposit_of_order", on=on, language=language)
