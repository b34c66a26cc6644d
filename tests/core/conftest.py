"""What tests of the trade ask for: the supplier's data in a database of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db import transaction
from core.settings import House
from tests.core.builders import AT, Trade, furnish


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def house() -> House:
    return House(
        name="Linge et Maison SAS", street="1 rue du Quai", postcode="59000", city="Lille", siren="732829320",
        vat_number="FR44732829320", terms_version="2026-01", penalty_rate=Decimal("12.15"),
    )  # fmt: skip


@pytest.fixture
def trade(engine: Engine, house: House) -> Iterator[Trade]:
    """The furnished database, in one transaction that the test may roll back or commit."""
    with Session(engine, expire_on_commit=False) as session:
        yield furnish(session, house)


@pytest.fixture
def furnished(engine: Engine, house: House) -> Callable[[], Trade]:
    """Furnish and commit, for tests in which several sessions meet."""

    def build() -> Trade:
        with transaction(engine) as session:
            return furnish(session, house)

    return build
