"""A mailbox read by UID: every message above the last stored one is committed before it is flagged.

Never by UNSEEN: a colleague who opens a mail must not hide an order (E18). IDLE is only a hint that a poll may pay: it
is polled without one too. Whatever one message does to the server, the parser or the store, the others arrive (E15,
E20 to E24).
"""

from __future__ import annotations

import imaplib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn, Protocol

from core.errors import TryLater
from intake.imap import LOST, ImapFolder, Intervals, Listed

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Container, Sequence
    from datetime import date, datetime

    from core.settings import MailAccount

__all__ = ["Intervals", "MailStore", "Mailbox"]

log = logging.getLogger(__name__)


class MailStore(Protocol):
    """Where mails are committed; one account is one mailbox of one server."""

    def last_uid(self, account: str, folder: str, uidvalidity: int) -> int:
        """The UID up to which nothing is missing, 0 when none: it stays below a UID that is to be tried again."""

    def known(self, account: str, folder: str, uidvalidity: int, uids: Sequence[int]) -> dict[int, str]:
        """The fingerprint each of these UIDs was last stored with; '' for one in quarantine after its last failure."""

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
        """Commit the mail before returning; `raw` holds the headers alone when it is oversized."""

    def failed(self, *, account: str, folder: str, uidvalidity: int, uid: int, reason: str) -> int:
        """Count a failed download, and return how many there were; the third puts the UID in quarantine."""

    def alarm(self, account: str, code: str, **data: object) -> None:
        """Tell a person that this mailbox is not read any more."""

    def healthy(self, account: str, at: datetime) -> None:
        """The mailbox answered to the end at that time."""


