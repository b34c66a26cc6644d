"""Deposits: which rule asks for what, to the cent, and what becomes of it until the last invoice."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core import (
    clearances,
    deliveries,
    deposits,
    invoices,
    orders,
    overrides,
    payments,
    quotes,
    registration,
    revising,
    stock,
)
from core.deliveries import ReserveKind
from core.deposits import DepositRule
from core.documents import DocumentKind
from core.errors import Refused
from core.imports import ImportRefused, import_file
from core.invoices import Invoice
from core.journal import SYSTEM
from core.messages import MessageChannel
from core.money import ZERO, Money, total
from core.orders import AskedLine, DepositStage, LineWish, Order, OrderState, Wanted, revisions
from core.outbox import OutboxRow
from core.parties import Customer, Role
from core.vat import VatRate, totals
from tests.core.builders import AT, Trade

RATES = [Decimal(rate) for rate in ("20", "10", "5.5", "2.1")]
HEADER = "code;customer;group;article;category;from_amount;percent;amount;blocks;valid_from;valid_until\n"


def rule(trade: Trade, code: str, **wanted: object) -> DepositRule:
    made = DepositRule(code=code, **wanted)
    trade.session.add(made)
    trade.session.flush()
    return made


def deposit_of(trade: Trade, order: Order) -> Invoice:
    if order.state is OrderState.DRAFT and order.recap_accepted_at is None:
        orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    by = trade.by(Role.ACCOUNTING)
    return invoices.issue_deposit(trade.session, order, house=trade.house, by=by, at=trade.at, label="Acompte")


def pay(trade: Trade, amount: Money, document: Invoice) -> None:
    payments.record(
        trade.session, trade.customer, amount, received_on=trade.at.date(), by=trade.by(Role.ACCOUNTING), at=trade.at,
        house=trade.house, settles=document,
    )  # fmt: skip


def blocking(trade: Trade, order: Order) -> list[str]:
    return [f.code for f in registration.examine(trade.session, order, house=trade.house, at=trade.at) if f.blocks]


def told(trade: Trade, template: str) -> int:
    return len(trade.session.scalars(select(OutboxRow).where(OutboxRow.template == template)).all())


cents = st.integers(1, 5_000_000).map(Money.from_cents)


@given(st.dictionaries(st.sampled_from(RATES), cents, min_size=1), st.integers(1, 9_999))
def test_an_amount_is_spread_over_the_rates_to_the_cent(wholes: dict[Decimal, Money], share: int) -> None:
    bases = {VatRate(percent): base for percent, base in wholes.items()}
    gross = totals(bases.items()).gross
    amount = Money.of(gross.amount * share / 10_000)
    parts = deposits.shares(amount, [totals([row]).gross for row in bases.items()])
    assert total(parts) == amount
    spread = deposits.spread(amount, bases)
    reached = totals(spread.items()).gross
    assert ZERO <= amount - reached <= Money.of("0.01")
    assert all(base >= ZERO for base in spread.values())
    for (rate, base), part in zip(bases.items(), parts, strict=True):  # each rate bears its own share
        assert abs(part.cents - totals([(rate, spread.get(rate, ZERO))]).gross.cents) <= 2, base
    above = totals(deposits.spread(amount, bases, at_least=True).items()).gross
    assert ZERO <= above - amount <= Money.of("0.01")
    again = deposits.spread(reached, bases)
    assert totals(again.items()).gross == reached  # what was reached exists: a second deposit finds nothing left


def test_a_fixed_amount_over_two_rates_comes_to_the_cent(trade: Trade) -> None:
    bread = trade.add_article("PAIN", "1.13", vat="5.5")
    rule(trade, "R1", customer_id=trade.customer.id, amount=Money.of(500))
    order = trade.draft((trade.article, "9"), (bread, "371"))
    assert deposits.due(order) == Money.of(500)
    made = deposit_of(trade, order)
    assert (made.gross, [line.vat_percent for line in made.lines]) == (Money.of(500), [Decimal(20), Decimal("5.5")])
    small = trade.draft((trade.article, "1"))  # never more than the order itself
    assert deposits.due(small) == small.totals.gross == Money.of(120)


def test_the_closest_rule_asks_and_no_line_is_asked_twice(trade: Trade) -> None:
    custom, odd, plain = (trade.add_article(sku, "100") for sku in ("SUR-1", "SUR-2", "STD-1"))
    custom.category = odd.category = "sur mesure"
    trade.customer.group = "hotels"
    rule(trade, "ALL", percent=Decimal(10), from_amount=Money.of(200))
    rule(trade, "ALL-BIG", percent=Decimal(20), from_amount=Money.of(1200))
    rule(trade, "GROUP", group="hotels", percent=Decimal(30), from_amount=Money.of(1000))
    rule(trade, "OTHERS", group="restaurants", percent=Decimal(99))
    rule(trade, "MADE", category="sur mesure", percent=Decimal(50))
    rule(trade, "ODD", article_id=odd.id, percent=Decimal(0))
    rule(trade, "PAST", percent=Decimal(99), valid_until=AT.date() - timedelta(days=1), from_amount=Money.of(300))
    assert deposits.due(trade.draft((plain, "1"))) == ZERO
    assert deposits.due(trade.draft((plain, "2"))) == Money.of(24)  # 10 %, as 200 € are reached
    assert deposits.due(trade.draft((plain, "9"))) == Money.of(324)  # his group's before everybody's
    assert deposits.due(trade.draft((plain, "20"))) == Money.of(720)  # although everybody's asks from more on
    mixed = trade.draft((plain, "2"), (custom, "3"), (odd, "5"))
    assert deposits.due(mixed) == Money.of(72 + 180)  # 30 % of two, half of three, nothing of five
    trade.customer.deposit_percent = Decimal(5)
    assert deposits.due(trade.draft((plain, "20"))) == Money.of(120)  # the customer's own share is his simplest rule
    rule(trade, "HIS", customer_id=trade.customer.id, percent=Decimal(40))
    assert deposits.due(trade.draft((plain, "20"))) == Money.of(960)


def test_what_is_asked_is_frozen_until_the_order_changes(trade: Trade) -> None:
    asked = rule(trade, "ALL", percent=Decimal(10))
    order = trade.draft((trade.article, "10"))
    asked.percent = Decimal(20)
    assert (deposits.due(order), order.deposit_percent) == (Money.of(120), Decimal(10))
    orders.set_quantity(trade.session, order, 1, Decimal(20), by=trade.by(), at=trade.at)
    assert (deposits.due(order), order.deposit_percent) == (Money.of(480), Decimal(20))


def test_an_agent_may_agree_on_another_deposit_and_less_than_the_rule_is_accountings(trade: Trade) -> None:
    rule(trade, "ALL", percent=Decimal(30), blocks=DepositStage.PREPARATION)
    order, by = trade.draft((trade.article, "10")), trade.by()

    def agree(**what: object) -> None:
        deposits.agree(trade.session, order, by=by, at=trade.at, **what)  # type: ignore[arg-type]

    agree(amount=Money.of(400))
    assert (deposits.due(order), blocking(trade, order)) == (Money.of(400), [])
    assert {term.blocks for term in order.deposit_terms} == {DepositStage.PREPARATION}
    agree(percent=Decimal(20))
    assert blocking(trade, order) == ["deposit_below_rules"]
    reason = "client historique, accord du directeur"
    grant = {"deposit_below_rules": Role.ACCOUNTING}
    with pytest.raises(Refused, match="role_missing"):
        overrides.grant(trade.session, order, grant, reason=reason, by=by, at=trade.at)
    overrides.grant(trade.session, order, grant, reason=reason, by=trade.by(Role.ACCOUNTING), at=trade.at)
    assert blocking(trade, order) == []
    agree()  # none at all: that is not what accounting let through
    assert (deposits.due(order), blocking(trade, order)) == (ZERO, ["deposit_below_rules"])
    deposits.follow_rules(trade.session, order, by=by, at=trade.at)
    assert (deposits.due(order), blocking(trade, order)) == (Money.of(360), [])
    for wrong, code in (
        ({"percent": Decimal(101)}, "deposit_not_possible"), ({"amount": Money.of(-1)}, "deposit_not_possible"),
        ({"amount": Money.of(1201)}, "deposit_above_order"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=code):
            agree(**wrong)
    trade.confirm(order)
    with pytest.raises(Refused, match="order_not_draft"):
        agree(percent=Decimal(50))


def test_a_sent_quote_is_no_acceptance_an_accepted_one_is(trade: Trade) -> None:
    trade.customer.deposit_percent = Decimal(30)
    asked = orders.Asked(trade.customer, MessageChannel.CHAT, (orders.AskedLine("draps", trade.article, Decimal(2)),))
    quote = quotes.draft(trade.session, asked, by=trade.buyer, at=trade.at)
    quotes.send(trade.session, quote, house=trade.house, by=trade.by(), at=trade.at)
    order = trade.draft((trade.article, "2"), quote_id=quote.id)
    by = trade.by(Role.ACCOUNTING)
    with pytest.raises(Refused, match="recap_not_accepted"):
        invoices.issue_deposit(trade.session, order, house=trade.house, by=by, at=trade.at, label="Acompte")
    quotes.accept(trade.session, quote, by=trade.buyer, at=trade.at)
    made = invoices.issue_deposit(trade.session, order, house=trade.house, by=by, at=trade.at, label="Acompte")
    assert made.gross == Money.of(72)


def test_a_deposit_holds_preparation_until_it_is_paid_and_then_it_starts_by_itself(trade: Trade) -> None:
    rule(trade, "ALL", percent=Decimal(50), blocks=DepositStage.PREPARATION)
    order = trade.confirm(trade.draft((trade.article, "2")))
    assert (deliveries.of_order(trade.session, order), told(trade, "preparation_held")) == ([], 1)
    with pytest.raises(Refused, match="deposit_unpaid_for_preparation"):
        deliveries.prepare(trade.session, order, house=trade.house, by=trade.by(), at=trade.at)
    assert deliveries.announce_backorders(trade.session, at=trade.at) == []
    made = deposit_of(trade, order)  # registered, and nothing has left: it may still be asked for
    pay(trade, Money.of(119), made)
    assert deliveries.of_order(trade.session, order) == []
    pay(trade, Money.of(1), made)
    (delivery,) = deliveries.of_order(trade.session, order)
    pay(trade, Money.of(1), made)
    assert (deliveries.of_order(trade.session, order), told(trade, "preparation_held")) == ([delivery], 1)
    row = trade.session.scalars(select(OutboxRow).where(OutboxRow.template == "preparation_card")).first()
    assert row is not None
    assert row.not_before == trade.at + timedelta(seconds=trade.house.undo_seconds)
    trade.ship(delivery)
    with pytest.raises(Refused, match="order_already_shipped"):
        deposit_of(trade, order)


def test_a_deposit_for_shipping_lets_preparation_go_and_accounting_may_let_it_leave(trade: Trade) -> None:
    rule(trade, "ALL", percent=Decimal(50), blocks=DepositStage.SHIPPING)
    order = trade.confirm(trade.draft((trade.article, "2")))
    delivery = trade.preparing(order)
    with pytest.raises(Refused, match="deposit_unpaid_for_shipping"):
        trade.ship(delivery)
    assert deposits.holding(trade.session, order, at=trade.at) == {"deposit_unpaid_for_shipping": Money.of(120)}
    reason = "le virement est parti ce matin"
    (wish,) = clearances.ask(trade.session, order, house=trade.house, reason=reason, by=trade.by(), at=trade.at)
    assert wish.role is Role.ACCOUNTING
    by = trade.by(Role.ACCOUNTING)
    clearances.grant(trade.session, wish, house=trade.house, reason=reason, by=by, at=trade.at)
    trade.ship(delivery)
    assert delivery.state is deliveries.DeliveryState.SHIPPED


def test_parts_with_different_stages_are_due_one_after_the_other(trade: Trade) -> None:
    custom = trade.add_article("SUR-1", "100")
    rule(trade, "ALL", percent=Decimal(20))
    rule(trade, "MADE", article_id=custom.id, amount=Money.of(60), blocks=DepositStage.PREPARATION)
    order = trade.draft((trade.article, "1"), (custom, "1"))
    assert (deposits.due(order, until=DepositStage.REGISTRATION), deposits.due(order)) == (Money.of(24), Money.of(84))
    made = deposit_of(trade, order)
    assert made.gross == Money.of(84)
    pay(trade, Money.of(30), made)
    trade.confirm(order)
    assert deposits.held_back(trade.session, order, DepositStage.PREPARATION, at=trade.at) == Money.of(54)
    pay(trade, Money.of(54), made)
    assert len(deliveries.of_order(trade.session, order)) == 1


def test_a_deposit_let_through_unpaid_is_not_owed_beside_the_full_invoice(trade: Trade) -> None:
    trade.customer.deposit_percent = Decimal(50)
    order = trade.draft((trade.article, "10"))
    made = deposit_of(trade, order)
    pay(trade, Money.of(100), made)
    overrides.grant(
        trade.session, order, {"deposit_unpaid": Role.ACCOUNTING}, reason="le solde suit la semaine prochaine",
        by=trade.by(Role.ACCOUNTING), at=trade.at,
    )  # fmt: skip
    delivery = trade.preparing(trade.confirm(order))
    trade.ship(delivery)
    trade.verify(delivery)
    final, note = (i for i in invoices.of_order(trade.session, order) if i is not made)
    assert (final.payable, note.kind, note.gross) == (Money.of(1100), DocumentKind.CREDIT_NOTE, Money.of(500))
    assert note.refers_to is made
    due = {r.number: r.due for r in payments.receivables(trade.session, trade.customer)}
    assert due == {final.number: Money.of(1100)}
    assert payments.usable_credit(trade.session, trade.customer) == ZERO


def test_a_deposit_above_what_was_received_comes_back_as_credit(trade: Trade) -> None:
    trade.customer.deposit_percent = Decimal(100)
    order = trade.draft((trade.article, "10"))
    made = deposit_of(trade, order)
    pay(trade, made.gross, made)
    delivery = trade.preparing(trade.confirm(order))
    trade.ship(delivery)
    trade.verify(delivery, reserves={1: (ReserveKind.MISSING, Decimal(2), "deux manquent")})
    assert payments.usable_credit(trade.session, trade.customer) == Money.of(240)
    assert payments.receivables(trade.session, trade.customer) == []


def test_a_draft_cancelled_with_a_paid_deposit_is_told_and_the_money_stays_his(trade: Trade) -> None:
    trade.customer.deposit_percent = Decimal(30)
    order = trade.draft((trade.article, "10"))
    made = deposit_of(trade, order)
    pay(trade, Money.of(100), made)
    by = trade.by(Role.ACCOUNTING)
    with pytest.raises(Refused, match="deposit_still_to_deduct"):
        invoices.credit_deposits(trade.session, order, reason="annulée", house=trade.house, by=by, at=trade.at)
    orders.cancel(trade.session, order, reason="plus besoin", by=trade.by(), at=trade.at)
    assert told(trade, "deposit_to_credit") == 1
    (note,) = invoices.credit_deposits(trade.session, order, reason="annulée", house=trade.house, by=by, at=trade.at)
    assert note.gross == Money.of(360)
    assert payments.receivables(trade.session, trade.customer) == []
    assert payments.usable_credit(trade.session, trade.customer) == Money.of(100)
    with pytest.raises(Refused, match="no_deposit_to_credit"):
        invoices.credit_deposits(trade.session, order, reason="annulée", house=trade.house, by=by, at=trade.at)
    orders.cancel(trade.session, trade.draft((trade.article, "1")), reason="doublon", by=trade.by(), at=trade.at)
    assert told(trade, "deposit_to_credit") == 1


def test_a_draft_with_a_deposit_invoice_stays_its_customers(trade: Trade) -> None:
    other = Customer(code="C002", name="Hôtel Voisin")
    trade.session.add(other)
    trade.customer.deposit_percent = Decimal(30)
    first, second = trade.draft((trade.article, "1")), trade.draft((trade.article, "1"))
    deposit_of(trade, first)
    for order in (first, second):
        refused = pytest.raises(Refused, match="deposit_of_other_customer") if order is first else nullcontext()
        with refused:
            orders.set_customer(trade.session, order, other, authenticated=True, by=trade.by(), at=trade.at)
    assert (first.customer, second.customer) == (trade.customer, other)
    assert (deposits.due(first), deposits.due(second)) == (Money.of(36), ZERO)  # each by its own customer's rules


def test_lines_that_change_their_rate_are_asked_for_what_is_missing_only(trade: Trade) -> None:
    bread = trade.add_article("PAIN", "100", vat="5.5")
    trade.customer.deposit_percent = Decimal(50)
    order = trade.draft((trade.article, "2"))
    assert deposit_of(trade, order).gross == Money.of(120)
    orders.set_article(trade.session, order, 1, bread, by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="deposit_already_invoiced"):
        deposit_of(trade, order)
    orders.set_quantity(trade.session, order, 1, Decimal(3), by=trade.by(), at=trade.at)
    second = deposit_of(trade, order)
    assert Money.of("38.24") <= second.gross <= Money.of("38.25")  # 158.25 less 120
    assert [line.vat_percent for line in second.lines] == [Decimal("5.5")]


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.generate],
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    price=st.integers(1, 99_999),
    percent=st.integers(1, 100),
    parts=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    paid=st.integers(0, 12_000),
)
def test_deductions_over_partial_deliveries_are_never_more_than_paid(
    trade: Trade, price: int, percent: int, parts: list[int], paid: int
) -> None:
    session, number = trade.session, len(trade.skus)
    article = trade.add_article(f"H-{number}", str(Decimal(price) / 100), on_hand="0")
    trade.customer.credit_limit = None
    order = trade.draft((article, str(sum(parts))))
    deposits.agree(session, order, percent=Decimal(percent), by=trade.by(), at=trade.at)
    if deposits.due(order) == ZERO:
        return
    made = deposit_of(trade, order)
    part = Money.of(made.gross.amount * paid / 10_000)
    if part:
        pay(trade, part, made)
    overrides.grant(
        session, order, {"deposit_unpaid": Role.ACCOUNTING}, reason="laissé passer pour ce test",
        by=trade.by(Role.ACCOUNTING), at=trade.at,
    )  # fmt: skip
    trade.confirm(order)
    for quantity in parts:
        stock.move(session, article.id, stock.MovementKind.RECEIPT, Decimal(quantity), source="t", at=trade.at)
        delivery = deliveries.prepare(session, order, house=trade.house, by=trade.by(), at=trade.at)
        trade.ship(delivery)
        trade.verify(delivery)
    issued = [i for i in invoices.of_order(session, order) if i.kind is DocumentKind.INVOICE]
    assert len(issued) == len(parts)
    assert total(i.prepaid for i in issued) == invoices.deducted(session, made) <= min(part, made.gross)
    left = made.gross - payments.credited(session, made)
    given = total(i.gross for i in issued) - total(i.payable for i in issued) - left
    assert given in {ZERO, Money.of("0.01")}  # the cent that no base's VAT comes to is the customer's
    assert given == max(part + payments.credited(session, made) - made.gross, ZERO)
    assert payments.amount_due(session, made) == ZERO


RULES = f"""{HEADER}TOUS;;;;;500;30;;;;
HOTELS;;hotels;;;0;20;;preparation;2026-01-01;31/12/2026
SUR-MESURE;;;;sur mesure;;50;;shipping;;
DRAPS;C001;;DRA-140;;;;150,00;;;
"""


def test_rules_are_imported_and_the_second_time_changes_nothing(trade: Trade) -> None:
    def take(text: str) -> tuple[int, int, int]:
        report = import_file(trade.session, "deposit-rules", text.encode(), by=SYSTEM, at=trade.at)
        return report.added, report.changed, report.unchanged

    assert take(RULES) == (4, 0, 0)
    assert take(RULES) == (0, 0, 4)
    assert take(RULES.replace(";30;", ";25;")) == (0, 1, 3)
    assert deposits.due(trade.draft((trade.article, "10"))) == Money.of(150)
    assert deposits.due(trade.draft((trade.add_article("X", "100"), "10"))) == Money.of(300)


def test_every_wrong_cell_of_a_rule_is_named(trade: Trade) -> None:
    wrong = f"""{HEADER}A;C999;hotels;NONE;cat;x;101;;tomorrow;2026-02-01;2026-01-01
