"""A `MailStore` in memory that keeps what the protocol promises, and lets a test wait for what arrives."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

ATTEMPTS = 3


@dataclass(frozen=True)
class Receipt:
    account: str
    folder: str
    uidvalidity: int
    uid: int
    raw: bytes
    fingerprint: str
    received_at: datetime
    oversized: bool


class MemoryStore:
    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.failures: Counter[tuple[str, str, int, int]] = Counter()
        self.reasons: list[str] = []
        self.alarms: list[str] = []
        self.health: list[datetime] = []
        self.before_store: Callable[[int], None] = lambda _: None
        self.news = threading.Condition()

    def last_uid(self, account: str, folder: str, uidvalidity: int) -> int:
        box = (account, folder, uidvalidity)
        waiting = [key[3] for key, count in self.failures.items() if key[:3] == box and count < ATTEMPTS]
        if waiting:
            return min(waiting) - 1
        given_up = [key[3] for key in self.failures if key[:3] == box]
        stored = [r.uid for r in self.receipts if (r.account, r.folder, r.uidvalidity) == box]
        return max(stored + given_up, default=0)

    def known(self, account: str, folder: str, uidvalidity: int, uids: Sequence[int]) -> dict[int, str]:
        box = (account, folder, uidvalidity)
        found = {key[3]: "" for key, count in self.failures.items() if key[:3] == box and count >= ATTEMPTS}
        found |= {r.uid: r.fingerprint for r in self.receipts if (r.account, r.folder, r.uidvalidity) == box}
        return {uid: found[uid] for uid in uids if uid in found}

    def store(
        self,
        *,
        account: str,
        folder: str,
        uidvalidity: int,
        uid: int,
        raw: bytes,
        fingerprint: str,
        received_at: datetime,
        oversized: bool = False,
    ) -> None:
        self.before_store(uid)
        receipt = Receipt(account, folder, uidvalidity, uid, raw, fingerprint, received_at, oversized)
        with self.news:
            self.failures.pop((account, folder, uidvalidity, uid), None)
            self.receipts.append(receipt)
            self.news.notify_all()

    def failed(self, *, account: str, folder: str, uidvalidity: int, uid: int, reason: str) -> int:
        key = (account, folder, uidvalidity, uid)
        self.failures[key] += 1
        self.reasons.append(reason)
        return self.failures[key]

    def alarm(self, account: str, code: str, **data: object) -> None:  # noqa: ARG002
        with self.news:
            self.alarms.append(code)
            self.news.notify_all()

    def healthy(self, account: str, at: datetime) -> None:  # noqa: ARG002
        self.health.append(at)

    @property
    def uids(self) -> list[int]:
        return [receipt.uid for receipt in self.receipts]

    @property
    def raws(self) -> list[bytes]:
        return [receipt.raw for receipt in self.receipts]

    def wait_until(self, holds: Callable[[MemoryStore], bool]) -> None:
        with self.news:
            assert self.news.wait_for(lambda: holds(self), timeout=20), "what the test waits for did not come"