class Mailbox:
    """One folder of one account; not to be shared between threads."""

    def __init__(
        self,
        settings: MailAccount,
        store: MailStore,
        now: Callable[[], datetime],
        checkpoint: Callable[[str], None] = lambda name: None,  # noqa: ARG005
        *,
        intervals: Intervals | None = None,
    ) -> None:
        self.settings = settings
        self.account = settings.address or settings.user
        self.store = store
        self.now = now
        self.checkpoint = checkpoint
        self.intervals = intervals or Intervals()
        self._folder = ImapFolder(settings, self.intervals)
        self._failures = 0
        self._alarmed = ""

    # -- one pass ---------------------------------------------------------------------------------------------------

    def poll(self) -> int:
        """Store everything that is new; returns how many messages were.

        A dead mailbox never looks like an empty one (E27): `TryLater` when it could not be read to the end.
        """
        return self._pass(self._catch_up)

    def reconcile(self, since: date) -> int:
        """Poll, then compare the server's list since that day with ours; returns how many were missing, now stored."""

        def compare() -> int:
            self._catch_up()
            return self._compare(since)

        return self._pass(compare)

    def run(self, stop: threading.Event) -> None:
        """Poll until told to stop: at once, at each hint of IDLE, and at least every `intervals.poll` seconds."""
        waits = self.intervals
        back_off = waits.first_back_off
        while not stop.is_set():
            try:
                self.poll()
                back_off = waits.first_back_off
                self._folder.wait(stop)
            except TryLater as later:
                # asking again and again with a refused password gets the account locked
                refused = later.code == "mailbox_credentials_refused"
                stop.wait(waits.last_back_off if refused else back_off)
                back_off = min(back_off * 2, waits.last_back_off)
            except Exception:
                log.exception("mail_pass_failed")
                stop.wait(back_off)
                back_off = min(back_off * 2, waits.last_back_off)
        self.close()

    def close(self) -> None:
        """Say goodbye; the next pass connects again."""
        self._folder.close()

    def _pass(self, work: Callable[[], int]) -> int:
        try:
            result = work()
        except TryLater as later:
            self._suffer(later)
        except (*LOST, imaplib.IMAP4.error, ValueError, TypeError, KeyError, IndexError) as error:
            self._suffer(TryLater("mailbox_unreachable", error=type(error).__name__))
        self._failures, self._alarmed = 0, ""
        self.store.healthy(self.account, self.now())
        return result

    def _suffer(self, later: TryLater) -> NoReturn:
        """Count the failed pass, raise the alarm when it is time, and pass the reason on."""
        self._folder.drop()
        self._failures += 1
        at_once = later.code == "mailbox_credentials_refused"
        if (at_once or self._failures >= self.intervals.patience) and self._alarmed != later.code:
            self._alarmed = later.code
            self.store.alarm(self.account, later.code, **later.data)
        raise later

    def _catch_up(self) -> int:
        folder = self._folder
        folder.open()
        last = self.store.last_uid(self.account, self.settings.folder, folder.uidvalidity)
        reused = 0 < folder.uidnext <= last
        stored = 0
        for uids in folder.uids(above=last, since=None if last else self._first_day()):
            stored += self._take([uid for uid in uids if uid > last])
            # the highest message is always listed: free to see whether its UID was given again (E02, E03)
            reused = reused or self._differs([uid for uid in uids if uid <= last])
        if reused:
            stored += self._compare(self._first_day())
        return stored

    def _compare(self, since: date) -> int:
        self._folder.open()
        return sum(self._take(uids, thorough=True) for uids in self._folder.uids(above=0, since=since))

    def _first_day(self) -> date:
        return (self.now() - timedelta(days=self.settings.since_days)).date()

    def _differs(self, uids: Sequence[int]) -> bool:
        known = self._known(uids)
        return any(known.get(m.uid, "") not in {"", m.fingerprint} for m in self._list(uids, known))

    # -- taking messages in -----------------------------------------------------------------------------------------

    def _take(self, uids: Sequence[int], *, thorough: bool = False) -> int:
        """Store those of these messages that we do not have; returns how many.

        Thorough: look at those that we have too, whether they are still the same, and move what a crash left behind.
        """
        known = self._known(uids)
        listed = self._list(uids if thorough else [uid for uid in uids if uid not in known], known)
        wanted = [m for m in listed if m.uid not in known or known[m.uid] not in {"", m.fingerprint}]
        stored = [m.uid for m in wanted if self._take_one(m)]
        left_over = [m.uid for m in listed if known.get(m.uid) == m.fingerprint] if self.settings.move_to else []
        self._mark(stored + left_over)
        return len(stored)

    def _known(self, uids: Sequence[int]) -> dict[int, str]:
        return self.store.known(self.account, self.settings.folder, self._folder.uidvalidity, uids) if uids else {}

    def _list(self, uids: Sequence[int], known: Container[int], *, tries: int = 2) -> list[Listed]:
        """What the server says of each; a message that breaks the answer is found by halves and counted (E24)."""
        if not uids:
            return []
        try:
            found = self._folder.describe(uids)
            silent = set(uids) - {m.uid for m in found}
            failures = [(uid, "no_answer") for uid in sorted(silent) if not self._folder.gone(uid)]
        except TryLater:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one answer does to the parser
            self._folder.reopen()
            half = len(uids) // 2
            if half:
                return self._list(uids[:half], known) + self._list(uids[half:], known)
            if tries > 1:
                return self._list(uids, known, tries=tries - 1)
            found, failures = [], [(uids[0], type(error).__name__)]
        for uid, reason in failures:
            if uid not in known:
                self._failed(uid, reason)
        return found

    def _take_one(self, message: Listed) -> bool:
        """Download and store one message; a failure counts against it alone."""
        oversized = message.size > self.settings.max_bytes
        raw = self._download(message.uid, headers_only=oversized)
        if raw is None:
            return False
        self.checkpoint("fetched")
        try:
            self.store.store(
                account=self.account,
                folder=self.settings.folder,
                uidvalidity=self._folder.uidvalidity,
                uid=message.uid,
                raw=raw,
                fingerprint=message.fingerprint,
                received_at=message.received_at or self.now(),
                oversized=oversized,
            )
        except Exception as error:
            log.exception("mail_not_stored uid=%d", message.uid)
            self._failed(message.uid, type(error).__name__)
            return False
        self.checkpoint("stored")
        return True

    def _download(self, uid: int, *, headers_only: bool) -> bytes | None:
        """The raw message, or its headers when it is too big (E29); None when there is none to be had now.

        A lost connection is tried once more on a new one. A second loss counts against the message only when the
        server is alive, which the reconnection proves (E27).
        """
        problem = "body_missing"
        for _ in range(2):
            try:
                content = self._folder.body(uid, headers_only=headers_only)
                if content is None and not self._folder.gone(uid):
                    break
            except TryLater:
                raise
            except Exception as error:  # noqa: BLE001 - whatever one message does to the parser
                problem = type(error).__name__
                self._folder.reopen()
            else:
                return content
        self._failed(uid, problem)
        return None

    def _failed(self, uid: int, reason: str) -> None:
        folder = self.settings.folder
        attempts = self.store.failed(
            account=self.account, folder=folder, uidvalidity=self._folder.uidvalidity, uid=uid, reason=reason
        )
        log.warning("mail_not_downloaded uid=%d attempts=%d reason=%s", uid, attempts, reason)

    def _mark(self, uids: Sequence[int]) -> None:
        """Mark or move what is stored; a failure is harmless, since our rows are the truth."""
        if not uids:
            return
        try:
            self._folder.mark(uids)
        except (*LOST, imaplib.IMAP4.error, ValueError, TypeError) as error:
            log.info("mail_not_marked count=%d error=%s", len(uids), type(error).__name__)
            self._folder.drop()
        self.checkpoint("flagged")
