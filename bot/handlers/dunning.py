"""Reminders and disputes under way, as accounting and legal look at them: who owes what, who promised, who contests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import texts
from bot.access import allowed
from bot.cards import Content
from bot.keyboards import Press
from core import reminders
from core.clock import business_date
from core.disputes import Dispute, DisputeState
from core.money import total
from core.reminders import Promise, PromiseState, Reminder, ReminderState

if TYPE_CHECKING:
    from bot.turns import Turn

SHOWN = 5
#: How many reminders are looked through for those that still claim something.
RECENT = 60


def show_reminders(turn: Turn, _rest: str) -> None:
    """What waits for legal, who was reminded last and still owes, and what is promised."""
    waiting = [_told(turn, one) for one in _latest(turn, ReminderState.TO_APPROVE)]
    told = [_told(turn, one) for one in _latest(turn, ReminderState.SENT, ReminderState.APPROVED)]
    told = [one for one in told if one["due"]][:SHOWN]
    query = select(Promise).where(Promise.state == PromiseState.OPEN).order_by(Promise.day, Promise.id).limit(SHOWN)
    promises = list(turn.session.scalars(query))
    rows: list[list[Press]] = []
    for one in waiting[:SHOWN]:
        about, name = {"reminder": one["reminder"].id}, {"name": one["reminder"].customer.name}
        if allowed(turn.link, "approve_notice"):
            rows += [[Press("approve_notice", about, name, "approve_notice_of"), Press("drop_notice", about)]]
    accounts = {one["reminder"].customer_id: one["reminder"].customer.name for one in [*waiting, *told]}
    accounts |= {promise.customer_id: promise.customer.name for promise in promises}
    if allowed(turn.link, "show_account"):
        rows += _accounts(accounts)
    html = texts.render(
        "reminders_open", waiting=waiting, told=told, promises=promises, today=business_date(turn.at), shown=SHOWN,
    )  # fmt: skip
    turn.send(Content(html, rows))


def _latest(turn: Turn, *states: ReminderState) -> list[Reminder]:
    """The newest reminder of each customer in one of these states."""
    query = select(Reminder).where(Reminder.state.in_(states)).order_by(Reminder.id.desc()).limit(RECENT)
    newest: dict[int, Reminder] = {}
    for one in turn.session.scalars(query):
        newest.setdefault(one.customer_id, one)
    return list(newest.values())


def _told(turn: Turn, reminder: Reminder) -> dict[str, Any]:
    amounts = reminders.statement(turn.session, reminder, today=business_date(turn.at), house=turn.house)
    return {
        "reminder": reminder, "due": total(one.due for one in amounts),
        "days": max((one.days_late or 0 for one in amounts), default=0),
    }  # fmt: skip


def _accounts(customers: dict[int, str]) -> list[list[Press]]:
    shown = [
        Press("show_account", {"customer": number}, {"name": name}, "show_account_of")
        for number, name in list(customers.items())[:SHOWN]
    ]
    return [[press] for press in shown]


def show_disputes(turn: Turn, _rest: str) -> None:
    """Open disputes, those that are to be answered first above, each to be closed with what was decided."""
    query = select(Dispute).where(Dispute.state == DisputeState.OPEN).order_by(Dispute.answer_by, Dispute.id)
    found = list(turn.session.scalars(query))
    rows: list[list[Press]] = []
    for one in found[:SHOWN]:
        close = Press("settle_dispute", {"dispute": one.id}, {"reference": one.reference}, "settle_dispute_of")
        account = Press("show_account", {"customer": one.customer_id}, {"name": one.customer.name}, "show_account_of")
        rows.append([press for press in (close, account) if allowed(turn.link, press.action)])
    html = texts.render("disputes_open", disputes=found[:SHOWN], more=max(len(found) - SHOWN, 0))
    turn.send(Content(html, rows))


COMMANDS: dict[str, Any] = {"reminders": show_reminders, "disputes": show_disputes}
