"""One issuer of credit notes as a process of its own: `python -m tests.core.issuers URL SEED EACH INVOICE…`.

It commits, rolls back, or kills itself in the middle of a transaction, and prints each number that it committed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import date, timedelta
from decimal import Decimal

import core.tables  # noqa: F401 - every table registers itself
from core import db, invoices
from core.errors import TryLater
from core.invoices import Invoice
from core.journal import SYSTEM
from core.settings import House
from tests.core.builders import AT

ROLLED_BACK, KILLED = 0.2, 0.01
HOUSE = House(
    name="Linge et Maison SAS", street="1 rue du Quai", postcode="59000", city="Lille", siren="732829320",
    vat_number="FR44732829320", terms_version="2026-01", penalty_rate=Decimal("12.15"),
)  # fmt: skip


class Lost(Exception):  # noqa: N818 - not an error of ours: a transaction that dies
    """What makes a transaction roll back."""


def lose(chance: random.Random) -> None:
    if chance.random() < ROLLED_BACK:
        raise Lost


def main(url: str, seed: int, each: int, ids: list[int]) -> None:
    chance, engine, day = random.Random(seed), db.engine(url), 0
    kill_at = chance.randrange(each) if seed % 3 == 1 else -1  # of three one dies for certain, with a number taken
    step = 0
    while step < each:
        day = max(day, step * 3 // each)  # the notes go over three days
        try:
            with db.transaction(engine) as session:
                invoice = session.get_one(Invoice, ids[step % len(ids)])
                note = invoices.issue_credit_note(
                    session, invoice, {1: Decimal(1)}, reason="casse", returned=False, house=HOUSE, by=SYSTEM,
                    at=AT + timedelta(days=day),
                )  # fmt: skip
                if step == kill_at or chance.random() < KILLED:
                    os.kill(os.getpid(), signal.SIGKILL)
                lose(chance)
            print(note.number, flush=True)  # noqa: T201 - what the test reads
        except Lost:
            pass
        except TryLater as later:  # another issuer is a day ahead
            latest: date = later.data["latest"]
            day = max(day, (latest - AT.date()).days)
            time.sleep(0.01)
            continue  # the same step again, or the one that is to die might be passed over
        step += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [int(word) for word in sys.argv[4:]])
