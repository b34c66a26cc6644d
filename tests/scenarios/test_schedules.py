"""Random schedules of faults: whatever the chat server does, each document is seen once or says that it comes again.

A schedule that fails is named by its number: `Stage.play(NUMBER)` plays it again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import push
from core import db
from tests.conftest import FOLDER
from tests.scenarios.faults.schedules import Stage, close_template, furnish

#: What `make test` plays, and how the 10,000 of `make test-long` are split.
FEW, ALL, PARTS = 12, 10_000, 40


@pytest.fixture
def stage(sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(push.rendering, "pdf", lambda document, _assets: f"%PDF-1.7 {document.number}".encode())
    folder = Path(tempfile.mkdtemp(prefix="schedules", dir=os.environ[FOLDER]))  # in memory where there is room
    template = folder / "furnished.db"
    shutil.copyfile(sqlite_template, template)
    engine = db.engine(f"sqlite:///{template}")
    furnish(engine)
    close_template(engine)
    built = Stage(template, folder)
    yield built
    built.close()
    shutil.rmtree(folder)


def play(stage: Stage, seeds: range) -> Counter[str]:
    met: Counter[str] = Counter()
    for seed in seeds:
        try:
            met += stage.play(seed)
        except BaseException as error:
            error.add_note(f"schedule {seed}")
            raise
    return met


def test_whatever_the_chat_server_does_each_document_is_seen_once_or_says_that_it_comes_again(stage: Stage) -> None:
    met = play(stage, range(FEW))
    assert set(met) >= {"drop_before", "drop_after", "flood", "forbidden", "bad_gateway", "killed"}, met


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_schedules_lose_and_double_nothing(stage: Stage, part: int) -> None:
    each = ALL // PARTS
    play(stage, range(FEW + part * each, FEW + (part + 1) * each))
