"""What waits more than a quarter of an hour of opening time is told to others: once, together, journalled."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from core import calls, escalations, events, journal, messages, outbox, overrides, payments, waiting
from core.clock import PARIS, Hours
from core.errors import Refused
from core.journal import SYSTEM
from core.messages import MailboxHealth, Message, MessageChannel, MessageState
from core.outbox import OutboxRow, OutboxState
from core.parties import ChatLink, Role, Staff, StaffRole
from intake.receive import MailboxSubject
from tests.core.builders import Trade

HOURS = Hours(time(8), time(18))


def paris(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=PARIS).astimezone(UTC)


@pytest.mark.parametrize(
    ("since", "due"),
    [
        (paris(10, 9), paris(10, 9, 15)),
        (paris(10, 3), paris(10, 8, 15)),
        (paris(10, 17, 50), paris(11, 8, 5)),
        (paris(13, 17, 46), paris(16, 8, 1)),  # Friday evening: Monday
        (paris(14, 12), paris(16, 8, 15)),
        (paris(27, 17, 55), paris(30, 8, 10)),  # the clocks change in between
    ],
)
def test_the_quarter_of_an_hour_runs_while_the_house_is_open(since: datetime, due: datetime) -> None:
    assert HOURS.after(since, timedelta(minutes=15)) == due


def told(trade: Trade) -> dict[str, list[str]]:
    """Who was told of what: the names of colleagues with the things named to them, message by message."""
    trade.session.flush()
    names = {link.chat_id: link.staff.name for link in trade.session.query(ChatLink).all() if link.staff}
    found: dict[str, list[str]] = {}
    for row in trade.session.query(OutboxRow).filter_by(template="still_waiting").order_by(OutboxRow.id):
        items = ",".join(f"{kind}={subject}" for kind, subject in row.arguments["items"])
        found.setdefault(names[row.chat_id or 0], []).append(items)
    return found


def run(trade: Trade, at: datetime) -> list[Staff]:
    return escalations.run(trade.session, hours=HOURS, at=at)


def second_agent(trade: Trade) -> None:
    """A colleague of sales who joined after the card was sent."""
    late = Staff(name="sales two", email="two@linge.example", grants=[StaffRole(role=Role.SALES)])
    trade.session.add(late)
    trade.session.flush()
    trade.session.add(ChatLink(chat_id=9500, staff_id=late.id, linked_at=trade.at))


def test_what_waits_is_told_once_to_the_others_in_one_message(trade: Trade) -> None:
    order = trade.draft((trade.article, "2"))
    overrides.request(
        trade.session, order, Role.ACCOUNTING, reason="Client depuis huit ans", by=trade.by(), at=trade.at
    )
    other = trade.draft((trade.article, "5"))
    odd = Message(channel=MessageChannel.MAIL, key="mail:x", received_at=trade.at, sender="inconnu@example.com")
    trade.session.add(odd)
    trade.session.flush()
    messages.move(trade.session, odd, MessageState.QUARANTINED, by=SYSTEM, at=trade.at, reason="customer_unknown")
    events.emit(trade.session, "message_quarantined", odd, at=trade.at)
    events.emit(trade.session, "human_wanted", trade.customer, at=trade.at)
    second_agent(trade)
    assert run(trade, trade.at + timedelta(minutes=14)) == []
    wish = f"override=override_request:{trade.session.query(overrides.OverrideRequest).one().id}"
    sales = f"customer_message={trade.customer.subject},draft={other.subject},message={odd.subject}"
    at = trade.at + timedelta(minutes=15)
    assert {colleague.name for colleague in run(trade, at)} == {"manager one", "sales two"}
    everything = f"customer_message={trade.customer.subject},draft={other.subject},message={odd.subject},{wish}"
    assert told(trade) == {"manager one": [everything], "sales two": [sales]}
    kept = [entry for entry in journal.entries_of(trade.session, other.subject) if entry.action == "escalated"]
    assert len(kept) == 1
    for minutes in (1, 30, 60 * 24, -60):  # later, and after the clock was set back: never again
        assert run(trade, at + timedelta(minutes=minutes)) == []
    assert len(told(trade)["manager one"]) == 1


def test_nobody_is_told_while_the_house_is_closed_and_one_message_a_few_minutes_is_enough(trade: Trade) -> None:
    trade.at = paris(13, 17, 50)  # a Friday
    first = trade.draft((trade.article, "2"))
    for at in (paris(13, 18, 10), paris(14, 10), paris(15, 10), paris(16, 7, 59)):
        assert run(trade, at) == []
    assert run(trade, paris(16, 8, 5))
    trade.at = paris(16, 7, 51)
    second = trade.draft((trade.article, "3"))
    trade.at = paris(16, 7, 53)
    third = trade.draft((trade.article, "4"))
    assert run(trade, paris(16, 8, 9)) == []
    assert run(trade, paris(16, 8, 15))
    assert told(trade)["manager one"] == [
        f"draft={first.subject}", f"draft={second.subject},draft={third.subject}"
    ]  # fmt: skip


def test_a_call_is_taken_by_one_colleague_and_waits_no_more(trade: Trade) -> None:
    events.emit(trade.session, "human_wanted", trade.customer, at=trade.at)
    events.emit(trade.session, "human_wanted", trade.customer, at=trade.at)
    call = calls.last(trade.session, "customer_message", trade.customer.subject)
    assert call is not None
    assert [one.kind for one in waiting.found(trade.session, before=trade.at)] == ["customer_message"]
    calls.take(trade.session, call, by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="call_taken"):
        calls.take(trade.session, call, by=trade.by(Role.MANAGER), at=trade.at)
    assert waiting.found(trade.session, before=trade.at) == []
    assert run(trade, trade.at + timedelta(hours=1)) == []
    events.emit(trade.session, "human_wanted", trade.customer, at=trade.later(hours=2))  # he calls again
    assert len(waiting.found(trade.session, before=trade.at)) == 1


def test_a_failed_send_may_be_sent_again_by_a_person(trade: Trade) -> None:
    trade.draft((trade.article, "2"))
    row = trade.session.query(OutboxRow).filter_by(template="order_card").one()
    with pytest.raises(Refused, match="nothing_to_send_again"):
        outbox.send_again(trade.session, row, by=trade.by(Role.ADMIN), at=trade.at)
    outbox.move(trade.session, row, OutboxState.SENDING, at=trade.at)
    outbox.move(trade.session, row, OutboxState.FAILED, at=trade.at, error="BadRequest")
    outbox.send_again(trade.session, row, by=trade.by(Role.ADMIN), at=trade.at)
    assert (row.state, row.attempt, row.resent) == (OutboxState.WAITING, 0, False)


def test_a_call_whose_thing_is_settled_closes_by_itself_and_a_later_trouble_is_another_call(trade: Trade) -> None:
    health = MailboxHealth(account="orders", alarm="mail_login_refused")
    trade.session.add(health)
    invoice = trade.invoiced((trade.article, "1"))
    subject = MailboxSubject("orders")
    events.emit(trade.session, "mailbox_alarm", subject, at=trade.at, code="mail_login_refused")
    events.emit(trade.session, "payment_claimed", invoice, at=trade.at, number=invoice.number)
    run(trade, trade.at)
    assert len(calls.unanswered(trade.session)) == 2
    health.alarm = ""
    payments.record(
        trade.session, trade.customer, invoice.gross, received_on=trade.at.date(), by=trade.by(Role.ACCOUNTING),
        at=trade.at, house=trade.house, settles=invoice,
    )  # fmt: skip
    run(trade, trade.later(minutes=5))
    assert calls.unanswered(trade.session) == []
    health.alarm = "mail_login_refused"
    events.emit(trade.session, "mailbox_alarm", subject, at=trade.later(minutes=5), code="mail_login_refused")
    assert {colleague.name for colleague in run(trade, trade.later(minutes=16))} == {"manager one"}