A;;;;;;10;5;;;
B;;;;;;;;;;
C;;;;;;;0;;;
"""
    with pytest.raises(ImportRefused) as refused:
        import_file(trade.session, "deposit-rules", wrong.encode(), by=SYSTEM, at=trade.at)
    assert str(refused.value).splitlines() == [
        "line 2, article: 'NONE' is not an article's reference",
        "line 2, blocks: 'tomorrow' is not one of registration, preparation, shipping",
        "line 2, category: is given beside an article",
        "line 2, customer: 'C999' is not a customer's code",
        "line 2, from_amount: 'x' is not a number",
        "line 2, group: is given beside a customer",
        "line 2, percent: 101 is above 100",
        "line 2, valid_until: is before valid_from",
        "line 3, code: is also on line 2",
        "line 3, percent: either a percentage or an amount must be given",
        "line 4, percent: either a percentage or an amount must be given",
        "line 5, amount: is zero: a percentage of 0 asks for no deposit",
    ]


@pytest.mark.parametrize("begun", [False, True])
def test_an_order_that_grows_is_asked_for_the_deposit_of_what_it_grew_by(trade: Trade, begun: bool) -> None:
    session, house = trade.session, trade.house
    trade.customer.deposit_percent = Decimal(50)
    order = trade.draft((trade.article, "10"))
    pay(trade, Money.of(600), deposit_of(trade, order))
    delivery = trade.preparing(trade.confirm(order))
    if begun:
        deliveries.set_prepared(session, delivery, 1, Decimal(4), by=trade.by(Role.WAREHOUSE), at=trade.at)
        trade.ship(delivery)
    wish = Wanted((LineWish(1, Decimal(12)),), (AskedLine("encore", trade.add_article("SER-50", "100"), Decimal(2)),))
    revision = revisions.propose(session, order, wish, by=trade.buyer, at=trade.at)
    seen = revising.redline(session, revision, house=house, at=trade.at)
    asked = [(f.code, f.data["amount"]) for f in seen.findings if f.code.startswith("deposit")]
    assert asked == [("deposit_before_preparation", Money.of(240))]
    assert trade.customer.deposit_percent == order.deposit_percent == 50  # looking changes nothing
    assert deposits.stages(order)[DepositStage.REGISTRATION] == Money.of(600)
    revising.accept(session, revision.id, house=house, by=trade.by(), at=trade.at)
    assert (told(trade, "deposit_grew"), deposits.due(order)) == (1, Money.of(840))
    waiting = [d for d in deliveries.of_order(session, order) if d.state is deliveries.DeliveryState.PREPARING]
    assert (waiting, deposits.holding(session, order, at=trade.at)) == (
        [], {"deposit_unpaid_for_preparation": Money.of(240)}
    )  # fmt: skip
    more = deposit_of(trade, order)
    assert more.gross == Money.of(240)
    pay(trade, Money.of(240), more)
    assert trade.preparing(order).state is deliveries.DeliveryState.PREPARING
    with pytest.raises(Refused, match="deposit_already_invoiced"):
        deposit_of(trade, order)


def test_a_rule_that_a_change_reaches_asks_and_one_that_asks_for_less_asks_nothing(trade: Trade) -> None:
    session = trade.session
    rule(trade, "BIG", percent=Decimal(30), from_amount=Money.of(1500))
    order = trade.confirm(trade.draft((trade.article, "10")))

    def change(quantity: int) -> None:
        wish = Wanted((LineWish(1, Decimal(quantity)),))
        revision = revisions.propose(session, order, wish, by=trade.buyer, at=trade.at)
        revising.accept(session, revision.id, house=trade.house, by=trade.by(), at=trade.at)

    change(8)
    assert (deposits.due(order), told(trade, "deposit_grew")) == (ZERO, 0)
    change(20)
    assert (deposits.due(order), told(trade, "deposit_grew")) == (Money.of(720), 1)
