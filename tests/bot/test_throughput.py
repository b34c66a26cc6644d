"""Much at once: Telegram's limits in any window, an outage, a crowd of cards, several calls under way."""

from __future__ import annotations

import heapq
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot import push, telegram
from bot.app import App
from bot.bells import Bells
from bot.limiter import OVERALL, PER_CHAT, PER_GROUP, Limiter, Window
from bot.sandbox.faults import FaultKind
from core import parties
from core.db import transaction
from core.outbox import OutboxRow, OutboxState
from core.parties import ChatLink, Role
from tests.bot.conftest import Desk


@dataclass
class Limited:
    """A desk whose every call passes a limiter; its time and the desk's move together."""

    desk: Desk
    app: App
    now: list[float]

    def forward(self, seconds: float) -> None:
        self.now[0] += seconds
        self.desk.clock.forward(seconds=seconds)


@pytest.fixture
def limited(desk: Desk) -> Iterator[Limited]:
    now = [1000.0]
    limiter = Limiter(lambda: now[0])
    application = telegram.build_application(desk.app.settings, limiter)
    app = replace(desk.app, application=application, limiter=limiter)
    app.call(application.initialize())
    yield Limited(desk, app, now)
    app.call(application.shutdown())


def most(moments: list[float], window: Window) -> int:
    """The most moments in any window of that length."""
    ordered = sorted(moments)
    return max((sum(at <= other < at + window[1] for other in ordered) for at in ordered), default=0)


@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 3, -1, -2, *range(10, 60)]), st.floats(0.01, 3), st.floats(0, 1)),
             min_size=1, max_size=150),
)  # fmt: skip
@settings(max_examples=25)
def test_the_limits_hold_in_any_window_of_the_servers_clock_however_long_each_call_is_on_its_way(
    wanted: list[tuple[int, float, float]],
) -> None:
    now = [0.0]
    limits = Limiter(lambda: now[0])
    under_way: list[tuple[float, int]] = []
    arrived: dict[int | None, list[float]] = defaultdict(list)
    for chat_id, lasts, share in wanted:
        while (seconds := limits.take(chat_id)) > 0:
            now[0] += min(seconds, 0.5)
            while under_way and under_way[0][0] <= now[0]:
                limits.done(heapq.heappop(under_way)[1])
        heapq.heappush(under_way, (now[0] + lasts, chat_id))
        for key in (None, chat_id):
            arrived[key].append(now[0] + share * lasts)
    assert most(arrived[None], OVERALL) <= OVERALL[0]
    for chat in arrived.keys() - {None}:
        assert most(arrived[chat], PER_CHAT) <= PER_CHAT[0]
        assert chat is None or chat > 0 or most(arrived[chat], PER_GROUP) <= PER_GROUP[0]


def test_a_card_is_repainted_at_once_in_a_chat_and_counted_in_a_group() -> None:
    limits = Limiter(lambda: 0.0)
    limits.note(1)
    limits.note(-1)
    assert (limits.wait(1), limits.wait(1, edit=True)) == (1.0, 0.0)
    for _ in range(19):
        assert limits.take(-1, edit=True) == 0
    assert limits.wait(-1, edit=True) > 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_t10_a_server_that_is_away_for_ten_minutes_is_called_ever_less_often(limited: Limited) -> None:
    limited.desk.order()
    limited.desk.order()
    limited.desk.client.fault("*", FaultKind.BAD_GATEWAY, times=10_000)
    for _ in range(200):
        limited.forward(3)
        push.deliver(limited.app)
    calls = len(limited.desk.client.calls("sendMessage"))
    assert 8 <= calls <= 20, calls
    limited.desk.client.clear_faults()
    for _ in range(60):
        limited.forward(60)
        push.deliver(limited.app)
    assert {row.state for row in limited.desk.rows()} == {OutboxState.SENT}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_t14_the_whole_bot_is_quiet_as_long_as_the_server_asks(limited: Limited) -> None:
    limited.desk.order()
    limited.desk.client.fault("sendMessage", FaultKind.FLOOD, retry_after=37)
    push.deliver(limited.app)
    before = len(limited.desk.client.calls("sendMessage"))
    for _ in range(36):
        limited.forward(1)
        push.deliver(limited.app)
    assert len(limited.desk.client.calls("sendMessage")) == before == 1
    limited.forward(2)
    push.deliver(limited.app)
    assert {row.state for row in limited.desk.rows()} == {OutboxState.SENT}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_t15_twenty_five_cards_for_a_group_in_a_minute_are_twenty_messages_at_most(limited: Limited) -> None:
    desk = limited.desk
    group = desk.client.add_group("Commerciaux", [desk.chats["sales"]])
    with transaction(desk.app.engine) as session:
        agent = parties.staff_with(session, Role.SALES)[0]
        session.delete(session.get_one(ChatLink, desk.chats["sales"]))
        session.add(ChatLink(chat_id=group.id, linked_at=desk.clock(), staff_id=agent.id))
    numbers = [desk.order() for _ in range(25)]
    for _ in range(59):
        push.deliver(limited.app)
        limited.forward(1)
    shown = [seen for seen in desk.client.chat(desk.chats["sales"], chat=group.id) if seen.who == "bot"]
    assert 15 < len(shown) <= 20
    together = shown[-1]
    assert "ensemble" in together.text
    references = {desk.get(number).reference for number in numbers}
    assert {name for name in references if any(name in seen.text for seen in shown)} == references
    assert len([label for row in together.buttons for label in row]) >= 5
    waiting = select(OutboxRow).where(OutboxRow.state == OutboxState.WAITING, OutboxRow.chat_id == group.id)
    with transaction(desk.app.engine) as session:
        assert not session.scalars(waiting).all()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_crowd_of_cards_in_a_chat_is_one_message_and_each_opens_from_it(limited: Limited) -> None:
    desk = limited.desk
    for _ in range(push.CROWD + 1):
        desk.order()
    for _ in range(5):
        push.deliver(limited.app)
        limited.forward(1.1)
    shown = [seen for seen in desk.chat("sales") if seen.who == "bot"]
    assert len(shown) == 1
    label = shown[0].buttons[2][0]
    desk.press("sales", label)
    telegram.fetch(limited.app)
    telegram.handle(limited.app)
    push.deliver(limited.app)
    opened = desk.last("sales")
    assert label.split()[-1] in opened.text
    assert opened.buttons[0][0].startswith("Confirmer")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_calls_to_several_chats_are_under_way_at_once(desk: Desk) -> None:
    together = threading.Barrier(2)
    desk.app.checkpoint = lambda name: together.wait(10) and None if name == "sending" else None
    desk.order()
    desk.app.flights = 2
    assert push.deliver(desk.app) == 2
    assert {row.state for row in desk.rows()} == {OutboxState.SENT}


def test_what_stays_due_is_rung_for_ever_less_often_and_no_bell_twice_before_it_is_heard() -> None:
    now, rung = [0.0], []
    bells = Bells(lambda: now[0])
    for step in range(240):
        now[0] = step / 2
        for name in bells.wanted(["receipts", "deliver"]):
            bells.rung(name)
            rung.append((name, now[0]))
            if name == "receipts":
                bells.heard(name)
    assert [at for name, at in rung if name == "receipts"] == [0, 1, 3, 7, 15, 31, 63]
    assert [at for name, at in rung if name == "deliver"][:3] == [0, 10, 20]
    bells.wanted([])
    assert bells.wanted(["receipts"]) == ["receipts"]
