"""When an order is registered by itself, and what takes the rule away from its customer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from core import automation, deposits, orders, overrides, quotes, registration, stock
from core.automation import Figures
from core.deliveries import ReserveKind
from core.journal import SYSTEM
from core.messages import Message, MessageChannel, MessageState
from core.money import Money
from core.orders import Asked, AskedLine, Order, OrderState
from core.parties import Role
from core.settings import House
from tests.core.builders import CUSTOMER_CHAT, Trade


@dataclass
class Known:
    """A trade whose customer is on automatic confirmation with figures that just pass."""

    trade: Trade
    house: House
    count: int = 0

    def message(self, **values: object) -> Message:
        self.count += 1
        given = {
            "channel": MessageChannel.CHAT, "key": f"m:{self.count}", "state": MessageState.UNDERSTOOD,
            "received_at": self.trade.at, "customer_id": self.trade.customer.id, "chat_id": CUSTOMER_CHAT,
        }  # fmt: skip
        found = Message(**(given | values))
        self.trade.session.add(found)
        self.trade.session.flush()
        return found

    def order(self, **asked: object) -> Order:
        given = {"message_id": self.message().id, "customer_reference": f"BC-{self.count}"}  # no two are duplicates
        return self.trade.draft((self.trade.article, "1"), **(given | asked))

    def considered(self, order: Order) -> bool:
        at = self.trade.later(minutes=3)
        assert order.id in automation.due(self.trade.session, house=self.house, at=at)
        done = automation.consider(self.trade.session, order.id, house=self.house, at=at)
        assert order.id not in automation.due(self.trade.session, house=self.house, at=at)
        assert (order.state is OrderState.CONFIRMED) is done
        return done


@pytest.fixture
def known(trade: Trade, house: House) -> Known:
    trusting = house.model_copy(update={"auto_confirm_threshold": Decimal("0.30"), "auto_confirm_orders": 3})
    made = Known(trade, trusting)
    for _ in range(3):  # three of three: at least 36.8 %
        trade.confirm(made.order())
    automation.switch_on(trade.session, trade.customer, house=trusting, by=trade.by(Role.MANAGER), at=trade.at)
    return made


def test_the_figures_are_the_exact_bound_on_enough_orders(house: House) -> None:
    assert [Figures(n, n).passes(house) for n in (58, 59)] == [False, True]
    assert [Figures(n - 1, n).passes(house) for n in (92, 93)] == [False, True]
    assert Figures(59, 59).bound == Decimal("95.0")
    few = house.model_copy(update={"auto_confirm_threshold": Decimal("0.5"), "auto_confirm_orders": 30})
    assert [Figures(n, n).passes(few) for n in (29, 30)] == [False, True]
    assert not Figures(0, 0).passes(house.model_copy(update={"auto_confirm_orders": 0}))


def test_what_a_colleague_changed_counts_against_the_reader_and_what_the_customer_changed_does_not(
    known: Known,
) -> None:
    trade = known.trade
    for by, right in ((trade.buyer, 4), (trade.by(), 4)):
        order = known.order()
        orders.set_quantity(trade.session, order, 1, Decimal(2), by=by, at=trade.at)
        trade.confirm(order)
        assert automation.figures(trade.session, trade.customer).right == right
    trade.confirm(trade.draft((trade.article, "1")))  # taken by telephone: nobody read it
    assert automation.figures(trade.session, trade.customer) == Figures(4, 5)


def test_a_certain_order_is_registered_by_the_system(known: Known) -> None:
    order = known.order()
    assert known.considered(order)
    assert automation.figures_at(known.trade.session, order) == Figures(3, 3)


def doubtful(known: Known) -> Order:
    line = AskedLine("draps", known.trade.article, Decimal(1), confidence=Decimal("0.89"))
    return known.order(lines=(line,))


def overridden(known: Known) -> Order:
    known.trade.customer.on_hold = True
    order = known.order()
    overrides.grant(
        known.trade.session, order, {"customer_on_hold": Role.ACCOUNTING}, reason="payé ce matin par virement",
        by=known.trade.by(Role.ACCOUNTING), at=known.trade.at,
    )  # fmt: skip
    return order


def wished(known: Known) -> Order:
    order = known.order()
    trade = known.trade
    overrides.request(trade.session, order, Role.ACCOUNTING, reason="à voir avant", by=trade.by(), at=trade.at)
    return order


def short(known: Known) -> Order:
    stock.count(known.trade.session, known.trade.article.id, Decimal(3), source="count", at=known.trade.at)
    return known.order()  # what is left was promised to the orders before


def deposit_held(known: Known) -> Order:
    rule = deposits.DepositRule(code="R", percent=Decimal(10), blocks=orders.DepositStage.SHIPPING)
    known.trade.session.add(rule)
    known.trade.session.flush()
    return known.order()


def unlike_its_quote(known: Known) -> Order:
    trade = known.trade
    asked = Asked(trade.customer, MessageChannel.CHAT, (AskedLine("draps", trade.article, Decimal(2)),))
    quote = quotes.draft(trade.session, asked, by=trade.buyer, at=trade.at)
    quotes.send(trade.session, quote, house=trade.house, by=trade.by(), at=trade.at)
    return known.order(quote_id=quote.id)


def followed_by(**values: object) -> Callable[[Known], Order]:
    def make(known: Known) -> Order:
        order = known.order()
        known.message(**values)
        return order

    return make


DOUBTS: dict[str, Callable[[Known], Order]] = {
    "a line is not certain": doubtful,
    "the sender is not authenticated": lambda known: known.order(sender_authenticated=False),
    "the customer is not certain": lambda known: known.order(customer_clue="domain"),
    "a colleague typed it": lambda known: known.order(taken_by_id=known.trade.staff[Role.SALES].id),
    "a total differs": lambda known: known.order(customer_total=Money.of("99.90")),
    "stock is short": short,
    "a blocker was let through": overridden,
    "somebody asked for an override": wished,
    "a deposit is open": deposit_held,
    "it differs from its quote": unlike_its_quote,
    "part of the message was not read": lambda known: known.order(
        message_id=known.message(flags=automation.PARTLY_READ).id
    ),
    "another message waits": followed_by(state=MessageState.STORED),
    "another message is in quarantine": followed_by(state=MessageState.QUARANTINED, reason="no_order_found"),
    "a person answers what he wrote since": followed_by(reason="question"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_an_order_waits_for_a_person_when(known: Known, doubt: str) -> None:
    assert not known.considered(DOUBTS[doubt](known))


def test_figures_that_no_longer_pass_leave_the_order_to_a_person(known: Known) -> None:
    known.house = known.house.model_copy(update={"auto_confirm_orders": 4})
    assert not known.considered(known.order())


def cancelled(known: Known, order: Order) -> None:
    orders.cancel(known.trade.session, order, reason="erreur", by=known.trade.by(), at=known.trade.at)


def wrong_article(known: Known, order: Order) -> None:
    trade = known.trade
    trade.ship(trade.preparing(order))
    reserve = (ReserveKind.WRONG_ARTICLE, Decimal(1), "ce n'est pas le bon")
    trade.verify(trade.preparing(order), reserves={1: reserve})


@pytest.mark.parametrize(("act", "reason"), [(cancelled, "cancelled"), (wrong_article, "wrong_article")])
def test_the_first_correction_takes_the_rule_away(
    known: Known, act: Callable[[Known, Order], None], reason: str
) -> None:
    trade = known.trade
    by_hand, automatic = trade.confirm(known.order()), known.order()
    assert known.considered(automatic)
    act(known, by_hand)
    assert trade.customer.auto_confirm  # a colleague registered that one himself
    act(known, automatic)
    assert (trade.customer.auto_confirm, trade.customer.auto_confirm_reason) == (False, reason)
    waiting = known.order()
    assert automation.due(trade.session, house=known.house, at=trade.later(hours=1)) == []
    assert not automation.consider(trade.session, waiting.id, house=known.house, at=trade.at)
    assert not automation.corrected(trade.session, automatic, reason=reason, by=SYSTEM, at=trade.at)


def test_a_customer_who_changes_his_mind_corrects_nobody(known: Known) -> None:
    order = known.order()
    assert known.considered(order)
    orders.cancel(known.trade.session, order, reason="plus besoin", by=known.trade.buyer, at=known.trade.at)
    assert known.trade.customer.auto_confirm


def test_what_could_not_be_registered_is_tried_again_when_money_comes_and_each_day(known: Known) -> None:
    trade, house = known.trade, known.house
    trade.customer.credit_limit = Money.of(100)
    order, other = known.order(), known.order()
    assert not known.considered(order)
    assert not known.considered(other)
    registration.note_verdicts(trade.session, trade.customer, house=house, at=trade.at)
    trade.customer.credit_limit = Money.of(100_000)
    registration.look_again(trade.session, trade.customer, house=house, at=trade.later(minutes=1))
    assert known.considered(order)
    assert known.considered(other)
    stock.count(trade.session, trade.article.id, Decimal(3), source="count", at=trade.at)
    short = known.order()
    assert not known.considered(short)
    stock.count(trade.session, trade.article.id, Decimal(900), source="count", at=trade.at)
    assert automation.consider_again(trade.session) == 1
    assert known.considered(short)
    assert automation.consider_again(trade.session) == 0
    trade.customer.auto_confirm = False
    assert automation.consider_again(trade.session) == 0
