"""What the warehouse finds on the shelf: « inventaire CAF-250 38 », « perte 2 CAF-250 casse »."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.access import allowed
from bot.cards import plural
from core import catalogue, counts
from core.catalogue import Article
from core.errors import Refused
from intake.reading.words import unit_named

if TYPE_CHECKING:
    from bot.turns import Turn
    from core.counts import Found

NUMBER = r"(?P<quantity>\d[\d\u00a0\u202f]*(?:[.,]\d+)?)"
COUNT = re.compile(rf"(?P<article>.+?)\s*[:=]?\s+{NUMBER}(?:\s+(?P<unit>[^\W\d]+))?")
LOSS = re.compile(rf"{NUMBER}\s+(?P<rest>\S.*)", re.DOTALL)


def said(turn: Turn, text: str) -> bool:
    """Words of a count or of a loss, from somebody who may note them; False for any others."""
    words = texts.table("menus", "fr")["words"]
    for word, action in (("counted", "count_stock"), ("lost", "lose_stock")):
        if (found := re.match(words[word], text, re.IGNORECASE)) and allowed(turn.link, action):
            COMMANDS[action](turn, text[found.end() :])
            return True
    return False


def count(turn: Turn, text: str) -> None:
    """`ARTICLE QUANTITY [UNIT]`, a line for each article: all of them or none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    read = [COUNT.fullmatch(line) for line in lines]
    if not lines or not all(read):
        raise Refused("count_words")
    for found in read:
        assert found is not None  # noqa: S101 - all of them were read
        article = _article(turn, found["article"])
        on_hand = _units(article, found["quantity"], found["unit"])
        _say(turn, "stock_counted", counts.count(turn.session, article, on_hand, by=turn.by, at=turn.at))


def lose(turn: Turn, text: str) -> None:
    """`QUANTITY [UNIT] ARTICLE REASON`; the article is its reference."""
    found = LOSS.fullmatch(text.strip())
    if found is None:
        raise Refused("loss_words")
    named, *others = found["rest"].split()
    unit = None
    if _known(turn, named) is None and others and _known(turn, others[0]) is not None:
        unit, named, others = named, others[0], others[1:]
    if not others:
        raise Refused("loss_words")
    article = _article(turn, named)
    quantity = _units(article, found["quantity"], unit)
    lost = counts.lose(turn.session, article, quantity, reason=" ".join(others), by=turn.by, at=turn.at)
    _say(turn, "stock_lost", lost)


def _known(turn: Turn, sku: str) -> Article | None:
    """The article of exactly that reference."""
    found = catalogue.search_articles(turn.session, sku)
    return next((article for article in found if article.sku.casefold() == sku.casefold()), None)


def _article(turn: Turn, words: str) -> Article:
    """The article of that reference, or the only one with these words: a shelf is never guessed."""
    named = words.strip(" :=")
    found = catalogue.search_articles(turn.session, named)
    if (exact := _known(turn, named)) is not None or len(found) == 1:
        return exact or found[0]
    if not found:
        raise Refused("nothing_found", words=named)
    raise Refused("article_not_one", words=named, found=", ".join(article.sku for article in found[:6]))


def _units(article: Article, number: str, unit: str | None) -> Decimal:
    """How many sales units; refuses a packaging that the article does not have."""
    quantity = Decimal(re.sub(r"\s", "", number).replace(",", "."))
    if unit is None or _same(unit, article.unit):
        return quantity
    pack = next((known for known in article.packagings if _same(unit, known.name)), None)
    if pack is None:
        known = ", ".join(pack.name for pack in article.packagings) or article.unit
        raise Refused("packaging_not_counted", packaging=unit, sku=article.sku, unit=article.unit, known=known)
    return quantity * pack.quantity


def _same(written: str, name: str) -> bool:
    word = written.casefold()
    known = {unit_named(word), unit_named(word.rstrip("s")), word, word.rstrip("s")} - {""}
    return bool(known & {unit_named(name), name.casefold()})


def _say(turn: Turn, key: str, found: Found) -> None:
    shelf, unit = found.shelf, plural(found.article.unit, found.shelf.on_hand)
    turn.say(
        key, sku=found.article.sku, name=found.article.name, before=found.before, on_hand=shelf.on_hand, unit=unit,
        available=shelf.available,
    )  # fmt: skip
    if shelf.oversold:
        turn.say("stock_promised", sku=found.article.sku, reserved=shelf.reserved, missing=shelf.oversold)


COMMANDS: dict[str, Any] = {"count_stock": count, "lose_stock": lose}
