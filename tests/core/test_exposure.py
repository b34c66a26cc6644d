"""Exposure counted from documents is what a ledger kept by hand says, whatever happened and in whatever order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import checks, deliveries, disputes, exposure, facts, invoices, invoicing, orders, payments, registration
from core.db import transaction
from core.deliveries import Delivery, DeliveryState, ReserveKind
from core.documents import DocumentKind
from core.errors import Comptoir
from core.exposure import Exposure, Stage
from core.facts import AccountFacts, CreditRules
from core.imports import import_file
from core.invoices import Invoice
from core.journal import SYSTEM
from core.money import ZERO, Money, total
from core.orders import Order, OrderState
from core.outbox import OutboxRow
from core.parties import Role
from core.payments import OpenItem, Receivable
from core.releases import payment_that_frees
from core.settings import House
from tests.core.builders import AT, Trade, furnish
from tests.core.checks.clean import CLEAN

ALL = frozenset(Stage)
CENT = Decimal("0.01")
SKUS = ("A", "B", "C", "D")
PRICES = {"A": "9.99", "B": "0.333333", "C": "12.345678", "D": "2.5"}
RATES = {"A": "20", "B": "5.5", "C": "20", "D": "10"}


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def gross(lines: dict[str, Decimal]) -> Decimal:
    """Net by line to the cent, VAT by rate on the sum: arithmetic of this test alone."""
    bases: dict[Decimal, Decimal] = {}
    for sku, quantity in lines.items():
        rate = Decimal(RATES[sku])
        bases[rate] = bases.get(rate, Decimal(0)) + cents(quantity * Decimal(PRICES[sku]))
    return sum((base + cents(base * rate / 100) for rate, base in bases.items()), Decimal(0))


@dataclass
class Shipment:
    """A delivery as the ledger knows it."""

    units: dict[str, Decimal]
    state: str = "preparing"


@dataclass
class Paper:
    """An invoice, a deposit invoice or an open item: what was to be paid, was paid, was credited."""

    payable: Decimal
    paid: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)

    @property
    def due(self) -> Decimal:
        return max(self.payable - self.paid - self.credited, Decimal(0))

    @property
    def surplus(self) -> Decimal:
        return max(self.paid + self.credited - self.payable, Decimal(0))


@dataclass
class Deposit(Paper):
    """A deposit invoice and what later invoices took of it."""

    deducted: Decimal = Decimal(0)


@dataclass
class Deal:
    """An order as the ledger knows it."""

    lines: dict[str, Decimal]
    state: str = "draft"
    shipments: list[Shipment] = field(default_factory=list)
    deposits: list[Deposit] = field(default_factory=list)

    @property
    def deposit_left(self) -> Decimal:
        return sum((d.payable - d.credited - d.deducted for d in self.deposits), Decimal(0))

    def units(self, *states: str) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for shipment in self.shipments:
            for sku, quantity in shipment.units.items() if shipment.state in states else ():
                sums[sku] = sums.get(sku, Decimal(0)) + quantity
        return sums


@dataclass
class Ledger:
    """What a careful clerk writes down as it happens, without looking at our documents."""

    deals: list[Deal] = field(default_factory=list)
    papers: list[Paper] = field(default_factory=list)
    received: Decimal = Decimal(0)
    allocated: Decimal = Decimal(0)

    def stages(self, order: Deal | None) -> dict[str, Decimal]:
        found = dict.fromkeys(Stage, Decimal(0))
        deposits = [deposit for deal in self.deals for deposit in deal.deposits]
        for paper in [*self.papers, *deposits]:
            found[Stage.UNPAID] += paper.due
            found[Stage.CREDIT_NOTES] += paper.surplus
        for deal in self.deals:
            left = deal.deposit_left
            out = gross({sku: q for sku, q in deal.units("shipped", "held").items() if q > 0})
            taken = min(left, out)
            found[Stage.DELIVERED] += out - taken
            if deal.state == "confirmed":
                gone = deal.units("shipped", "held", "invoiced", "settled")
                rest = {sku: q - gone.get(sku, Decimal(0)) for sku, q in deal.lines.items()}
                value = gross({sku: q for sku, q in rest.items() if q > 0})
                found[Stage.CONFIRMED] += max(value - (left - taken), Decimal(0))
        if order is not None and order.state == "draft":
            found[Stage.THIS_ORDER] = max(gross(order.lines) - order.deposit_left, Decimal(0))
        found[Stage.RECEIPTS] = self.received - self.allocated
        return found


class Clerk:
    """Plays acts on the trade and writes them into the ledger; an act that is refused changes neither."""

    def __init__(self, trade: Trade) -> None:
        self.trade, self.ledger = trade, Ledger()
        self.orders: list[tuple[Order, Deal]] = []
        self.shipments: list[tuple[Delivery, Shipment, Deal]] = []
        self.papers: list[tuple[Invoice | OpenItem, Paper]] = []
        self.house = trade.house

    @property
    def session(self) -> Session:
        return self.trade.session

    def _order(self, which: int, state: OrderState, *, deposit: bool = False) -> tuple[Order, Deal]:
        """One of the orders in that state: an act chooses among what it may act on, so that stories go far."""
        fit = [(o, d) for o, d in self.orders if o.state is state and (o.deposit_percent is not None or not deposit)]
        return fit[which % len(fit)]

    def _shipment(self, which: int, state: DeliveryState) -> tuple[Delivery, Shipment, Deal]:
        fit = [known for known in self.shipments if known[0].state is state]
        return fit[which % len(fit)]

    def order(self, lines: dict[str, int], deposit: int) -> None:
        wanted = [(self.trade.skus[sku], str(count)) for sku, count in lines.items()]
        made = self.trade.draft(*wanted)
        made.deposit_percent = Decimal(deposit) if deposit else None
        deal = Deal({sku: Decimal(count) for sku, count in lines.items()})
        self.orders.append((made, deal))
        self.ledger.deals.append(deal)

    def change(self, which: int, count: int) -> None:
        order, deal = self._order(which, OrderState.DRAFT)
        orders.set_quantity(self.session, order, 1, Decimal(count), by=self.trade.by(), at=self.trade.at)
        deal.lines[next(iter(deal.lines))] = Decimal(count)

    def deposit(self, which: int) -> None:
        order, deal = self._order(which, OrderState.DRAFT, deposit=True)
        orders.accept_recap(self.session, order, by=self.trade.buyer, at=self.trade.at)
        by = self.trade.by(Role.ACCOUNTING)
        made = invoices.issue_deposit(
            self.session, order, house=self.house, by=by, at=self.trade.at, label="Acompte"
        )  # fmt: skip
        paper = Deposit(made.gross.amount)
        deal.deposits.append(paper)
        self.papers.append((made, paper))

    def confirm(self, which: int) -> None:
        order, deal = self._order(which, OrderState.DRAFT)
        orders.confirm(self.session, order, by=self.trade.by(), at=self.trade.at, undo=timedelta(0))
        deal.state = "confirmed"

    def cancel(self, which: int) -> None:
        order, deal = self.orders[which % len(self.orders)]
        orders.cancel(self.session, order, reason="x", by=self.trade.by(), at=self.trade.at)
        deal.state = "cancelled"
        for shipment in deal.shipments:
            shipment.state = "cancelled" if shipment.state == "preparing" else shipment.state

    def prepare(self, which: int, share: int) -> None:
        order, deal = self._order(which, OrderState.CONFIRMED)
        made = deliveries.prepare(self.session, order, house=self.house, by=self.trade.by(), at=self.trade.at)
        units = {}
        for line in made.lines:
            kept = max((line.quantity * share / 100).to_integral_value(), Decimal(1))
            deliveries.set_prepared(
                self.session, made, line.order_line.position, kept, by=self.trade.by(), at=self.trade.at
            )
            assert line.order_line.article is not None
            units[line.order_line.article.sku] = kept
        shipment = Shipment(units)
        deal.shipments.append(shipment)
        self.shipments.append((made, shipment, deal))

    def ship(self, which: int) -> None:
        delivery, shipment, _ = self._shipment(which, DeliveryState.PREPARING)
        self.trade.ship(delivery)
        shipment.state = "shipped"

    def refuse(self, which: int) -> None:
        delivery, shipment, _ = self._shipment(which, DeliveryState.SHIPPED)
        deliveries.move(self.session, delivery, DeliveryState.REFUSED, by=self.trade.buyer, at=self.trade.at)
        shipment.state = "refused"

    def verify(self, which: int, kind: ReserveKind | None, held: bool) -> None:
        """Received with one unit of the first line wrong; its invoice held when our own records lack a mention."""
        delivery, shipment, deal = self._shipment(which, DeliveryState.SHIPPED)
        first = delivery.lines[0].order_line
        assert first.article is not None
        reserves = {first.position: (kind, Decimal(1), "x")} if kind is not None else None
        before = delivery.order.state
        house = self.house.model_copy(update={"vat_number": ""}) if held else self.house
        deliveries.verify(
            self.session, delivery, house=house, by=self.trade.buyer, at=self.trade.at, reserves=reserves
        )  # fmt: skip
        if kind in {ReserveKind.MISSING, ReserveKind.WRONG_ARTICLE}:
            deal.shipments.append(Shipment({first.article.sku: Decimal(1)}, "settled"))
            shipment.units[first.article.sku] -= 1
        shipment.state = "held"
        if not held:
            self._bill(shipment, deal, delivery)
        ordered = deal.units("shipped", "held", "invoiced", "settled", "preparing")
        done = all(ordered.get(sku, Decimal(0)) >= quantity for sku, quantity in deal.lines.items())
        busy = any(known.state in {"preparing", "shipped"} for known in deal.shipments)
        if before is OrderState.CONFIRMED and done and not busy:
            deal.state = "closed"

    def _bill(self, shipment: Shipment, deal: Deal, delivery: Delivery) -> None:
        value = gross({sku: q for sku, q in shipment.units.items() if q > 0})
        if not any(q > 0 for q in shipment.units.values()):
            shipment.state = "settled"
            return
        shipment.state, payable = "invoiced", value
        for deposit in deal.deposits:
            part = min(min(deposit.paid, deposit.payable - deposit.credited) - deposit.deducted, payable)
            if part > 0:
                deposit.deducted += part
                payable -= part
        made = invoices.invoice_of(self.session, delivery)
        assert made is not None
        paper = Paper(payable)
        self.ledger.papers.append(paper)
        self.papers.append((made, paper))

    def bill_held(self) -> None:
        invoicing.try_again(self.session, house=self.house, at=self.trade.at)
        waiting = [known for known in self.shipments if known[1].state == "held"]
        for delivery, shipment, deal in sorted(waiting, key=lambda known: known[0].id):
            self._bill(shipment, deal, delivery)

    def item(self, amount: int, paid: int) -> None:
        made = OpenItem(
            customer=self.trade.customer, number=f"F-{len(self.papers)}", issue_date=AT.date(), due_date=AT.date(),
            gross=Money.from_cents(amount), paid=Money.from_cents(paid), as_of=AT.date(),
        )  # fmt: skip
        self.session.add(made)
        self.session.flush()
        paper = Paper(Decimal(amount - paid).scaleb(-2))
        self.ledger.papers.append(paper)
        self.papers.append((made, paper))

    def pay(self, amount: int, which: int | None) -> None:
        money = Decimal(amount).scaleb(-2)
        settles = self.papers[which % len(self.papers)] if which is not None and self.papers else None
        payments.record(
            self.session, self.trade.customer, Money(money), received_on=self.trade.at.date(), house=self.house,
            by=self.trade.by(Role.ACCOUNTING), at=self.trade.at, settles=settles[0] if settles else None,
        )  # fmt: skip
        self.ledger.received += money
        if settles is not None:
            part = min(money, settles[1].due)
            settles[1].paid += part
            self.ledger.allocated += part

    def credit(self, which: int, count: int) -> None:
        known = [(made, paper) for made, paper in self.papers if isinstance(made, Invoice)]
        made, paper = known[which % len(known)]
        self.session.refresh(made, ["lines"])
        line = made.lines[0]
        left = line.quantity - invoices.credited_quantity(self.session, line)
        quantity = min(Decimal(count), left)
        note = invoices.issue_credit_note(
            self.session, made, {line.position: quantity}, reason="retour", returned=False, house=self.house,
            by=self.trade.by(Role.ACCOUNTING), at=self.trade.at,
        )  # fmt: skip
        net = cents(quantity * line.unit_price) if quantity < left else note.net.amount
        assert note.net.amount == net or made.kind is DocumentKind.DEPOSIT_INVOICE
        paper.credited += net + cents(net * line.vat_percent / 100)

    def dispute(self, which: int) -> None:
        known = [(made, paper) for made, paper in self.papers if isinstance(made, Invoice)]
        made, _ = known[which % len(known)]
        disputes.open_dispute(self.session, made, text="x", by=self.trade.buyer, at=self.trade.at)


def acts() -> st.SearchStrategy[tuple[Any, ...]]:
    which = st.integers(0, 5)
    lines = st.dictionaries(st.sampled_from(SKUS), st.integers(2, 30), min_size=1, max_size=4)
    reserve = st.sampled_from([None, None, *ReserveKind])
    return st.one_of(
        st.tuples(st.just("order"), lines, st.sampled_from([0, 0, 30])),
        st.tuples(st.just("order"), lines, st.sampled_from([0, 0, 30])),
        st.tuples(st.just("change"), which, st.integers(1, 40)),
        st.tuples(st.just("deposit"), which),
        st.tuples(st.just("confirm"), which),
        st.tuples(st.just("confirm"), which),
        st.tuples(st.just("cancel"), which),
        st.tuples(st.just("prepare"), which, st.integers(20, 100)),
        st.tuples(st.just("prepare"), which, st.just(100)),
        st.tuples(st.just("ship"), which),
        st.tuples(st.just("ship"), which),
        st.tuples(st.just("refuse"), which),
        st.tuples(st.just("verify"), which, reserve, st.booleans()),
        st.tuples(st.just("verify"), which, reserve, st.just(False)),
        st.tuples(st.just("bill_held")),
        st.tuples(st.just("item"), st.integers(100, 90_000), st.integers(0, 100)),
        st.tuples(st.just("pay"), st.integers(1, 60_000), which | st.none()),
        st.tuples(st.just("pay"), st.just(500_000), which),
        st.tuples(st.just("credit"), which, st.integers(1, 9)),
        st.tuples(st.just("dispute"), which),
    )


#: What every story begins with: an order of which a part left, another that waits for its deposit.
PRELUDE: list[tuple[Any, ...]] = [
    ("order", {"A": 5, "B": 30}, 0), ("confirm", 0), ("order", {"C": 7, "A": 3, "D": 2}, 30), ("deposit", 0),
    ("prepare", 0, 60), ("ship", 0),
]  # fmt: skip


def played(trade: Trade, story: list[tuple[Any, ...]]) -> None:
    """Each act in a savepoint; after each, every stage is what the ledger says, for every order."""
    clerk = Clerk(trade)
    for name, *args in [*PRELUDE, *story]:
        try:
            with trade.session.begin_nested():
                getattr(clerk, name)(*args)
        except (Comptoir, ZeroDivisionError):
            continue
    for order, deal in [*clerk.orders, (None, None)]:
        expected = clerk.ledger.stages(deal)
        found = exposure.of(trade.session, trade.customer, order, counted=ALL)
        assert found == Exposure(
            Money(expected[Stage.UNPAID]), Money(expected[Stage.DELIVERED]), Money(expected[Stage.CONFIRMED]),
            Money(expected[Stage.THIS_ORDER]), Money(expected[Stage.RECEIPTS] + expected[Stage.CREDIT_NOTES]),
        ), (story, order)  # fmt: skip
        listed = exposure.documents(trade.session, trade.customer, order, counted=ALL)
        for stage in Stage:
            assert exposure.summed(listed, stage).amount == expected[stage], (story, stage)


def prove(engine: Engine, house: House, examples: int) -> None:
    with transaction(engine) as session:
        trade = furnish(session, house.model_copy(update={"undo_seconds": 0}))
        for sku in SKUS:
            trade.add_article(sku, PRICES[sku], vat=RATES[sku], on_hand="60")

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(acts(), min_size=8, max_size=18))
    def holds(story: list[tuple[Any, ...]]) -> None:
        with Session(engine, expire_on_commit=False) as session:
            again = Trade(session, trade.house, session.merge(trade.customer), session.merge(trade.article), {})
            again.staff = {role: session.merge(person) for role, person in trade.staff.items()}
            again.skus = {sku: session.merge(article) for sku, article in trade.skus.items()}
            played(again, story)
            session.rollback()

    holds()


def test_exposure_is_what_a_naive_ledger_says(engine: Engine, house: House) -> None:
    prove(engine, house, 12 if engine.dialect.name == "sqlite" else 6)  # the long proof takes 60 on each


@pytest.mark.long
def test_exposure_is_what_a_naive_ledger_says_at_length(engine: Engine, house: House) -> None:
    prove(engine, house, 60)


def money(most: int) -> st.SearchStrategy[Money]:
    return st.integers(1, most).map(Money.from_cents)


@st.composite
def accounts(draw: st.DrawFn) -> tuple[AccountFacts, tuple[Receivable, ...], dict[str, int], frozenset[Stage]]:
    """A customer as accounting sees him: what he owes, how patient the house is, which stages count."""
    ages = draw(st.lists(st.integers(-20, 60), max_size=6))
    owed = tuple(
        Receivable(f"FA-{n}", AT.date(), AT.date() - timedelta(days=age), Money.of(900), draw(money(90_000)), n + 1)
        for n, age in enumerate(ages)
    )
    levels = {receivable.number: draw(st.integers(0, 5)) for receivable in owed}
    counted = frozenset(draw(st.sampled_from([ALL, ALL, ALL - {Stage.UNPAID}, ALL - {Stage.RECEIPTS}])))
    unpaid = total(receivable.due for receivable in owed) if Stage.UNPAID in counted else ZERO
    figures = Exposure(unpaid, draw(money(90_000)), ZERO, draw(money(90_000)), ZERO)
    rules = CreditRules(draw(st.integers(0, 30)), draw(st.just(ZERO) | money(90_000)), 2, draw(st.integers(3, 6)))
    limit = draw(st.none() | money(300_000))
    return after(AccountFacts(True, False, limit, figures, (), rules=rules), owed, levels, {}, ZERO, counted)  # type: ignore[return-value]


def after(
    account: AccountFacts, owed: tuple[Receivable, ...], levels: dict[str, int], paid: dict[str, Money], advance: Money,
    counted: frozenset[Stage],
) -> tuple[AccountFacts, tuple[Receivable, ...], dict[str, int], frozenset[Stage]]:  # fmt: skip
    """The same account once these amounts are paid, and some money that settles nothing."""
    left = tuple(replace(r, due=r.due - paid.get(r.number, ZERO)) for r in owed)
    left = tuple(r for r in left if r.due > ZERO)
    overdue = tuple(sorted((r for r in left if r.days_late(AT.date()) > 0), key=lambda r: r.due_date))
    figures = replace(
        account.exposure,
        unpaid=total(r.due for r in left) if Stage.UNPAID in counted else ZERO,
        credits=advance if Stage.RECEIPTS in counted else ZERO,
    )
    level = max((levels[r.number] for r in overdue), default=0)
    return replace(account, overdue=overdue, exposure=figures, reminder_level=level), left, levels, counted


def is_free(account: AccountFacts) -> bool:
    plain = replace(CLEAN, today=AT.date(), account=account)
    return not any(finding.blocks for finding in checks.examine(plain))


@settings(max_examples=300)
@given(accounts(), st.data())
def test_paying_what_is_asked_frees_the_order_and_one_cent_less_does_not(
    given_account: tuple[AccountFacts, tuple[Receivable, ...], dict[str, int], frozenset[Stage]], data: st.DataObject
) -> None:
    account, owed, levels, counted = given_account
    wanted = payment_that_frees(account, owed, today=AT.date(), counted=counted, levels=levels)
    if wanted is None:
        nothing_helps = Stage.RECEIPTS not in counted and account.credit_limit is not None
        assert is_free(account) or nothing_helps
        return
    assert not is_free(account)
    paid = {part.document.number: part.amount for part in wanted.parts}
    assert is_free(after(account, owed, levels, paid, wanted.advance, counted)[0])
    # one cent less, spread in whatever way
    left, spread = wanted.amount - Money.from_cents(1), dict.fromkeys(levels, ZERO)
    for receivable in data.draw(st.permutations(owed)):
        most = min(left, receivable.due)
        spread[receivable.number] = Money.from_cents(data.draw(st.just(most.cents) | st.integers(0, most.cents)))
        left -= spread[receivable.number]
    assert not is_free(after(account, owed, levels, spread, left, counted)[0])


def test_a_stage_that_does_not_count_is_zero_and_the_settings_name_them_all(trade: Trade) -> None:
    assert set(House().exposure_stages) == set(Stage)
    invoice = trade.invoiced((trade.article, "1"))
    order = trade.draft((trade.article, "2"))
    house = trade.house.model_copy(update={"exposure_stages": ("confirmed", "this_order")})
    found = facts.gather(trade.session, order, house=house, at=trade.at).account.exposure
    assert found == Exposure(ZERO, ZERO, ZERO, Money.of(240), ZERO)
    assert facts.gather(trade.session, order, house=trade.house, at=trade.at).account.exposure.unpaid == invoice.gross
    listed = exposure.documents(trade.session, trade.customer, order, counted=exposure.stages(house))
    assert [(entry.number, entry.amount) for entry in listed] == [(order.reference, Money.of(240))]


def test_an_enormous_line_is_counted_to_the_cent(trade: Trade) -> None:
    article = trade.add_article("BIG", "98765.432101", vat="5.5", on_hand="1")
    order = trade.draft((article, "99999999.9999"))
    expected = order.totals.gross
    orders.confirm(trade.session, order, by=trade.by(), at=trade.at, undo=timedelta(0))
    found = exposure.of(trade.session, trade.customer, order, counted=ALL)
    assert (found.confirmed_not_delivered, found.this_order) == (expected, ZERO)


def test_the_undisputed_rest_of_an_invoice_is_overdue(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "10"))
    disputes.open_dispute(
        trade.session, invoice, amount=Money.of(200), text="x", by=trade.buyer, at=trade.at
    )  # fmt: skip
    probe = trade.draft((trade.article, "1"))
    trade.later(days=31)
    account = facts.gather(trade.session, probe, house=trade.house, at=trade.at).account
    assert [(r.number, r.due) for r in account.overdue] == [(invoice.number, Money.of(1000))]
    assert account.exposure.unpaid == Money.of(1200)


def test_where_the_erp_invoices_its_list_takes_the_place_of_what_was_delivered_before(trade: Trade) -> None:
    """A delivery counts until a full list of open items of a later day: never twice, never not at all."""
    session = trade.session
    trade.house = trade.house.model_copy(update={"invoicing": "erp", "erp_invoice_days": 1})
    trade.customer.credit_limit = Money.of(2000)
    trade.ship(trade.preparing(trade.confirm(trade.draft((trade.article, "10")))))
    waiting = trade.draft((trade.article, "7"))
    header = "customer,number,date,due_date,gross,paid\n"

    def listed(days: int, *rows: str) -> tuple[Money, Money]:
        day = trade.at + timedelta(days=days)
        content = header + "".join(f"C001,{row}\n" for row in rows)
        import_file(
            session, "open-items", content.encode(), as_of=day.date(), by=SYSTEM, at=day, house=trade.house
        )  # fmt: skip
        now = exposure.of(session, trade.customer, None, counted=exposure.stages(trade.house))
        return now.unpaid, now.delivered_not_invoiced

    assert listed(0) == listed(1) == (ZERO, Money.of(1200))  # the ERP takes a day to invoice
    registration.note_verdicts(session, trade.customer, house=trade.house, at=trade.at)
    assert waiting.blocked is True
    assert listed(2, "F-77,2026-03-11,2026-04-10,1200,0") == (Money.of(1200), ZERO)
    assert waiting.blocked is True
    assert listed(40) == (ZERO, ZERO)  # paid there: the order is free, and sales are told
    assert waiting.blocked is False
    assert "order_released" in {row.template for row in session.scalars(select(OutboxRow))}
