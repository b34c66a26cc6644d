"""A difference of a cent is told to the customer in his recap and his confirmation, in his language."""

from __future__ import annotations

import pytest

from bot import cards, recaps, texts
from core.money import Money
from tests.core.builders import Trade
from tests.core.conftest import house, trade

__all__ = ["house", "trade"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "fr",
            "Votre bon indique un total de TVA de 0,03 €, le nôtre est 0,02 € : votre logiciel semble arrondir la TVA",
        ),
        (
            "en",
            "Your order states a VAT total of €0.03, ours is €0.02: your software seems to round the VAT of each line",
        ),
    ],
)
def test_a_cents_difference_is_explained_in_recap_and_confirmation(trade: Trade, language: str, said: str) -> None:
    small = trade.add_article("A", "0.03")
    order = trade.draft((small, "1"), (small, "1"), (small, "1"), customer_vat=Money.of("0.03"))
    for template in ("order_recap", "order_confirmed"):
        if template == "order_recap":
            told = recaps.recap_card(trade.session, order, house=trade.house, at=trade.at, language=language).html
        else:
            more = {"changes": [], "paper": None, "enclosed": "", "terms": ""}
            told = texts.render(template, language, **cards.order_context(order, language), **more)
        assert said in " ".join(told.replace("\u00a0", " ").replace("\u202f", " ").split())
    order.customer_vat = Money.of("0.50")
    assert cards.rounding_told(order, language) == ""
    order.customer_vat = Money.of("0.02")
    assert cards.rounding_told(order, language) == ""
