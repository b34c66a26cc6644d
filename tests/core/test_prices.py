"""What an article costs: the strongest agreement, the best break, discounts taken off the unit price."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from core import facturx, invoices, journal, orders, pages, prices, quotes
from core.catalogue import Article
from core.db import transaction
from core.documents import Document, DocumentKind
from core.errors import Refused
from core.imports import ImportRefused, import_file
from core.journal import SYSTEM
from core.money import Money
from core.orders import AskedLine, DiscountBy, PriceChoice
from core.parties import Customer, Role
from core.prices import Discount, Price, PriceSource
from tests.core.builders import AT, Trade

TODAY = date(2026, 3, 10)
DAYS = st.integers(-3, 3).map(lambda days: TODAY + timedelta(days=days))
AMOUNTS = st.decimals(0, 1000, places=6)
PERCENTS = st.decimals(0, 99, places=4)
BREAKS = st.sampled_from([Decimal(0), Decimal(1), Decimal(10), Decimal("10.5")])
RULES = st.lists(
    st.builds(
        Price, id=st.integers(), article_id=st.just(1), customer_id=st.sampled_from([None, 7]),
        group=st.sampled_from(["", "gms"]), contract=st.booleans(), minimum_quantity=BREAKS, price=AMOUNTS,
        valid_from=DAYS, valid_until=st.none() | DAYS,
    ),
    max_size=8,
)  # fmt: skip


def add(trade: Trade, *rules: Price | Discount) -> None:
    trade.session.add_all(rules)
    trade.session.flush()


def price(trade: Trade, amount: str, **more: Any) -> Price:
    return Price(**{"article_id": trade.article.id, "price": Decimal(amount), "valid_from": TODAY, **more})


def off(percent: str, **more: Any) -> Discount:
    return Discount(**{"percent": Decimal(percent), "valid_from": TODAY, **more})


@given(rules=RULES, quantity=BREAKS, day=DAYS)
def test_the_price_is_what_a_naive_reading_of_the_list_gives(rules: list[Price], quantity: Decimal, day: date) -> None:
    expected: Price | None = None
    for source in (PriceSource.CONTRACT, PriceSource.CUSTOMER, PriceSource.GROUP, PriceSource.EVERYONE):
        for rule in rules:
            if rule.source is not source or rule.minimum_quantity > quantity or rule.valid_from > day:
                continue
            if rule.valid_until is not None and rule.valid_until < day:
                continue
            better = (rule.minimum_quantity, rule.valid_from)
            if expected is None or better > (expected.minimum_quantity, expected.valid_from):
                expected = rule
        if expected is not None:
            break
    assert prices.best_price(rules, on=day, quantity=quantity) is expected


@given(amount=AMOUNTS, percents=st.lists(PERCENTS, max_size=3))
def test_discounts_never_raise_a_price_nor_make_it_negative(amount: Decimal, percents: list[Decimal]) -> None:
    left = prices.discounted(amount, *percents)
    assert 0 <= left <= amount
    assert left == prices.checked_price(left, field="price")


def test_the_strongest_agreement_wins_and_the_best_break_within_it(trade: Trade) -> None:
    trade.customer.group = "gms"

    def costs(quantity: str = "1", customer: Customer | None = trade.customer) -> str:
        count = Decimal(quantity)
        return str(prices.price_for(trade.session, customer, trade.article, on=TODAY, quantity=count))

    assert costs() == "100"
    add(trade, price(trade, "99"), price(trade, "95", minimum_quantity=Decimal(10)))
    assert [costs(), costs("9.9"), costs("10")] == ["99", "99", "95"]
    add(trade, price(trade, "98", group="gms"), price(trade, "80", group="other"))
    assert [costs(), costs("10")] == ["98", "98"]  # his group's price, although everybody's break is lower
    add(trade, price(trade, "97", customer_id=trade.customer.id))
    add(trade, price(trade, "99.5", customer_id=trade.customer.id, contract=True, valid_until=TODAY))
    assert costs() == "99.5"
    assert costs("10", None) == "95"
    later = TODAY + timedelta(days=1)
    assert prices.price_for(trade.session, trade.customer, trade.article, on=later) == 97


def test_the_greatest_discount_applies_and_a_contract_price_is_net(trade: Trade) -> None:
    trade.article.category = "linge"
    add(trade, off("2"), off("5", category="linge"), off("8", category="bain"), off("3", article_id=trade.article.id))
    add(trade, off("10", minimum_quantity=Decimal(10)), off("50", group="gms"))

    def costs(quantity: str) -> str:
        return str(prices.price_for(trade.session, trade.customer, trade.article, on=TODAY, quantity=Decimal(quantity)))

    assert [costs("1"), costs("10")] == ["95", "90"]
    add(trade, price(trade, "93", customer_id=trade.customer.id, contract=True))
    assert [costs("1"), costs("10")] == ["93", "93"]


def test_another_quantity_has_another_price_unless_it_was_decided_or_quoted(trade: Trade) -> None:
    add(trade, price(trade, "90", minimum_quantity=Decimal(10)))
    line = AskedLine("draps", trade.article, Decimal(2), customer_price=Decimal(101))
    order = trade.draft(lines=(line, replace(line, customer_price=None)))
    first, second = order.lines

    def set_both(quantity: str) -> list[str]:
        for position in (1, 2):
            orders.set_quantity(trade.session, order, position, Decimal(quantity), by=trade.by(), at=trade.at)
        return [str(first.unit_price), str(second.unit_price)]

    assert set_both("10") == ["90", "90"]
    assert set_both("9") == ["100", "100"]
    orders.settle_price(trade.session, order, 1, PriceChoice.THEIRS, by=trade.by(), at=trade.at)
    assert set_both("10") == ["101", "90"]
    quote = quotes.draft(
        trade.session, orders.Asked(trade.customer, order.channel, (replace(line, customer_price=None),)),
        by=trade.by(), at=trade.at,
    )  # fmt: skip
    quoted = trade.draft((trade.article, "2"), quote_id=quote.id)
    orders.set_quantity(trade.session, quoted, 1, Decimal(10), by=trade.by(), at=trade.at)
    assert (quoted.lines[0].unit_price, quoted.lines[0].price_source) == (Decimal(100), PriceSource.QUOTE)


def test_an_order_discount_follows_the_amount_and_a_colleagues_takes_its_place(trade: Trade) -> None:
    add(trade, off("10", whole_order=True, minimum_net=Money.of(1000)), off("2", article_id=trade.article.id))
    other = trade.add_article("SER-50", "5")
    add(
        trade,
        Price(article_id=other.id, customer_id=trade.customer.id, contract=True, price=Decimal(4), valid_from=TODAY),
    )
    order = trade.draft((trade.article, "10"), (other, "1"))
    drap, towel = order.lines
    assert (drap.unit_price, towel.unit_price, order.discount_by) == (Decimal(98), Decimal(4), None)
    orders.set_quantity(trade.session, order, 1, Decimal(11), by=trade.by(), at=trade.at)
    assert (drap.unit_price, towel.unit_price) == (Decimal("88.2"), Decimal(4))  # 100 - 2 %, then - 10 %
    orders.set_discount(trade.session, order, Decimal(5), by=trade.by(), at=trade.at)
    assert (drap.unit_price, towel.unit_price) == (Decimal("93.1"), Decimal("3.8"))
    orders.set_discount(trade.session, order, Decimal(50), position=2, by=trade.by(), at=trade.at)
    assert (towel.unit_price, order.discount_by, towel.discount_by) == (Decimal("1.9"), DiscountBy.AGENT, "agent")
    orders.set_discount(trade.session, order, Decimal(0), position=2, by=trade.by(), at=trade.at)
    orders.set_discount(trade.session, order, Decimal(0), by=trade.by(), at=trade.at)
    assert (drap.unit_price, towel.unit_price, order.discount_by) == (Decimal("88.2"), Decimal(4), DiscountBy.RULE)
    kept = [entry for entry in journal.entries_of(trade.session, order.subject) if entry.action == "order_discounted"]
    assert len(kept) == 4
    for wrong in ("-1", "100", "5.00001"):
        with pytest.raises(Refused, match="discount_out_of_range"):
            orders.set_discount(trade.session, order, Decimal(wrong), by=trade.by(), at=trade.at)


def test_a_price_of_seven_decimals_is_refused_and_names_its_field(trade: Trade) -> None:
    with pytest.raises(Refused, match="price_too_fine") as refused:
        trade.draft(lines=(AskedLine("draps", trade.article, Decimal(1), customer_price=Decimal("1.1234567")),))
    assert refused.value.data["field"] == "customer_price"
    free = trade.add_article("ECH", "0")
    order = trade.draft((free, "2"), (trade.article, "1"))
    for wrong, code in (("1.1234567", "price_too_fine"), ("0", "price_negative"), ("-1", "price_negative")):
        with pytest.raises(Refused, match=code):
            orders.set_price(trade.session, order, 1, Decimal(wrong), by=trade.by(), at=trade.at)
    orders.set_price(trade.session, order, 1, Decimal("0.123456"), by=trade.by(), at=trade.at)
    orders.set_quantity(trade.session, order, 1, Decimal(3), by=trade.by(), at=trade.at)
    assert order.lines[0].unit_price == Decimal("0.123456")
    with pytest.raises(Refused, match="price_known"):
        orders.set_price(trade.session, order, 2, Decimal(3), by=trade.by(), at=trade.at)


def test_the_discount_is_printed_and_goes_into_the_invoices_data(trade: Trade) -> None:
    trade.house = trade.house.model_copy(update={"agent_discount_percent": Decimal(50)})
    order = trade.draft((trade.article, "3"), (trade.add_article("SER-50", "5"), "1"))
    orders.set_discount(trade.session, order, Decimal("33.3333"), position=1, by=trade.by(), at=trade.at)
    trade.confirm(order)
    delivery = trade.preparing(order)
    trade.ship(delivery)
    trade.verify(delivery)
    invoice = invoices.of_order(trade.session, order)[-1]
    document: Document = invoice.paper.document
    line, plain = document.lines
    assert (line.list_price, line.unit_price, line.discount_percent) == (100, Decimal("66.6667"), Decimal("33.33"))
    assert (plain.list_price, plain.discount_percent) == (None, None)
    xml = facturx.invoice_xml(document)
    assert facturx.check(xml) == []
    page = pages.render_html(document)
    assert all(shown in page for shown in ("Tarif HT", "Remise", "PU net HT", "33,33"))
    text = xml.decode()
    assert text.count("GrossPriceProductTradePrice>") == 2  # its two tags: one line has a gross price
    assert "<ram:ChargeAmount>100</ram:ChargeAmount>" in text
    assert "<ram:ActualAmount>33.3333</ram:ActualAmount>" in text
    note = invoices.issue_credit_note(
        trade.session, invoice, {1: Decimal(1)}, reason="abîmé", returned=False, house=trade.house, at=trade.at,
        by=trade.by(Role.ACCOUNTING),
    )  # fmt: skip
    assert (note.paper.document.lines[0].list_price, note.net) == (100, Money.of("66.67"))
    assert note.kind is DocumentKind.CREDIT_NOTE


PRICES = "customer;group;contract;sku;min_quantity;price;valid_from;valid_until\n"
DISCOUNTS = "customer;group;sku;category;on;min_quantity;min_net;percent;valid_from;valid_until\n"


@pytest.fixture
def books(engine: Engine) -> Engine:
    """A customer in a group, and two articles in a category."""
    with transaction(engine) as session:
        session.add(Customer(code="C001", name="Martin", group="gms"))
        for sku in ("A-1", "A-2"):
            session.add(
                Article(sku=sku, name=sku, unit="u", price=Decimal(1), vat_percent=Decimal(20), category="pain")
            )
    return engine


def take(engine: Engine, kind: str, content: str) -> tuple[int, int, int]:
    with transaction(engine) as session:
        report = import_file(session, kind, content.encode(), by=SYSTEM, at=AT)
    return report.added, report.changed, report.unchanged


def refused(engine: Engine, kind: str, content: str) -> list[str]:
    with pytest.raises(ImportRefused) as error:
        take(engine, kind, content)
    return str(error.value).splitlines()


def test_price_lists_are_taken_in_and_the_second_time_changes_nothing(books: Engine) -> None:
    rows = (
        "C001;;oui;a-1;;1,5;01/01/2026;\n;gms;;A-1;10;0.9;2026-01-01;2026-06-30\n;gms;;A-1;10;0.8;2026-07-01;\n"
        ";;;A-2;;2;2026-01-01;\n"
    )
    assert take(books, "prices", PRICES + rows) == (4, 0, 0)
    assert take(books, "prices", PRICES + rows) == (0, 0, 4)
    assert take(books, "prices", PRICES + ";;;A-2;0;2,10;2026-01-01;2026-12-31\n") == (0, 1, 0)
    assert take(books, "prices", PRICES + ";;;A-2;;3;2027-01-01;\n") == (1, 0, 0)
    assert refused(books, "prices", PRICES + ";;;A-2;;3;2026-05-01;2026-06-01\n") == [
        "line 2, valid_from: overlaps the one known from 2026-01-01: give the earlier one its valid_until"
    ]


def test_wrong_prices_are_named_by_line_and_column(books: Engine) -> None:
    rows = (
        "C009;;;A-1;;1;2026-01-01;\n;bio;parfois;A-9;-1;1,1234567;2026-01-01;2025-01-01\nC001;gms;;A-1;;0;;\n"
        ";;;A-1;;1;2026-01-01;2026-02-01\n;;;A-1;;2;2026-02-01;\n"
    )
    assert refused(books, "prices", PRICES + rows) == [
        "line 2, customer: 'C009' is not a customer's code",
        "line 3, contract: 'parfois' is neither yes nor no",
        "line 3, group: no customer is in the group 'bio'",
        "line 3, min_quantity: -1 is below 0",
        "line 3, price: 1,1234567 has more than 6 decimals",
        "line 3, sku: 'A-9' is not an article's reference",
        "line 3, valid_until: is before valid_from",
        "line 4, group: a row is for a customer or for a group, not for both",
        "line 4, price: is zero",
        "line 4, valid_from: is empty",
        "line 6, valid_from: overlaps line 5: give the earlier one its valid_until",
    ]
    assert take(books, "prices", PRICES) == (0, 0, 0)


def test_discounts_are_taken_in_and_wrong_ones_are_named(books: Engine) -> None:
    rows = "C001;;;pain;;;;5;2026-01-01;\n;gms;;;order;;1000;2;2026-01-01;\n;;A-1;;line;12;;3,5 %;2026-01-01;\n"
    assert take(books, "discounts", DISCOUNTS + rows) == (3, 0, 0)
    assert take(books, "discounts", DISCOUNTS + rows) == (0, 0, 3)
    assert take(books, "discounts", DISCOUNTS + rows.replace(";5;", ";6;")) == (0, 1, 2)
    wrong = (
        ";;A-1;pain;tout;;;100;2026-01-01;\n;;;vin;order;3;;0;2026-01-01;\n;;;;;;9;5;2026-01-01;\n"
        ";;A-1;;;12;;4;2026-03-01;\n"
    )
    assert refused(books, "discounts", DISCOUNTS + wrong) == [
        "line 2, category: a discount is on an article or on a category, not on both",
        "line 2, on: 'tout' is neither line nor order",
        "line 2, percent: 100 is not between 0 and 100",
        "line 3, category: no article is in the category 'vin'",
        "line 3, on: a discount on the order names no article, no category and no quantity",
        "line 3, percent: 0 is not between 0 and 100",
        "line 4, min_net: counts for a discount on the order only",
        "line 5, valid_from: overlaps the one known from 2026-01-01: give the earlier one its valid_until",
    ]
