"""Quotes: prepared, sent, revised, taken up once, declined, expired, and compared with the order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from core import journal, orders, papers, quotes, registration
from core.clock import business_date
from core.db import transaction
from core.deposits import DepositRule
from core.documents import DocumentKind
from core.errors import Refused
from core.facts import lines as ordered
from core.facts import quote as quoted
from core.facts.lines import LineFacts
from core.journal import JournalEntry
from core.messages import MessageChannel
from core.money import Money
from core.orders import Asked, AskedLine, DepositStage, Order, PriceChoice
from core.pages import render_html
from core.prices import Discount
from core.quotes import Gap, Quote, QuotedLine, QuoteState
from tests.core.builders import CUSTOMER_CHAT, Trade


def offer(trade: Trade, *lines: tuple[Any, str], sent: bool = True) -> Quote:
    wanted = tuple(AskedLine("x", article, Decimal(count)) for article, count in lines or [(trade.article, "10")])
    asked = Asked(trade.customer, MessageChannel.ORAL, wanted)
    quote = quotes.draft(trade.session, asked, by=trade.by(), at=trade.at)
    if sent:
        quotes.send(trade.session, quote, house=trade.house, by=trade.by(), at=trade.at)
    return quote


def take(trade: Trade, quote: Quote, **given: Any) -> Order:
    given = {"channel": MessageChannel.CHAT, "how": "button", "by": trade.buyer, "at": trade.at} | given
    return quotes.take_up(trade.session, quote, **given)


def test_a_revision_has_the_same_number_replaces_the_former_and_leaves_it_as_it_was(trade: Trade) -> None:
    first = offer(trade)
    again = quotes.revise(trade.session, first, by=trade.by(), at=trade.at)
    assert quotes.revise(trade.session, first, by=trade.by(), at=trade.at) is again
    quotes.set_price(trade.session, again, 1, Decimal("95.5"), by=trade.by(), at=trade.at)
    assert (first.state, again.state) == (QuoteState.SENT, QuoteState.DRAFT)
    quotes.send(trade.session, again, house=trade.house, by=trade.by(), at=trade.at)
    assert (first.state, again.number, again.revision) == (QuoteState.REPLACED, first.number, 1)
    assert first.lines[0].unit_price == Decimal(100)
    old, new = trade.session.scalars(select(papers.Paper).where(papers.Paper.number == first.number)).all()
    assert [(p.revision, p.document.revision, p.document.totals.net) for p in (old, new)] == [
        (0, 0, Money.of(1000)), (1, 1, Money.of(955)),
    ]  # fmt: skip
    assert f"{first.number} rév. 1" in render_html(new.document)
    assert quotes.by_reference(trade.session, first.number) is again
    with pytest.raises(Refused, match="quote_replaced"):
        take(trade, first)
    with pytest.raises(Refused, match="quote_not_draft"):
        quotes.set_quantity(trade.session, first, 1, Decimal(3), by=trade.by(), at=trade.at)
    assert take(trade, again).totals.net == Money.of(955)


def test_a_quote_is_taken_up_once_at_its_own_prices_and_the_proof_is_kept(trade: Trade) -> None:
    quote = offer(trade, (trade.article, "10"), (trade.article, "5"), sent=False)
    quotes.set_price(trade.session, quote, 2, Decimal("80.25"), by=trade.by(), at=trade.at)
    quotes.send(trade.session, quote, house=trade.house, by=trade.by(), at=trade.at)
    begun = quotes.revise(trade.session, quote, by=trade.by(), at=trade.at)
    order = take(trade, quote, accord=True)
    assert [line.unit_price for line in order.lines] == [Decimal(100), Decimal("80.25")]
    assert (quote.state, begun.state) == (QuoteState.ACCEPTED, QuoteState.DECLINED)
    proof = trade.session.scalars(select(JournalEntry).where(JournalEntry.action == "quote_accepted")).one()
    assert order.reference in proof.data
    assert "button" in proof.data
    with pytest.raises(Refused, match="quote_already_ordered"):
        take(trade, quote)
    with pytest.raises(Refused, match="quote_accepted"):
        quotes.send(trade.session, _reopened(begun), house=trade.house, by=trade.by(), at=trade.at)
    assert trade.session.scalar(select(func.count()).select_from(Order)) == 1
    assert journal.first_broken(trade.session) is None


def _reopened(quote: Quote) -> Quote:
    quote.state = QuoteState.DRAFT
    return quote


def test_an_expired_quote_waits_for_a_person(trade: Trade) -> None:
    quote = offer(trade)
    assert quote.valid_until == business_date(trade.at) + timedelta(days=trade.house.quote_days)
    trade.later(days=31)
    with pytest.raises(Refused, match="quote_has_expired"):
        take(trade, quote)
    quotes.ask_late(trade.session, quote, by=trade.buyer, at=trade.at)
    quotes.ask_late(trade.session, quote, by=trade.buyer, at=trade.at)
    told = select(func.count()).select_from(JournalEntry).where(JournalEntry.action == "quote_wanted_late")
    assert trade.session.scalar(told) == 1
    assert take(trade, quote, late=True, by=trade.by()).quote_id == quote.id


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda t, q, k: quotes.set_quantity(t.session, q, 1, Decimal(0), **k), "quantity_not_positive"),
        (lambda t, q, k: quotes.set_price(t.session, q, 1, Decimal("9.1234567"), **k), "price_too_fine"),
        (lambda t, q, k: quotes.set_price(t.session, q, 1, Decimal(-1), **k), "price_negative"),
        (lambda t, q, k: quotes.set_price(t.session, q, 7, Decimal(1), **k), "line_unknown"),
        (lambda t, q, k: quotes.set_validity(t.session, q, date(2020, 1, 1), **k), "date_in_past"),
        (lambda t, q, k: quotes.append_lines(t.session, q, (AskedLine("x", t.article, Decimal(0)),), **k),
         "quantity_not_positive"),
        (lambda t, q, k: quotes.decline(t.session, q, reason=" ", **k), "reason_missing"),
        (lambda t, q, k: quotes.revise(t.session, q, **k), "quote_not_revisable"),
        (lambda t, q, _: quotes.lock(t.session, q.id, version=9), "quote_version_changed"),
        (lambda t, _, __: quotes.lock(t.session, 999), "quote_unknown"),
    ],
)  # fmt: skip
def test_a_wrong_change_is_refused_and_changes_nothing(trade: Trade, change: Callable[..., None], code: str) -> None:
    quote = offer(trade, sent=False)
    with pytest.raises(Refused, match=code):
        change(trade, quote, {"by": trade.by(), "at": trade.at})
    assert (quote.version, len(quote.lines), quote.lines[0].quantity, quote.lines[0].unit_price) == (1, 1, 10, 100)


def test_a_quote_without_lines_or_for_a_closed_customer_is_not_sent(trade: Trade) -> None:
    quote = offer(trade, sent=False)
    trade.customer.active = False
    with pytest.raises(Refused, match="customer_account_closed"):
        quotes.send(trade.session, quote, house=trade.house, by=trade.by(), at=trade.at)
    trade.customer.active = True
    quotes.remove_line(trade.session, quote, 1, by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="quote_without_lines"):
        quotes.send(trade.session, quote, house=trade.house, by=trade.by(), at=trade.at)
    assert papers.latest(trade.session, DocumentKind.QUOTE, quote.number) is None


def test_of_two_agents_at_once_the_second_is_told_that_the_quote_changed(
    engine: Engine, furnished: Callable[[], Trade]
) -> None:
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        number = offer(trade, sent=False).id
    with transaction(engine) as session:
        quotes.set_price(session, quotes.lock(session, number), 1, Decimal(90), by=trade.by(), at=trade.at)
    with transaction(engine) as session:
        seen = session.get_one(Quote, number)
        with pytest.raises(Refused, match="quote_version_changed"):
            quotes.send(session, seen, house=trade.house, by=trade.by(), at=trade.at, version=1)
    with transaction(engine) as session:
        assert session.get_one(Quote, number).state is QuoteState.DRAFT


def test_a_purchase_order_that_differs_from_its_quote_is_shown_line_by_line(trade: Trade) -> None:
    gown, towel = trade.add_article("PEI-M", "30"), trade.add_article("SER-50", "5")
    quote = offer(trade, (trade.article, "10"), (gown, "6"))
    lines = (
        AskedLine("draps", trade.article, Decimal(12), customer_price=Decimal(99)),
        AskedLine("serviettes", towel, Decimal(50)),
    )
    order = trade.draft(lines=lines, quote_id=quote.id)
    found = registration.examine(trade.session, order, house=trade.house, at=trade.at)
    told = {f.code: (f.position, f.data["quoted"], f.data["ordered"]) for f in found if f.code.startswith("quote_")}
    assert told == {
        "quote_quantity_more": (1, 10, 12), "quote_price_differs": (1, 100, 99),
        "quote_article_added": (2, 0, 50), "quote_article_missing": (None, 6, 0),
    }  # fmt: skip
    rows = quotes.beside(
        quoted.lines_of(trade.session, quote), ordered.gather(trade.session, order, today=trade.at.date()), {}
    )
    assert [(row.sku, row.differs, row.gap) for row in rows] == [
        ("DRA-140", True, Money.of(188)), ("PEI-M", True, Money.of(-180)), ("SER-50", True, Money.of(250)),
    ]  # fmt: skip
    assert quotes.gap_of(rows) == Money.of(258)
    orders.settle_price(trade.session, order, 1, PriceChoice.OURS, by=trade.by(), at=trade.at)
    assert quote.state is QuoteState.SENT
    trade.confirm(order)
    assert quote.state is QuoteState.ACCEPTED


SKUS = st.sampled_from("ABC")
LINES = st.lists(st.tuples(SKUS, st.integers(1, 9), st.integers(1, 3)), max_size=6)


@given(LINES, LINES)
def test_quote_and_order_differ_exactly_where_the_rows_side_by_side_do(
    offered: list[tuple[str, int, int]], asked: list[tuple[str, int, int]]
) -> None:
    of_quote = [QuotedLine(i, sku, sku, Decimal(n), Decimal(p)) for i, (sku, n, p) in enumerate(offered)]
    of_order = [
        LineFacts(
            position=i, sku=sku, text=sku, quantity=Decimal(n), unit_price=Decimal(p), customer_price=None,
            price_choice=None, confidence=Decimal(1), available=Decimal(0),
        )
        for i, (sku, n, p) in enumerate(asked)
    ]  # fmt: skip
    as_ordered = [replace_sku(line) for line in of_quote]
    assert quotes.compare(of_quote, as_ordered) == ()
    rows = quotes.beside(of_quote, of_order, {})
    if quotes.compare(of_quote, of_order):
        assert any(row.differs for row in rows)
    worth = sum(n * p for _, n, p in asked) - sum(n * p for _, n, p in offered)
    assert quotes.gap_of(rows) == Money.of(worth)
    missing = {d.sku for d in quotes.compare(of_quote, of_order) if d.gap is Gap.MISSING}
    assert missing == {sku for sku, _, _ in offered} - {sku for sku, _, _ in asked}


def replace_sku(line: QuotedLine) -> LineFacts:
    return LineFacts(
        position=line.position, sku=line.sku, text="", quantity=line.quantity, unit_price=line.unit_price,
        customer_price=None, price_choice=None, confidence=Decimal(1), available=Decimal(0),
    )  # fmt: skip


def test_the_rules_discount_a_whole_quote_as_they_do_an_order_and_the_order_keeps_its_prices(trade: Trade) -> None:
    session, other = trade.session, trade.add_article("SER-50", "50")
    whose = {"customer_id": trade.customer.id, "valid_from": date(2026, 1, 1)}
    session.add(Discount(whole_order=True, percent=Decimal(5), minimum_net=Money.of(1000), **whose))
    session.add(Discount(article_id=other.id, percent=Decimal(10), **whose))
    session.flush()
    lines = (AskedLine("draps", trade.article, Decimal(9)), AskedLine("serviettes", other, Decimal(2)))
    asked = Asked(customer=trade.customer, channel=MessageChannel.CHAT, lines=lines, reply_chat_id=CUSTOMER_CHAT)
    quote = quotes.draft(session, asked, by=trade.by(), at=trade.at)
    assert [(line.unit_price, line.gross_price) for line in quote.lines] == [(100, None), (45, 50)]  # 990: not reached
    quotes.set_quantity(session, quote, 1, Decimal(10), by=trade.by(), at=trade.at)
    assert (quote.discount_percent, quote.net) == (5, Money.of("1035.50"))
    assert [line.unit_price for line in quote.lines] == [Decimal(95), Decimal("42.75")]
    quotes.set_price(session, quote, 2, Decimal(40), by=trade.by(), at=trade.at)  # net: no rule discounts it
    quotes.set_quantity(session, quote, 2, Decimal(4), by=trade.by(), at=trade.at)
    assert (quote.lines[1].unit_price, quote.lines[1].gross_price, quote.lines[0].unit_price) == (40, None, 95)
    quotes.send(session, quote, house=trade.house, by=trade.by(), at=trade.at)
    printed = papers.latest(session, DocumentKind.QUOTE, quote.number).document.lines
    assert [(line.list_price, line.discount_percent) for line in printed] == [(100, Decimal(5)), (None, None)]
    again = quotes.revise(session, quote, by=trade.by(), at=trade.at)
    assert [line.unit_price for line in again.lines] == [95, 40]
    assert [line.unit_price for line in take(trade, quote).lines] == [95, 40]  # what was discounted is not again


def test_a_quote_announces_the_deposit_that_the_rules_will_ask(trade: Trade) -> None:
    session, table = trade.session, trade.add_article("TAB-1", "200")
    trade.customer.deposit_percent = Decimal(30)
    plain = papers.latest(session, DocumentKind.QUOTE, offer(trade).number)
    assert plain is not None
    assert (plain.document.deposit_percent, plain.document.notes) == (30, ())
    made = {"amount": Money.of(60), "blocks": DepositStage.PREPARATION}
    session.add(DepositRule(code="TAB", article_id=table.id, **made))
    session.flush()
    both = papers.latest(session, DocumentKind.QUOTE, offer(trade, (trade.article, "2"), (table, "1")).number)
    assert both is not None
    first = "avant l'enregistrement de la commande"
    said = [note.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2019", "'") for note in both.document.notes]
    assert (both.document.deposit_percent, said) == (
        None,
        [
            "Acompte de 60,00 € TTC de l'article Article TAB-1, demandé avant la préparation.",
            f"Acompte de 30 % du montant TTC du reste de la commande, soit 72,00 €, demandé {first}.",
        ],
    )
    assert "Acompte de 60,00" in render_html(both.document)
    trade.customer.language = "en"
    session.delete(session.scalars(select(DepositRule)).one())
    trade.customer.deposit_percent = None
    session.add(DepositRule(code="FIX", amount=Money.of(100)))
    session.flush()
    fixed = papers.latest(session, DocumentKind.QUOTE, offer(trade).number)
    assert fixed is not None
    assert fixed.document.notes == (
        "A deposit of €100.00 including VAT of the order is requested before the order is registered.",
    )
