"""Faults put by a seeded generator into otherwise good orders: each is found, and nothing is in the clean twins."""

from __future__ import annotations

import random
import secrets

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.scenarios.faults import account, conformity, deposit, goods, prices, repeats, terms
from tests.scenarios.faults.world import World, build

SUBJECTS = (account, conformity, deposit, goods, prices, repeats, terms)
KINDS = [fault for subject in SUBJECTS for fault in subject.FAULTS]
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


def _planted(world: World, seed: int, kind: object) -> list[str]:
    world.rng.seed(seed)
    try:
        code, order = kind(world)  # type: ignore[operator]
        found = world.found(order)
        return [] if code in found else [f"{kind.__name__}: {code} is not among {sorted(found)}"]  # type: ignore[attr-defined]
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
