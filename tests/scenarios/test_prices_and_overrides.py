"""Who decides about a price, a discount and a customer over his limit: each role its own, with reason and bounds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from bot import texts
from bot.handlers.staff import Terms, terms
from core import clearances, journal, orders, overrides, registration
from core.catalogue import Article
from core.clock import PARIS
from core.db import transaction
from core.errors import Refused
from core.money import Money
from core.orders import AskedLine, Order, OrderState, PriceChoice
from core.overrides import Override, RequestState
from core.parties import ChatLink, Role, Staff, StaffRole
from tests.bot.conftest import Desk, desk
from tests.core.builders import Trade
from tests.core.conftest import house, trade

__all__ = ["desk", "house", "trade"]  # the fixtures of the two halves meet here

#: What the chats say does not depend on the database: the verbs below them are tried on both.
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
REASON = "geste commercial de fin d'année"


def link_the_manager(desk: Desk) -> None:
    user = desk.client.add_user("Claire", language_code="fr")
    desk.client.say(user.id, "/start")
    with transaction(desk.app.engine) as session:
        boss = session.scalars(select(Staff).where(Staff.name == "Claire")).one()
        session.add(ChatLink(chat_id=user.id, staff_id=boss.id, linked_at=desk.clock()))
    desk.chats["manager"] = user.id
    desk.settle()


def ordered_below_our_price(desk: Desk) -> int:
    with transaction(desk.app.engine) as session:
        flour = session.scalars(select(Article).where(Article.sku == "FAR-T65-25")).one()
    return desk.order(lines=(AskedLine("5 farines", flour, Decimal(5), customer_price=Decimal("17.10")),))


def ask_the_manager(desk: Desk) -> None:
    desk.press("sales", texts.label("treat_points_one"))
    desk.settle()
    desk.press("sales", texts.label("accept_price", price=Decimal("17.10")))
    desk.settle()


def test_a_purchase_order_below_our_price_is_settled_by_the_manager(desk: Desk) -> None:
    link_the_manager(desk)
    order_id = ordered_below_our_price(desk)
    desk.settle()
    ask_the_manager(desk)
    desk.say("sales", "trop cher")
    desk.settle()
    assert desk.last("sales").text == texts.refusal(Refused("reason_too_short", minimum=overrides.MIN_REASON))
    desk.say("sales", REASON)
    desk.settle()
    assert [row.chat_id for row in desk.rows("override_requested")] == [desk.chats["manager"]]
    assert any("Demande envoyée pour CMD-2026-0001\u00a0: la direction" in seen.text for seen in desk.chat("sales"))
    card = desk.last("manager")
    assert "prix du bon 17,10\u00a0€ ≠ tarif 18,40\u00a0€" in card.text
    assert REASON in card.text
    assert "Encours" not in card.text  # what the customer owes is accounting's
    assert desk.get(order_id).lines[0].unit_price == Decimal("18.4")

    desk.press("manager", texts.label("grant_price"))
    desk.settle()
    desk.say("manager", f"{REASON} jusqu'à 90 €")
    desk.settle()
    assert desk.last("manager").text.startswith("CMD-2026-0001 vaut 97,06")
    desk.say("manager", f"{REASON} jusqu'à 100 € et jusqu'au 30/11")
    desk.settle()
    order = desk.get(order_id)
    assert (order.lines[0].unit_price, order.lines[0].price_choice) == (Decimal("17.1"), PriceChoice.THEIRS)
    with transaction(desk.app.engine) as session:
        kept = session.scalars(select(Override)).one()
        assert (kept.cap, kept.expires_at) == (Money.of(100), datetime(2026, 12, 1, tzinfo=PARIS))
        granted = [e for e in journal.entries_of(session, order.subject) if e.action == "override_granted"]
        assert '"ours":"18.4"' in granted[0].data
        assert '"theirs":"17.1"' in granted[0].data
        assert journal.first_broken(session) is None
    assert any("débloquée" in seen.text and "la direction" in seen.text for seen in desk.chat("sales"))
    desk.press("sales", texts.label("confirm"))
    desk.settle()
    assert desk.get(order_id).state is OrderState.CONFIRMED


@ONE_DATABASE
def test_a_manager_who_refuses_leaves_our_price_and_the_agent_reads_why(desk: Desk) -> None:
    link_the_manager(desk)
    order_id = ordered_below_our_price(desk)
    desk.settle()
    ask_the_manager(desk)
    desk.say("sales", REASON)
    desk.settle()
    desk.press("manager", texts.label("refuse_override"))
    desk.settle()
    desk.say("manager", "marge trop faible")
    desk.settle()
    told = next(seen.text for seen in desk.chat("sales") if "demande refusée" in seen.text)
    assert "la direction" in told
    assert "marge trop faible" in told
    desk.press("sales", texts.label("settle_ours", price=Decimal("18.40")))
    desk.settle()
    assert desk.get(order_id).lines[0].price_choice is PriceChoice.OURS


@ONE_DATABASE
def test_an_agents_words_give_a_discount_and_above_his_limit_the_manager_is_asked(desk: Desk) -> None:
    link_the_manager(desk)
    order_id = desk.order()
    desk.settle()
    card = next(seen for seen in desk.chat("sales") if "CMD-2026-0001" in seen.text)
    desk.say("sales", "remise 5 %", reply_to=card.message_id)
    desk.settle()
    desk.press("sales", texts.label("apply_edit"))
    desk.settle()
    assert desk.get(order_id).totals.net == Money.of("837.90")  # 882,00 less 5 %
    desk.say("sales", "L2 remise de 10%", reply_to=card.message_id)
    desk.settle()
    desk.press("sales", texts.label("apply_edit"))
    desk.settle()
    shown = next(seen for seen in desk.chat("sales") if "CMD-2026-0001" in seen.text)
    assert "Remise accordée de 14,5\u00a0%" in shown.text
    desk.press("sales", texts.label("request_override"))
    desk.settle()
    desk.say("sales", REASON)
    desk.settle()
    assert "Remise accordée de 14,5\u00a0%" in desk.last("manager").text


def by(trade: Trade, role: Role) -> dict[str, Any]:
    return {"house": trade.house, "by": trade.by(role), "at": trade.at, "reason": REASON}


def twice_blocked(trade: Trade) -> Order:
    """Over the limit, which is accounting's, and a discount that is the manager's."""
    trade.customer.credit_limit = Money.of(100)
    order = trade.draft((trade.article, "2"))
    orders.set_discount(trade.session, order, Decimal(12), by=trade.by(), at=trade.at)
    return order


def codes(trade: Trade, order: Order) -> set[str]:
    found = registration.examine(trade.session, order, house=trade.house, at=trade.at)
    return {finding.code for finding in found if finding.blocks}


def test_each_role_is_asked_about_its_own_findings_and_lets_through_no_others(trade: Trade) -> None:
    order = twice_blocked(trade)
    money, terms_of_sale = clearances.ask(trade.session, order, **by(trade, Role.SALES))
    assert (money.role, list(money.shown)) == (Role.ACCOUNTING, ["over_limit"])
    assert (terms_of_sale.role, list(terms_of_sale.shown)) == (Role.MANAGER, ["discount_above_limit:12"])
    with pytest.raises(Refused, match="role_missing"):
        clearances.grant(trade.session, terms_of_sale, **by(trade, Role.ACCOUNTING))
    clearances.grant(trade.session, money, **by(trade, Role.ACCOUNTING))
    assert codes(trade, order) == {"discount_above_limit"}
    assert terms_of_sale.state is RequestState.OPEN
    clearances.grant(trade.session, terms_of_sale, **by(trade, Role.MANAGER))
    assert codes(trade, order) == set()
    with pytest.raises(Refused, match="request_already_answered"):
        clearances.grant(trade.session, terms_of_sale, **by(trade, Role.MANAGER))


def test_nobody_grants_what_the_request_did_not_show(trade: Trade) -> None:
    order = twice_blocked(trade)
    _, first = clearances.ask(trade.session, order, **by(trade, Role.SALES))
    again = clearances.ask(trade.session, order, **by(trade, Role.SALES))
    assert again[1] is first  # one open request per order and role
    orders.set_discount(trade.session, order, Decimal(30), by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="nothing_to_override"):
        clearances.grant(trade.session, first, **by(trade, Role.MANAGER))
    _, second = clearances.ask(trade.session, order, **by(trade, Role.SALES))
    assert (second is first, first.state) == (False, RequestState.REPLACED)
    clearances.grant(trade.session, second, **by(trade, Role.MANAGER))
    assert codes(trade, order) == {"over_limit"}
    orders.set_discount(trade.session, order, Decimal(40), by=trade.by(), at=trade.at)
    assert codes(trade, order) == {"over_limit", "discount_above_limit"}  # it was another discount
    orders.set_discount(trade.session, order, Decimal(60), by=trade.by(Role.MANAGER), at=trade.at)
    assert "discount_above_limit" not in codes(trade, order)  # a manager needs nobody


def test_a_line_without_a_price_waits_for_one_or_for_a_managers_gift(trade: Trade) -> None:
    sample, other = trade.add_article("ECH-1", "0"), trade.add_article("ECH-2", "0")
    order = trade.draft((sample, "2"), (trade.article, "1"))
    assert codes(trade, order) == {"price_missing"}
    (wish,) = clearances.ask(trade.session, order, **by(trade, Role.SALES))
    clearances.grant(trade.session, wish, **by(trade, Role.MANAGER))
    assert codes(trade, order) == set()
    orders.set_article(trade.session, order, 1, other, by=trade.by(), at=trade.at)
    assert codes(trade, order) == {"price_missing"}  # another article was not given away
    orders.set_price(trade.session, order, 1, Decimal("2.40"), by=trade.by(), at=trade.at)
    assert codes(trade, order) == set()
    assert trade.confirm(order).totals.net == Money.of("104.80")


@ONE_DATABASE
def test_a_missing_price_is_typed_in_by_the_agent(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        session.scalars(select(Article).where(Article.sku == "FAR-T65-25")).one().price = Decimal(0)
    order_id = desk.order()
    desk.settle()
    desk.press("sales", texts.label("treat_points_one"))
    desk.settle()
    desk.press("sales", texts.label("ask_price"))
    desk.settle()
    desk.say("sales", "18,4000001")
    desk.settle()
    assert "plus de 6 décimales" in desk.last("sales").text
    desk.say("sales", "18,40")
    desk.settle()
    assert desk.get(order_id).totals.net == Money.of(882)


def test_an_override_has_a_cap_and_an_expiry_and_is_never_the_requesters_own(trade: Trade) -> None:
    trade.customer.credit_limit = Money.of(100)
    order = trade.draft((trade.article, "2"))
    both = Staff(name="both", grants=[StaffRole(role=Role.SALES), StaffRole(role=Role.ACCOUNTING)])
    trade.session.add(both)
    trade.session.flush()
    with pytest.raises(Refused, match="reason_too_short"):
        clearances.ask(trade.session, order, **by(trade, Role.SALES) | {"reason": " court "})
    (wish,) = clearances.ask(trade.session, order, **by(trade, Role.SALES) | {"by": both.as_actor()})
    with pytest.raises(Refused, match="own_request"):
        clearances.grant(trade.session, wish, **by(trade, Role.ACCOUNTING) | {"by": both.as_actor()})
    with pytest.raises(Refused, match="expiry_in_past"):
        clearances.grant(trade.session, wish, **by(trade, Role.ACCOUNTING), expires_at=trade.at)
    with pytest.raises(Refused, match="cap_below_order"):
        clearances.grant(trade.session, wish, **by(trade, Role.ACCOUNTING), cap=Money.of("239.99"))
    clearances.grant(
        trade.session, wish, **by(trade, Role.ACCOUNTING), cap=Money.of(360), expires_at=trade.at + timedelta(days=1)
    )
    orders.set_quantity(trade.session, order, 1, Decimal(3), by=trade.by(), at=trade.at)
    assert codes(trade, order) == set()
    orders.set_quantity(trade.session, order, 1, Decimal("3.0001"), by=trade.by(), at=trade.at)
    assert codes(trade, order) == {"over_limit"}
    orders.set_quantity(trade.session, order, 1, Decimal(3), by=trade.by(), at=trade.at)
    trade.later(days=1)
    assert codes(trade, order) == {"over_limit"}
    with pytest.raises(Refused, match="nothing_to_override"):
        clearances.ask(trade.session, order, **by(trade, Role.SALES), only=Role.MANAGER)


def test_a_manager_accepts_at_once_but_not_what_he_asked_for_himself(trade: Trade) -> None:
    line = AskedLine("draps", trade.article, Decimal(2), customer_price=Decimal(90))
    order = trade.draft(lines=(line,))
    for tolerance, allowed in (("9.99", False), ("10", True)):
        if allowed:
            orders.settle_price(
                trade.session, order, 1, PriceChoice.THEIRS, by=trade.by(), at=trade.at,
                tolerance_percent=Decimal(tolerance),
            )  # fmt: skip
        else:
            with pytest.raises(Refused, match="price_below_tolerance"):
                orders.settle_price(
                    trade.session, order, 1, PriceChoice.THEIRS, by=trade.by(), at=trade.at,
                    tolerance_percent=Decimal(tolerance),
                )  # fmt: skip
    other = trade.draft(lines=(line,))
    clearances.accept_price(trade.session, other, 1, by=trade.by(Role.MANAGER), at=trade.at)
    assert other.lines[0].unit_price == 90
    third = trade.draft(lines=(line,))
    clearances.ask(trade.session, third, **by(trade, Role.MANAGER))
    with pytest.raises(Refused, match="own_request"):
        clearances.accept_price(trade.session, third, 1, by=trade.by(Role.MANAGER), at=trade.at)


def test_the_bounds_of_an_override_are_read_as_they_are_typed() -> None:
    today = date(2026, 11, 23)
    midnight = datetime(2026, 12, 1, tzinfo=PARIS)
    assert terms("client sûr, virement vu", today=today) == Terms("client sûr, virement vu")
    assert terms("client sûr jusqu'à 5 000,50 € jusqu'au 30/11", today=today) == Terms(
        "client sûr", Money.of("5000.50"), midnight
    )
    assert terms("jusqu\u2019à hauteur de 5000 euros : ok", today=today) == Terms(": ok", Money.of(5000))
    assert terms("ok jusqu'au 05/01", today=today).expires_at == datetime(2027, 1, 6, tzinfo=PARIS)
    assert terms("ok jusqu'au 30/11/2026", today=today).expires_at == midnight
    with pytest.raises(Refused, match="date_not_understood"):
        terms("ok jusqu'au 31/02", today=today)
