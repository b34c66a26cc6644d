"""Faults of orders that are there already, and of orders that differ from their quote."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from core import quotes
from core.messages import MessageChannel
from core.orders import Asked, AskedLine, Order
from core.parties import Role
from core.quotes import Quote
from tests.scenarios.faults.world import World


def the_same_number_by_another_channel(world: World) -> tuple[str, Order]:
    first = world.order(channel=MessageChannel.MAIL)
    again = {"customer_reference": first.customer_reference, "channel": MessageChannel.CHAT}
    return "duplicate_number", world.order(**again)


def everything_again_by_another_channel(world: World) -> tuple[str, Order]:
    said = world.request() | {"channel": MessageChannel.MAIL}
    world.order(**said)
    return "possible_duplicate", world.order(**said | {"channel": MessageChannel.CHAT})


def the_same_file_without_a_number(world: World) -> tuple[str, Order]:
    world.order(source_hash="ab" * 32)
    return "duplicate_files", world.order(source_hash="ab" * 32, customer_reference="")


def _quoted(world: World) -> tuple[Quote, tuple[AskedLine, ...]]:
    lines = world.lines()
    asked = Asked(world.customer, MessageChannel.MAIL, lines)
    quote = quotes.draft(world.session, asked, by=world.by(Role.SALES), at=world.at)
    quotes.send(world.session, quote, house=world.house, by=world.by(Role.SALES), at=world.at)
    return quote, lines


def a_quote_that_expired(world: World) -> tuple[str, Order]:
    quote, lines = _quoted(world)
    quote.valid_until = world.at.date() - timedelta(days=1)
    return "quote_expired", world.order(lines=lines, quote_id=quote.id)


def one_more_than_was_quoted(world: World) -> tuple[str, Order]:
    quote, (first, *rest) = _quoted(world)
    assert first.quantity is not None
    more = replace(first, quantity=first.quantity + 1)
    return "quote_quantity_more", world.order(lines=(more, *rest), quote_id=quote.id)


def an_article_that_was_not_quoted(world: World) -> tuple[str, Order]:
    quote, lines = _quoted(world)
    known = {line.article.sku for line in lines if line.article is not None}
    other = next(article for article in world.articles if article.sku not in known)
    added = AskedLine(other.name, other, Decimal(1), customer_price=other.price)
    return "quote_article_added", world.order(lines=(*lines, added), quote_id=quote.id)


def a_price_that_was_not_quoted(world: World) -> tuple[str, Order]:
    quote, (first, *rest) = _quoted(world)
    assert first.customer_price is not None
    lower = replace(first, customer_price=first.customer_price - Decimal("0.5"))
    return "quote_price_differs", world.order(lines=(lower, *rest), quote_id=quote.id)


FAULTS = (
    the_same_number_by_another_channel,
    everything_again_by_another_channel,
    the_same_file_without_a_number,
    a_quote_that_expired,
    one_more_than_was_quoted,
    an_article_that_was_not_quoted,
    a_price_that_was_not_quoted,
)
