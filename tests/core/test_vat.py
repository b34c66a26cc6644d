"""What a customer is charged: one decision from quote to invoice, in the database, on the page and in the data."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import exposure, facturx, invoices, mentions, payments, quotes, registration, settings
from core.documents import Document
from core.errors import Refused
from core.exposure import Stage
from core.facts.conformity import invoice_to_be
from core.identifiers import Series
from core.invoices import Invoice
from core.money import Money
from core.orders import Order
from core.papers import Paper
from core.parties import Customer, DeliveryAddress, Role
from core.quotes import Quote, QuoteLine
from core.vat import FRANCHISE, Nature, Regime, VatCategory, VatRate, business_process, decide, totals
from tests.core.builders import Trade
from tests.core.conftest import Judge

S, Z, E, AE, K, G, O = VatCategory  # noqa: E741 - the codes of the standard
ZERO = Decimal(0)
TAXED, ZERO_RATED, EXEMPT = VatRate(Decimal(20)), VatRate(ZERO, Z), VatRate(ZERO, E, "VATEX-FR-CGI261-4")


@pytest.mark.parametrize(
    ("article", "regime", "nature", "franchise", "expected"),
    [
        (TAXED, Regime.DOMESTIC, Nature.GOODS, False, (S, 20, "")),
        (ZERO_RATED, Regime.DOMESTIC, Nature.GOODS, False, (Z, 0, "")),
        (EXEMPT, Regime.DOMESTIC, Nature.GOODS, False, (E, 0, "VATEX-FR-CGI261-4")),
        (TAXED, Regime.INTRA_COMMUNITY, Nature.GOODS, False, (K, 0, "")),
        (ZERO_RATED, Regime.INTRA_COMMUNITY, Nature.GOODS, False, (K, 0, "")),
        (TAXED, Regime.INTRA_COMMUNITY, Nature.SERVICE, False, (AE, 0, "")),
        (EXEMPT, Regime.INTRA_COMMUNITY, Nature.GOODS, False, (E, 0, "VATEX-FR-CGI261-4")),
        (TAXED, Regime.EXPORT, Nature.GOODS, False, (G, 0, "")),
        (TAXED, Regime.EXPORT, Nature.SERVICE, False, (G, 0, "")),
        (TAXED, Regime.REVERSE_CHARGE, Nature.SERVICE, False, (AE, 0, "")),
        (TAXED, Regime.EXEMPT, Nature.GOODS, False, (E, 0, "VATEX-EU-151")),
        (EXEMPT, Regime.EXEMPT, Nature.GOODS, False, (E, 0, "VATEX-FR-CGI261-4")),
        (EXEMPT, Regime.OUTSIDE_SCOPE, Nature.GOODS, True, (O, 0, "")),
        (TAXED, Regime.DOMESTIC, Nature.GOODS, True, (E, 0, FRANCHISE)),
        (TAXED, Regime.INTRA_COMMUNITY, Nature.GOODS, True, (E, 0, FRANCHISE)),
    ],
)
def test_one_function_decides_category_rate_and_reason(
    article: VatRate, regime: Regime, nature: Nature, franchise: bool, expected: tuple[VatCategory, int, str]
) -> None:
    found = decide(article, regime=regime, reason="VATEX-EU-151", nature=nature, franchise=franchise)
    assert (found.category, found.percent, found.code) == expected


def test_the_category_of_the_operation_follows_from_the_lines() -> None:
    goods, service = Nature.GOODS, Nature.SERVICE
    assert [business_process(n) for n in ([goods], [service], [goods, service], [])] == ["B1", "S1", "M1", "B1"]
    assert [business_process(n, deducts=True) for n in ([goods], [service], [service, goods])] == ["B4", "S4", "M4"]


amounts = st.integers(1, 10**7).map(Money.from_cents)
rates = st.sampled_from([VatRate(Decimal(p)) for p in ("20", "10", "5.5", "2.1", "8.5", "0.9")])


@given(st.lists(st.tuples(rates, amounts), min_size=1, max_size=30))
def test_vat_on_the_sum_is_within_half_a_cent_a_line_of_vat_by_line(lines: list[tuple[VatRate, Money]]) -> None:
    by_line = sum(Money.of(net.amount * rate.percent / 100).cents for rate, net in lines)
    found = totals(lines)
    assert abs(found.vat.cents - by_line) * 2 <= len(lines) + len(found.breakdown)
    assert found.net + found.vat == found.gross


BUYERS: dict[Regime, dict[str, Any]] = {
    Regime.DOMESTIC: {},
    Regime.INTRA_COMMUNITY: {"country": "IE", "vat_number": "IE6388047V", "siren": "", "postcode": "", "city": "Cork"},
    Regime.EXPORT: {"country": "CH", "siren": "", "postcode": "8005", "city": "Zürich"},
    Regime.REVERSE_CHARGE: {"vat_number": "FR65552100554"},
    Regime.EXEMPT: {"vat_code": "VATEX-EU-151"},
    Regime.OUTSIDE_SCOPE: {"country": "CH", "siren": "", "postcode": "8005", "city": "Zürich"},
}
CODES = {
    Regime.DOMESTIC: {S: "", E: "VATEX-FR-CGI261-4"}, Regime.INTRA_COMMUNITY: {K: "VATEX-EU-IC"},
    Regime.EXPORT: {G: "VATEX-EU-G"}, Regime.REVERSE_CHARGE: {AE: "VATEX-FR-AE"},
    Regime.EXEMPT: {E: "VATEX-EU-151"}, Regime.OUTSIDE_SCOPE: {O: "VATEX-EU-O"},
}  # fmt: skip


def charged(trade: Trade, regime: Regime, **more: Any) -> Customer:
    """The customer under another regime, with what that regime needs of his record."""
    for name, value in ({"vat_regime": regime} | BUYERS[regime] | more).items():
        setattr(trade.customer, name, value)
    trade.session.flush()
    return trade.customer


@pytest.mark.parametrize("regime", Regime)
def test_quote_order_exposure_deposit_and_invoice_agree_under_every_regime(
    trade: Trade, regime: Regime, judge: Judge
) -> None:
    session, customer = trade.session, charged(trade, regime)
    goods, others = trade.add_article("A", "3.333"), trade.add_article("B", "7.1234", vat="5.5")
    if regime is Regime.DOMESTIC:
        others.vat_percent, others.vat_category, others.vat_code = ZERO, E, "VATEX-FR-CGI261-4"
    order = trade.draft((goods, "7"), (others, "3"))
    order.deposit_percent = Decimal(30)
    before = order.totals
    shown = exposure.of(session, customer, order, counted=frozenset(Stage)).total
    orders_paper = registration.confirmation(session, order, trade.house, at=trade.at)
    assert shown == orders_paper.totals.gross == before.gross
    order.recap_accepted_at = trade.at
    deposit = invoices.issue_deposit(session, order, house=trade.house, by=trade.by(), at=trade.at, label="Acompte")
    payments.record(
        session, customer, deposit.gross, received_on=trade.at.date(), by=trade.by(Role.ACCOUNTING), at=trade.at,
        house=trade.house, settles=deposit,
    )  # fmt: skip
    trade.confirm(order)
    under_way = exposure.of(session, customer, None, counted=frozenset({Stage.CONFIRMED}))
    assert under_way.confirmed_not_delivered == before.gross - deposit.gross
    delivery = trade.preparing(order)
    trade.ship(delivery)
    trade.verify(delivery)
    invoice = invoices.of_order(session, order)[-1]
    assert (invoice.net, invoice.vat, invoice.gross) == (before.net, before.vat, before.gross)
    assert {line.vat_category: line.vat_code for line in invoice.lines if line.vat_code}.items() <= CODES[
        regime
    ].items()
    assert {line.vat_category for line in invoice.lines} == set(CODES[regime])
    note = invoices.issue_credit_note(
        session, invoice, {1: Decimal(2)}, reason="retour", returned=True, house=trade.house, by=trade.by(), at=trade.at
    )
    assert {line.vat_rate for line in note.lines} <= {line.vat_rate for line in invoice.lines}
    for issued in (deposit, invoice, note):
        paper = issued.paper.document
        reasons = {row.rate.category: mentions.exemption(paper, row.rate.category) for row in paper.totals.breakdown}
        assert {category: found[0] if found else "" for category, found in reasons.items()}.items() <= CODES[
            regime
        ].items()
        if trade.session.get_bind().dialect.name == "sqlite":  # what the data says does not depend on the database
            xml = facturx.invoice_xml(paper)
            assert (facturx.check(xml), judge(xml)) == ([], [])


def test_a_quote_says_the_vat_of_its_order_and_a_house_in_franchise_none_at_all(trade: Trade) -> None:
    session, goods = trade.session, trade.add_article("A", "3.333")
    house = trade.house.model_copy(update={"vat_franchise": True})
    quote = quoted(trade, goods, "7")
    order = trade.draft((goods, "7"))
    assert [line.vat for line in sent(trade, quote).lines] == [TAXED]
    settings.note_franchise(session, house, at=trade.at)
    settings.note_franchise(session, house, at=trade.at)
    assert (order.totals.vat, order.totals.gross) == (Money(ZERO), order.totals.net)
    document = sent(trade, quoted(trade, goods, "7"))
    assert document.totals == order.totals
    assert exposure.of(session, trade.customer, order, counted=frozenset(Stage)).total == order.totals.net
    invoice = issued(trade, order)
    assert (invoice.vat, [line.vat_rate.code for line in invoice.lines]) == (Money(ZERO), [FRANCHISE])
    assert mentions.exemption(invoice.paper.document, E) == (FRANCHISE, "TVA non applicable, article 293 B du CGI")
    settings.note_franchise(session, trade.house, at=trade.at)
    assert trade.draft((goods, "1")).totals.vat == Money.of("0.67")


def quoted(trade: Trade, article: Any, quantity: str) -> Quote:
    count = trade.session.scalar(select(func.count()).select_from(Quote))
    number = f"DV-2026-{count + 1:04d}"
    quote = Quote(reference=number, number=number, customer=trade.customer, created_at=trade.at)
    quote.lines.append(QuoteLine(position=1, article=article, quantity=Decimal(quantity), unit_price=article.price))
    trade.session.add(quote)
    trade.session.flush()
    return quote


def sent(trade: Trade, quote: Quote) -> Document:
    quotes.send(trade.session, quote, house=trade.house, by=trade.by(), at=trade.at)
    trade.session.flush()
    found = trade.session.scalars(select(Paper).where(Paper.number == quote.number)).one()
    return found.document


def issued(trade: Trade, order: Order) -> Invoice:
    trade.confirm(order)
    delivery = trade.preparing(order)
    trade.ship(delivery)
    trade.verify(delivery)
    return invoices.of_order(trade.session, order)[-1]


def test_goods_and_services_are_told_apart_up_to_the_credit_note_and_debits_are_an_option(trade: Trade) -> None:
    fitting = trade.add_article("POSE", "50")
    fitting.nature = Nature.SERVICE
    trade.house = trade.house.model_copy(update={"vat_on_debits": True})
    both, alone = (
        issued(trade, trade.draft((trade.article, "1"), (fitting, "1"))),
        issued(trade, trade.draft((fitting, "2"))),
    )
    note = invoices.issue_credit_note(
        trade.session, alone, {1: Decimal(1)}, reason="geste", returned=False, house=trade.house, by=trade.by(),
        at=trade.at,
    )  # fmt: skip
    assert [known.paper.document.process for known in (both, alone, note)] == ["M1", "S1", "S1"]
    assert all(known.paper.document.vat_on_debits for known in (both, alone, note))
    order = trade.draft((fitting, "4"))
    order.deposit_percent, order.recap_accepted_at = Decimal(50), trade.at
    deposit = invoices.issue_deposit(
        trade.session, order, house=trade.house, by=trade.by(), at=trade.at, label="Acompte"
    )
    assert deposit.paper.document.process == "S1"


#: What makes an invoice impossible: the change, the code, the field; and the finding that says so at order time.
WRONG: dict[str, tuple[Callable[[Trade], Any], str, str, str]] = {
    "a French business without SIREN": (
        lambda t: charged(t, Regime.DOMESTIC, siren=""), "invoice_field_missing", "buyer.siren", "identifiers_missing",
    ),
    "an intra-Community customer without VAT number": (
        lambda t: charged(t, Regime.INTRA_COMMUNITY, vat_number=""), "invoice_field_missing", "buyer.vat_number",
        "vat_number_missing",
    ),
    "a reverse charge without VAT number": (
        lambda t: charged(t, Regime.REVERSE_CHARGE, vat_number=""), "invoice_field_missing", "buyer.vat_number",
        "vat_number_missing",
    ),
    "an intra-Community customer with a French number": (
        lambda t: charged(t, Regime.INTRA_COMMUNITY, vat_number="FR65552100554"), "vat_number_not_foreign",
        "buyer.vat_number", "invoice_impossible",
    ),
    "goods that stay in France": (
        lambda t: charged(t, Regime.INTRA_COMMUNITY, country="FR", postcode="80000", siren="552100554"),
        "place_against_vat", "deliver_to.country", "invoice_impossible",
    ),
    "an export to the Union": (
        lambda t: charged(t, Regime.EXPORT, country="DE"), "place_against_vat", "deliver_to.country",
        "invoice_impossible",
    ),
    "no country": (
        lambda t: charged(t, Regime.DOMESTIC, country=""), "invoice_field_missing", "buyer.country",
        "billing_address_incomplete",
    ),
    "no street": (
        lambda t: charged(t, Regime.DOMESTIC, street=""), "invoice_field_missing", "buyer.street",
        "billing_address_incomplete",
    ),
    "a foreign buyer who cannot be reached": (
        lambda t: charged(t, Regime.EXPORT) and [setattr(c, "email", "") for c in t.customer.contacts],
        "invoice_field_missing", "buyer.electronic_address", "electronic_address_missing",
    ),
    "an electronic address of another firm": (
        lambda t: charged(t, Regime.DOMESTIC, electronic_address="732829320"), "electronic_address_not_his",
        "buyer.electronic_address", "invoice_impossible",
    ),
    "an exempt customer without a reason": (
        lambda t: charged(t, Regime.EXEMPT, vat_code=""), "exemption_reason_missing", "lines", "invoice_impossible",
    ),
    "a reason that no list knows": (
        lambda t: charged(t, Regime.EXEMPT, vat_code="VATEX-EU-999"), "exemption_reason_unknown", "lines[1].vat",
        "invoice_impossible",
    ),
    "a country of the Union without a regime": (
        lambda t: charged(t, Regime.DOMESTIC, country="IE", siren="", street=""), "invoice_field_missing",
        "buyer.street", "taxed_abroad",
    ),
    "our own VAT number missing": (
        lambda t: setattr(t, "house", t.house.model_copy(update={"vat_number": ""})), "invoice_field_missing",
        "seller.vat_number", "seller_incomplete",
    ),
}  # fmt: skip


def test_what_no_invoice_can_say_is_seen_at_order_time_and_refused_with_nothing_written(trade: Trade) -> None:
    session, house = trade.session, trade.house
    order = trade.draft((trade.article, "2"))
    order.recap_accepted_at, order.deposit_percent = trade.at, Decimal(50)
    session.commit()
    for name, (change, code, field, finding) in WRONG.items():
        change(trade)
        session.flush()
        found = {f.code for f in registration.examine(session, order, house=trade.house, at=trade.at)}
        assert finding in found, name
        with pytest.raises(Refused) as refused:
            invoices.issue_deposit(session, order, house=trade.house, by=trade.by(), at=trade.at, label="Acompte")
        assert (refused.value.code, refused.value.data["field"]) == (code, field), name
        assert session.scalars(select(Invoice)).all() == []
        assert session.scalar(select(Series.last).where(Series.name == "AC-2026")) is None
        session.rollback()
        session.expire_all()
        trade.house = house


def test_our_own_number_is_asked_of_a_sale_without_vat_too(trade: Trade) -> None:
    for regime in (Regime.INTRA_COMMUNITY, Regime.EXPORT):
        charged(trade, regime)
        house = trade.house.model_copy(update={"vat_number": ""})
        document = invoice_to_be(trade.draft((trade.article, "1")), house)
        with pytest.raises(Refused) as refused:
            facturx.ensure_complete(document)
        assert refused.value.data == {"field": "seller.vat_number"}


def test_goods_of_an_intra_community_sale_may_go_to_another_place_of_the_union_or_northern_ireland(
    trade: Trade,
) -> None:
    charged(trade, Regime.INTRA_COMMUNITY, country="GB", vat_number="XI123456789", postcode="BT1 1AA", city="Belfast")
    facturx.ensure_complete(invoice_to_be(trade.draft((trade.article, "1")), trade.house))
    trade.customer.addresses.append(DeliveryAddress(street="1 rue du Port", postcode="59000", city="Lille"))
    trade.session.flush()
    with pytest.raises(Refused, match="place_against_vat"):
        facturx.ensure_complete(invoice_to_be(trade.draft((trade.article, "1")), trade.house))
