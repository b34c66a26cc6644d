"""Faults put by a seeded generator into otherwise good orders: each is found, and nothing is in the clean twins."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core import registration
from core.errors import Refused
from core.orders import Order, OrderState
from core.parties import Role
from tests.scenarios.faults import account, conformity, deposit, goods, prices, repeats, terms
from tests.scenarios.faults.world import World, build

SUBJECTS = (account, conformity, deposit, goods, prices, repeats, terms)
Kind = Callable[[World], tuple[str, Order]]
KINDS: list[Kind] = [fault for subject in SUBJECTS for fault in subject.FAULTS]
FAULTS = 50
#: The number of `make test` is always the same; `make test-long` draws a new one.
FIXED = (1,)


def missed(engine: Engine, seed: int, faults: int) -> list[str]:
    """What was not found among `faults` planted ones, and what was found in their clean twins."""
    rng = random.Random(seed)
    pool = rng.sample(KINDS, len(KINDS))
    kinds = [pool[number % len(pool)] for number in range(faults)]
    wrong: list[str] = []
    with Session(engine, expire_on_commit=False) as session:
        world = build(session, random.Random(seed))
        session.commit()
        for kind in kinds:
            twin_seed = rng.randrange(10**9)
            wrong += [f"clean twin of {kind.__name__}: {code}" for code in _clean(world, twin_seed)]
            wrong += _planted(world, twin_seed, kind)
    return wrong


def _clean(world: World, seed: int) -> list[str]:
    world.rng.seed(seed)
    try:
        return sorted(world.found(world.order()))
    finally:
        world.session.rollback()


def _planted(world: World, seed: int, kind: Kind) -> list[str]:
    world.rng.seed(seed)
    try:
        code, order = kind(world)
        found = world.found(order)
        return [] if code in found else [f"{kind.__name__}: {code} is not among {sorted(found)}"]
    finally:
        world.session.rollback()


@pytest.mark.parametrize("seed", FIXED)
def test_fifty_planted_faults_are_found_and_none_in_their_clean_twins(engine: Engine, seed: int) -> None:
    assert missed(engine, seed, FAULTS) == []


def test_every_subject_has_at_least_three_kinds_of_faults() -> None:
    assert {subject.__name__: len(subject.FAULTS) for subject in SUBJECTS if len(subject.FAULTS) < 3} == {}


@pytest.mark.long
def test_new_faults_are_found_at_each_run(engine: Engine) -> None:
    seed = secrets.randbelow(10**9)
    assert missed(engine, seed, 10 * FAULTS) == [], f"seed {seed}"


def test_no_order_is_confirmed_with_an_open_blocker(engine: Engine) -> None:
    """Whatever is wrong with the world and the order, confirmation and the findings agree."""
    with Session(engine, expire_on_commit=False) as session:
        world = build(session, random.Random(7))
        session.commit()

        @given(st.lists(st.sampled_from(KINDS), max_size=3), st.integers(0, 10**6))
        @settings(max_examples=20)
        def agree(kinds: list[Kind], seed: int) -> None:
            world.rng.seed(seed)
            try:
                order = world.order()
                for kind in kinds:
                    _, order = kind(world)
                blocking = {finding.code for finding in world.found(order).values() if finding.blocks}
                if blocking:
                    with pytest.raises(Refused, match="order_blocked") as refusal:
                        _confirm(world, order)
                    assert set(refusal.value.data["findings"]) == blocking  # type: ignore[call-overload]
                else:
                    _confirm(world, order)
                assert (order.state is OrderState.CONFIRMED) is not bool(blocking)
            finally:
                session.rollback()

        agree()


def _confirm(world: World, order: Order) -> None:
    registration.confirm(world.session, order.id, house=world.house, by=world.by(Role.SALES), at=world.at)
