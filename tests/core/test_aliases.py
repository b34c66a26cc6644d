"""What is taught about a customer: kept once, journalled, listed, taken back, erased with a person."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from sqlalchemy import select

from core import aliases, journal, privacy
from core.aliases import SenderAlias, SenderKind
from core.errors import Refused
from core.journal import JournalEntry
from core.parties import Customer
from tests.core.builders import Trade


def teach(trade: Trade, kind: SenderKind, text: str, customer: Customer | None = None) -> None:
    aliases.learn_sender(trade.session, customer or trade.customer, kind, text, by=trade.by(), at=trade.at)


def test_a_name_that_meant_something_else_means_the_new_article(trade: Trade) -> None:
    other = trade.add_article("DRA-160")
    for article in (trade.article, other):
        aliases.learn_article(trade.session, trade.customer, article, "grands draps", by=trade.by(), at=trade.at)
    (known,) = aliases.learned(trade.session, trade.customer)
    assert (known.kind, known.text, known.meaning) == ("article", "grands draps", "DRA-160")


def test_what_a_packaging_holds_is_kept_once_per_article(trade: Trade) -> None:
    for holds in (6, 8):
        aliases.learn_packaging(
            trade.session, trade.customer, trade.article, "carton", Decimal(holds), by=trade.by(), at=trade.at
        )  # fmt: skip
    assert aliases.customer_packagings(trade.session, trade.customer) == {"DRA-140": {"carton": Decimal(8)}}
    with pytest.raises(Refused, match="quantity_not_positive"):
        aliases.learn_packaging(
            trade.session, trade.customer, trade.article, "carton", Decimal(0), by=trade.by(), at=trade.at
        )  # fmt: skip


def test_an_address_stands_for_one_customer_only(trade: Trade) -> None:
    other = Customer(code="C002", name="Hôtel du Lac")
    trade.session.add(other)
    trade.session.flush()
    teach(trade, SenderKind.ADDRESS, "Bruno@Fournil.example")
    teach(trade, SenderKind.ADDRESS, "bruno@fournil.example", other)
    assert aliases.learned(trade.session, trade.customer) == []
    assert [known.text for known in aliases.learned(trade.session, other)] == ["bruno@fournil.example"]


def test_a_thing_is_forgotten_once_and_only_by_its_own_customer(trade: Trade) -> None:
    other = Customer(code="C002", name="Hôtel du Lac")
    trade.session.add(other)
    trade.session.flush()
    teach(trade, SenderKind.SIGNATURE, "Chez Bruno")
    (known,) = aliases.learned(trade.session, trade.customer)
    with pytest.raises(Refused, match="alias_unknown"):
        aliases.forget(trade.session, other, known.kind, known.id, by=trade.by(), at=trade.at)
    aliases.forget(trade.session, trade.customer, known.kind, known.id, by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="alias_unknown"):
        aliases.forget(trade.session, trade.customer, known.kind, known.id, by=trade.by(), at=trade.at)


def test_the_journal_says_who_taught_what_and_its_words_can_be_erased(trade: Trade) -> None:
    teach(trade, SenderKind.ADDRESS, "achats@bellevue.example")
    query = select(JournalEntry).where(JournalEntry.action == "alias_learned")
    (entry,) = trade.session.scalars(query)
    assert json.loads(entry.data) == {"kind": "sender_address"}
    assert entry.private == "achats@bellevue.example"
    privacy.erase(trade.session, "achats@bellevue.example", at=trade.at)
    assert trade.session.scalars(select(SenderAlias)).all() == []
    assert entry.private is None
    assert journal.first_broken(trade.session) is None
