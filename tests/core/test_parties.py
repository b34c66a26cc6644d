"""Who may speak in a chat, what a chat remembers, what became of a message."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import conversations, journal, messages, parties
from core.errors import IllegalTransition, Refused
from core.journal import SYSTEM
from core.messages import Message, MessageChannel, MessageState
from core.parties import LinkCode, Role
from tests.core.builders import Trade


def test_a_code_links_one_chat_once_within_fifteen_minutes(trade: Trade) -> None:
    code = parties.make_link_code(trade.session, trade.customer, by=trade.by(Role.ADMIN), at=trade.at)
    trade.session.flush()
    kept = trade.session.query(LinkCode).one()
    assert code not in kept.code_hash
    link = parties.use_link_code(trade.session, f" {code.lower()} ", chat_id=555, at=trade.at + timedelta(minutes=15))
    assert link.customer is trade.customer
    for wrong in (code, "WRONG"):
        with pytest.raises(Refused, match="link_code_invalid"):
            parties.use_link_code(trade.session, wrong, chat_id=556, at=trade.at)
    late = parties.make_link_code(trade.session, trade.customer, by=trade.by(Role.ADMIN), at=trade.at)
    with pytest.raises(Refused, match="link_code_invalid"):
        parties.use_link_code(trade.session, late, chat_id=557, at=trade.at + timedelta(minutes=15, seconds=1))


def test_a_chat_linked_again_speaks_for_its_new_owner_only(trade: Trade) -> None:
    sales = trade.staff[Role.SALES]
    for whom in (trade.customer, sales):
        code = parties.make_link_code(trade.session, whom, by=SYSTEM, at=trade.at)
        link = parties.use_link_code(trade.session, code, chat_id=555, at=trade.at)
    assert (link.customer, link.staff) == (None, sales)
    assert link.as_actor() == sales.as_actor()
    entries = journal.entries_of(trade.session, f"staff:{sales.id}")
    assert (entries[-1].private, "555" in entries[-1].data) == ("555", False)


def test_s12_a_colleague_who_left_holds_no_role(trade: Trade) -> None:
    sales = trade.staff[Role.SALES]
    sales.active = False
    trade.session.flush()
    assert sales.as_actor().roles == frozenset()
    assert parties.staff_with(trade.session, Role.SALES) == []


def test_an_address_that_failed_is_not_used(trade: Trade) -> None:
    assert trade.customer.email == "achats@bellevue.example"
    trade.customer.contacts[0].email_failed_at = trade.at
    assert trade.customer.email == ""
    with pytest.raises(Refused, match="customer_unknown"):
        parties.customer_by_code(trade.session, "C999")


def test_a_button_works_in_its_own_chat_until_it_expires(trade: Trade) -> None:
    token = conversations.make_button(trade.session, chat_id=1, action="confirm", at=trade.at, version=3, position=2)
    trade.session.flush()
    assert len(token.encode()) <= 64
    found = conversations.pressed(trade.session, token, chat_id=1, at=trade.at)
    assert found is not None
    assert (found[0].action, found[0].version, found[1]) == ("confirm", 3, {"position": 2})
    late = trade.at + conversations.BUTTON_LIFETIME + timedelta(seconds=1)
    assert conversations.pressed(trade.session, token, chat_id=2, at=trade.at) is None
    assert conversations.pressed(trade.session, "v1:forged", chat_id=1, at=trade.at) is None
    assert conversations.pressed(trade.session, token, chat_id=1, at=late) is None
    conversations.forget_expired(trade.session, at=late)
    trade.session.expire_all()
    assert conversations.pressed(trade.session, token, chat_id=1, at=trade.at) is None


def test_a_question_is_answered_once_and_the_last_one_counts(trade: Trade) -> None:
    conversations.ask(trade.session, chat_id=1, action="reason", at=trade.at, order=1)
    trade.session.flush()
    conversations.ask(trade.session, chat_id=1, action="quantity", at=trade.at, order=2)
    trade.session.flush()
    assert conversations.answered(trade.session, chat_id=1, at=trade.at) == ("quantity", {"order": 2})
    trade.session.flush()
    assert conversations.answered(trade.session, chat_id=1, at=trade.at) is None


def test_a_message_moves_along_its_table_with_a_journal_line(trade: Trade) -> None:
    message = Message(channel=MessageChannel.MAIL, key="mail:1", received_at=trade.at)
    message.flag("possible_duplicate")
    message.flag("possible_duplicate")
    trade.session.add(message)
    trade.session.flush()
    assert message.flags == "possible_duplicate"
    assert list(messages.unfinished(trade.session, at=trade.at)) == [message]
    messages.move(trade.session, message, MessageState.IGNORED, by=SYSTEM, at=trade.at, reason="out_of_office")
    assert list(messages.unfinished(trade.session, at=trade.at)) == []
    with pytest.raises(IllegalTransition):
        messages.move(trade.session, message, MessageState.UNDERSTOOD, by=SYSTEM, at=trade.at)
    messages.move(trade.session, message, MessageState.STORED, by=SYSTEM, at=trade.at)
    message.next_try = trade.at + timedelta(minutes=1)
    trade.session.flush()
    assert list(messages.unfinished(trade.session, at=trade.at)) == []
    actions = [e.action for e in journal.entries_of(trade.session, f"message:{message.id}")]
    assert actions == ["message_ignored", "message_stored"]
