"""The values everything stands on: amounts, VAT, columns, instants, terms, identifiers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.exc import StatementError

from core import clock, terms
from core.db import Scaled, transaction
from core.errors import Refused
from core.identifiers import valid
from core.money import CENT, ZERO, Money, rounded, total
from core.prices import Price, price_for
from core.settings import Flag
from core.stock import StockLevel
from core.terms import PaymentTerms
from core.vat import RATES, VatCategory, VatRate, totals
from tests.core.builders import AT, Trade

cents = st.integers(-(10**12), 10**12).map(Money.from_cents)
rates = st.sampled_from([VatRate(Decimal(p)) for p in ("20", "10", "5.5", "2.1")])


def test_money_refuses_floats_and_finer_fractions() -> None:
    for refused in (0.1, 10.0):
        with pytest.raises(TypeError):
            Money(refused)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            Money.of(refused)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            Money.of(1) * refused  # type: ignore[operator]
    with pytest.raises(ValueError, match="two decimals"):
        Money(Decimal("0.001"))
    with pytest.raises(ValueError, match="two decimals"):
        Money(Decimal("NaN"))


@pytest.mark.parametrize(("value", "expected"), [("1.005", "1.01"), ("-1.005", "-1.01"), ("2.344", "2.34")])
def test_rounding_is_half_away_from_zero(value: str, expected: str) -> None:
    assert str(Money.of(value)) == expected
    assert rounded(Decimal(value)) == Decimal(expected)


@given(st.lists(cents))
def test_a_sum_does_not_depend_on_its_order(amounts: list[Money]) -> None:
    assert total(amounts) == total(reversed(amounts))
    assert total(amounts).cents == sum(amount.cents for amount in amounts)


@given(cents, cents)
def test_subtraction_undoes_addition(a: Money, b: Money) -> None:
    assert a + b - b == a
    assert a - a == ZERO
    assert ZERO - a == -a


def test_vat_is_computed_on_the_sum_and_not_line_by_line() -> None:
    rate = VatRate(Decimal("5.5"))
    lines = [(rate, Money.of("10.15"))] * 5
    assert totals(lines).vat == Money.of("2.79")  # 50.75 x 5.5 % = 2.79125; line by line it would be 2.80
    assert total(Money.of(net.amount * rate.percent / 100) for _, net in lines) == Money.of("2.80")


def test_five_lines_of_a_hundred_at_two_rates() -> None:
    high, low = VatRate(Decimal(20)), VatRate(Decimal("5.5"))
    found = totals([(low, Money.of(100)), *[(high, Money.of(100))] * 3, (low, Money.of(100))])
    assert [(row.rate.percent, row.base, row.vat) for row in found.breakdown] == [
        (Decimal(20), Money.of(300), Money.of(60)),
        (Decimal("5.5"), Money.of(200), Money.of(11)),
    ]
    assert found.gross == Money.of(571)


@given(st.lists(st.tuples(rates, cents), max_size=12))
def test_totals_do_not_depend_on_the_order_of_lines(lines: list[tuple[VatRate, Money]]) -> None:
    found = totals(lines)
    assert found == totals(list(reversed(lines)))
    assert found.net == total(net for _, net in lines)
    assert found.gross == found.net + found.vat
    for row in found.breakdown:
        assert abs(row.vat.amount - row.base.amount * row.rate.percent / 100) <= CENT / 2


def test_a_rate_that_platforms_refuse_cannot_exist() -> None:
    assert Decimal("19.25") not in RATES
    with pytest.raises(Refused, match="vat_rate_not_in_list"):
        VatRate(Decimal("19.25"))
    with pytest.raises(Refused, match="vat_rate_against_category"):
        VatRate(Decimal(0))
    with pytest.raises(Refused, match="vat_rate_against_category"):
        VatRate(Decimal(20), VatCategory.EXPORT)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6))
def test_a_scaled_number_survives_the_round_trip(value: Decimal) -> None:
    scaled = Scaled(6)
    stored = scaled.process_bind_param(value, None)  # type: ignore[arg-type]
    assert isinstance(stored, int)
    assert scaled.process_result_value(stored, None) == value  # type: ignore[arg-type]


def test_numbers_amounts_and_instants_come_back_from_both_databases(engine: Engine, trade: Trade) -> None:
    summer = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    article, session = trade.add_article("FIN-1", "0.123456"), trade.session
    trade.customer.credit_limit = Money.of("-12345678901.23")
    level = session.get_one(StockLevel, article.id)
    level.on_hand = Decimal("123456789.0001")
    session.add(Flag(name="x", value="y", at=summer))
    session.commit()
    session.expire_all()
    assert article.price == Decimal("0.123456")
    assert trade.customer.credit_limit == Money.of("-12345678901.23")
    assert session.get_one(StockLevel, article.id).on_hand == Decimal("123456789.0001")
    at = session.get_one(Flag, "x").at
    assert (at, at.utcoffset()) == (summer, timedelta(0))
    session.commit()
    with transaction(engine) as other:  # comparisons in the database know the same instant
        assert other.scalar(select(Flag.name).where(Flag.at <= summer)) == "x"
        assert other.scalar(select(Flag.name).where(Flag.at < summer)) is None


def test_a_finer_number_and_a_naive_instant_are_refused(trade: Trade) -> None:
    trade.article.price = Decimal("0.1234567")
    with pytest.raises(StatementError, match="more than 6 decimals"):
        trade.session.flush()
    trade.session.rollback()
    trade.session.add(Flag(name="x", value="y", at=datetime(2026, 1, 1)))  # noqa: DTZ001 - what is refused
    with pytest.raises(StatementError, match="must be aware"):
        trade.session.flush()


def test_a_business_day_is_french() -> None:
    assert clock.business_date(datetime(2026, 3, 10, 23, 30, tzinfo=UTC)) == date(2026, 3, 11)
    assert clock.business_date(datetime(2026, 7, 13, 22, 30, tzinfo=UTC)) == date(2026, 7, 14)
    assert not clock.is_business_day(date(2026, 7, 14))
    assert clock.next_business_day(date(2026, 5, 1)) == date(2026, 5, 4)
    assert clock.add_business_days(date(2026, 5, 7), 1) == date(2026, 5, 11)  # 8 May, then a week-end
    with pytest.raises(ValueError, match="aware"):
        clock.business_date(datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused


@pytest.mark.parametrize(
    ("words", "issued", "due"),
    [
        ("", date(2026, 1, 15), date(2026, 2, 14)),
        ("30 jours", date(2026, 1, 31), date(2026, 3, 2)),
        ("45 jours fin de mois", date(2026, 1, 15), date(2026, 3, 31)),
        ("fin de mois + 45 jours", date(2026, 1, 15), date(2026, 3, 17)),
        ("45 j FDM", date(2026, 1, 20), date(2026, 3, 31)),
        ("fin de mois", date(2026, 2, 3), date(2026, 2, 28)),
        ("comptant", date(2026, 2, 3), date(2026, 2, 3)),
        ("à réception de facture", date(2026, 2, 3), date(2026, 2, 3)),
        ("30 jours à réception", date(2026, 2, 3), date(2026, 3, 5)),
        ("60 days", date(2026, 2, 3), date(2026, 4, 4)),
    ],
)
def test_terms_are_read_and_give_a_day(words: str, issued: date, due: date) -> None:
    assert terms.parse(words).due_date(issued) == due


def test_terms_without_meaning_are_refused() -> None:
    with pytest.raises(Refused, match="payment_terms_unknown"):
        terms.parse("comme convenu")


@given(st.integers(0, 120), st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_the_two_ways_to_count_to_the_end_of_a_month(days: int, issued: date) -> None:
    plain = PaymentTerms(days).due_date(issued)
    after, before = PaymentTerms(days, end_of_month=True), PaymentTerms(days, month_end_first=True)
    assert plain <= after.due_date(issued)
    assert (after.due_date(issued) + timedelta(days=1)).day == 1
    month_end = before.due_date(issued) - timedelta(days=days)
    assert (month_end + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("kind", "good", "wrong"),
    [
        ("siren", "552 100 554", "552100555"),
        ("siret", "55210055400013", "55210055400014"),
        ("vat_number", "FR83404833048", "FR84404833048"),
        ("iban", "FR76 3000 6000 0112 3456 7890 189", "FR7630006000011234567890188"),
        ("gtin", "3017620422003", "3017620422004"),
    ],
)
def test_an_identifier_is_checked_to_its_last_digit(kind: str, good: str, wrong: str) -> None:
    assert " " not in valid(kind, good)
    with pytest.raises(Refused, match="identifier_invalid") as refused:
        valid(kind, wrong)
    assert refused.value.data["field"] == kind


def test_a_contract_price_holds_between_its_days(trade: Trade) -> None:
    today = AT.date()
    trade.session.add_all(
        [
            Price(
                contract=True, customer_id=trade.customer.id, article_id=trade.article.id, price=Decimal(90),
                valid_from=today - timedelta(days=30), valid_until=None,
            ),
            Price(
                contract=True, customer_id=trade.customer.id, article_id=trade.article.id, price=Decimal(80),
                valid_from=today, valid_until=today + timedelta(days=5),
            ),
        ]
    )  # fmt: skip

    def price(days: int) -> Decimal:
        return price_for(trade.session, trade.customer, trade.article, on=today + timedelta(days=days))

    assert [price(d) for d in (-31, -1, 0, 5, 6)] == [Decimal(p) for p in (100, 90, 80, 80, 90)]
    assert price_for(trade.session, None, trade.article, on=today) == Decimal(100)
