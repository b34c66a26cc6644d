"""Whatever is shipped, remarked on, answered, refused and sent back: quantities, stock and money add up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core import deliveries, exposure, invoices, stock
from core.deliveries import Counted, Delivery, DeliveryState, ReserveDecision, ReserveKind, reserves, returns
from core.documents import DocumentKind
from core.errors import Comptoir
from core.money import Money
from core.orders import Order
from core.settings import House
from tests.core.builders import AT, Trade, furnish

ORDERED, SHELF, PRICE = Decimal(20), Decimal(500), Decimal(7)
ACTS = st.one_of(
    st.tuples(st.just("ship"), st.integers(1, 20)),
    st.tuples(st.just("receive"), st.just(0)),
    st.tuples(st.sampled_from(list(ReserveKind)), st.integers(1, 6)),
    st.tuples(st.sampled_from(list(ReserveDecision)), st.integers(0, 3)),
    st.tuples(st.just("refuse"), st.just(0)),
    st.tuples(st.just("return"), st.integers(1, 8)),
    st.tuples(st.just("scrap"), st.integers(1, 8)),
)


@dataclass
class Story:
    """One order of one article and what happens to it; an act that is not possible now changes nothing."""

    trade: Trade
    order: Order

    def act(self, what: str, number: int) -> None:
        session = self.trade.session
        try:
            with session.begin_nested():
                self._act(what, Decimal(number))
        except Comptoir:
            session.expire_all()

    def _act(self, what: str, count: Decimal) -> None:
        trade, session = self.trade, self.trade.session
        trade.later(minutes=1)
        known = deliveries.of_order(session, self.order)
        out = [one for one in known if one.state is DeliveryState.SHIPPED]
        if what == "ship":
            preparing = [one for one in known if one.state is DeliveryState.PREPARING]
            delivery = preparing[0] if preparing else self.prepare()
            left = min(count, delivery.lines[0].quantity)
            deliveries.set_prepared(session, delivery, 1, left, by=trade.by(), at=trade.at)
            trade.ship(delivery)
        elif what == "receive" and out:
            if out[0].reserves:
                reserves.settle_statements(session, house=trade.house, at=trade.later(days=2))
            else:
                trade.verify(out[0])
        elif what in set(ReserveKind) and out:
            reserves.state(session, out[0], 1, ReserveKind(what), count, "pas bon", by=trade.buyer, at=trade.at)
        elif what in set(ReserveDecision):
            waiting = [one for delivery in known for one in delivery.reserves if one.decision is None]
            remark = waiting[int(count) % len(waiting)] if waiting else None
            if remark is not None:
                given_ = {"house": trade.house, "by": trade.by(), "at": trade.at, "reason": "non"}
                reserves.decide(session, remark, ReserveDecision(what), **given_)  # type: ignore[arg-type]
        elif what == "refuse" and out:
            back = deliveries.refuse_delivery(session, out[0], reason="non", by=trade.buyer, at=trade.at)
            everything = {1: Counted(good=back.lines[0].quantity)}
            returns.receive(session, back, everything, house=trade.house, by=trade.by(), at=trade.at)
        elif what in {"return", "scrap"}:
            self.send_back(known, count, good=what == "return")

    def prepare(self) -> Delivery:
        trade = self.trade
        return deliveries.prepare(trade.session, self.order, house=trade.house, by=trade.by(), at=trade.at)

    def send_back(self, known: list[Delivery], count: Decimal, *, good: bool) -> None:
        trade = self.trade
        gone = [one for one in known if one.state in {DeliveryState.SHIPPED, DeliveryState.VERIFIED}]
        if not gone:
            return
        wanted = {1: count}
        back = returns.request(trade.session, gone[-1], wanted, reason="trop", by=trade.buyer, at=trade.at)
        returns.agree(trade.session, back, by=trade.by(), at=trade.at)
        counted = {1: Counted(good=count) if good else Counted(scrapped=count)}
        returns.receive(trade.session, back, counted, house=trade.house, by=trade.by(), at=trade.at)

    def holds(self) -> None:
        """What is stored against what is counted here, delivery by delivery."""
        session = self.trade.session
        session.flush()
        session.expire_all()
        line, left = self.order.lines[0], deliveries.remaining_quantities(session, self.order)
        shipped = again = came_back = due = due_now = Decimal(0)
        for delivery in deliveries.of_order(session, self.order):
            for one in delivery.lines:
                good = sum((back.good for back in one.returns), Decimal(0))
                if delivery.state is DeliveryState.REFUSED:
                    assert good == one.quantity
                    continue
                if delivery.state not in {DeliveryState.SHIPPED, DeliveryState.VERIFIED}:
                    continue
                shipped += one.quantity
                came_back += good
                again += sum((r.quantity for r in one.reserves if r.decision is ReserveDecision.REPLACE), Decimal(0))
                unpaid = sum((r.quantity for r in one.reserves if r.waived), Decimal(0))
                kept = one.quantity - unpaid - sum((back.received for back in one.returns), Decimal(0))
                assert kept >= 0
                due_now += kept if delivery.state is DeliveryState.VERIFIED else 0
                due += kept if delivery.state is DeliveryState.SHIPPED else 0
        assert left.get(line.id, Decimal(0)) == ORDERED - shipped + again >= 0
        shelf = stock.shelves(session, [line.article_id or 0])[line.article_id or 0]
        assert shelf.on_hand == SHELF - shipped + came_back
        assert shelf.reserved + shelf.waiting == left.get(line.id, Decimal(0))
        net = sum(
            (one.net.amount * (-1 if one.kind is DocumentKind.CREDIT_NOTE else 1)
             for one in invoices.of_order(session, self.order)), Decimal(0),
        )  # fmt: skip
        assert net == due_now * PRICE
        counted = exposure.stages(self.trade.house)
        seen = exposure.of(session, self.trade.customer, None, counted=counted)
        assert seen.delivered_not_invoiced == Money.of(due * PRICE * Decimal("1.2"))


def prove(engine: Engine, house: House, examples: int) -> None:
    with Session(engine) as session:
        trade = furnish(session, house)
        article = trade.add_article("A", str(PRICE), on_hand=str(SHELF))

        @settings(
            max_examples=examples,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(st.lists(ACTS, min_size=3, max_size=14))
        def adds_up(acts: list[tuple[str, int]]) -> None:
            example, trade.at = session.begin_nested(), AT
            try:
                story = Story(trade, trade.confirm(trade.draft((article, str(ORDERED)))))
                story.act("ship", 12)
                for what, number in acts:
                    story.act(what, number)
                    story.holds()
            finally:
                example.rollback()
                session.expire_all()

        adds_up()
        session.rollback()


def test_quantities_stock_and_money_add_up(engine: Engine, house: House) -> None:
    prove(engine, house, 6 if engine.dialect.name == "sqlite" else 3)


@pytest.mark.long
def test_quantities_stock_and_money_add_up_in_many_stories(engine: Engine, house: House) -> None:
    prove(engine, house, 150)
