"""A mailbox read by UID over IMAP: every message above the last stored one is committed before it is flagged.

Never by UNSEEN: a colleague who opens a mail must not hide an order (E18). Never COPY and delete: a crash between the
two piles up copies (E17). IDLE is only a hint that a poll may pay; polls go on without it (E25). Whatever one message
does to the server, the parser or the store, the others still arrive (E15, E20 to E24).
"""

from __future__ import annotations

import imaplib
import logging
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError

from core.errors import TryLater

if TYPE_CHECKING:
    import threading

    from core.settings import MailAccount

log = logging.getLogger(__name__)

STORED_KEYWORD = "$ComptoirStored"
CHUNK = 100
WINDOW = 50_000
BUSY_CODES = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")
LOST = (OSError, imaplib.IMAP4.abort, EOFError)


class MailStore(Protocol):
    """Where mails are committed; one account is one mailbox of one server."""

    def last_uid(self, account: str, folder: str, uidvalidity: int) -> int:
        """The highest UID below which nothing is missing, 0 when none: it stays under a UID that is to be retried."""

    def known(self, account: str, folder: str, uidvalidity: int, uids: Sequence[int]) -> dict[int, str]:
        """The fingerprint each of these UIDs was stored with; '' for one given up after its last failure."""

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


@dataclass(frozen=True, slots=True)
class Intervals:
    """How long to wait for what, in seconds; `patience` is the number of passes that may fail before the alarm."""

    poll: float = 300
    idle_slice: float = 1
    connect_timeout: float = 20
    read_timeout: float = 60
    first_back_off: float = 2
    last_back_off: float = 300
    patience: int = 3


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the server says of a message before it is downloaded."""

    uid: int
    size: int
    received_at: datetime | None

    @property
    def fingerprint(self) -> str:
        return f"{self.size}:{self.received_at.isoformat() if self.received_at else ''}"


class _BrokenError(Exception):
    """The server's answer about one UID makes no sense; the text says why."""


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
        self.folder = settings.folder
        self.store = store
        self.now = now
        self.checkpoint = checkpoint
        self.intervals = intervals or Intervals()
        self._client: IMAPClient | None = None
        self._uidvalidity = 0
        self._uidnext = 0
        self._exists = 0
        self._keyword_allowed = False
        self._failures = 0
        self._alarmed = ""

    # -- one pass ---------------------------------------------------------------------------------------------------

    def poll(self) -> int:
        """Store everything that is new; returns how many messages were.

        A dead mailbox never looks like an empty one (E27): `TryLater` when it could not be read to the end.
        """
        return self._pass(self._catch_up)

    def reconcile(self, since: date) -> int:
        """Compare the server's list since that day with ours and store what is missing; returns the difference."""

        def compare() -> int:
            self._catch_up()
            return self._compare(since)

        return self._pass(compare)

    def close(self) -> None:
        """Say goodbye; the next pass connects again."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                client.logout()

    def _pass(self, work: Callable[[], int]) -> int:
        try:
            result = work()
        except TryLater as later:
            self._drop()
            self._suffer(later)
        except (*LOST, imaplib.IMAP4.error, ValueError, TypeError, KeyError, IndexError) as error:
            self._drop()
            self._suffer(TryLater("mailbox_unreachable", error=type(error).__name__))
        self._failures, self._alarmed = 0, ""
        self.store.healthy(self.account, self.now())
        return result

    def _suffer(self, later: TryLater) -> NoReturn:
        """Count the failed pass, alarm when it is time, and pass the reason on."""
        self._failures += 1
        at_once = later.code == "mailbox_credentials_refused"
        if (at_once or self._failures >= self.intervals.patience) and self._alarmed != later.code:
            self._alarmed = later.code
            self.store.alarm(self.account, later.code, **later.data)
        raise later

    # -- the connection ---------------------------------------------------------------------------------------------

    def _connected(self) -> IMAPClient:
        """A logged-in client with the folder selected afresh, so that UIDVALIDITY and UIDNEXT are of now."""
        if self._client is None:
            self._client = self._connect()
        self._select(self._client)
        return self._client

    def _connect(self) -> IMAPClient:
        settings, waits = self.settings, self.intervals
        client = IMAPClient(
            settings.imap_host,
            port=settings.imap_port,
            ssl=settings.imap_tls,
            timeout=SocketTimeout(connect=waits.connect_timeout, read=waits.read_timeout),
        )
        client.normalise_times = False
        try:
            if not settings.imap_tls and client.has_capability("STARTTLS"):
                client.starttls()
            client.login(settings.user, settings.password.get_secret_value())
        except LoginError as error:
            _hang_up(client)
            # imapclient calls a connection lost during LOGIN a login error too
            if isinstance(error.__context__, LOST) or any(code in str(error).upper() for code in BUSY_CODES):
                raise TryLater("mailbox_unreachable", error=type(error.__context__).__name__) from error
            raise TryLater("mailbox_credentials_refused", after=timedelta(minutes=5)) from error
        except BaseException:
            _hang_up(client)
            raise
        return client

    def _select(self, client: IMAPClient) -> None:
        """Select the folder; without a readable UIDVALIDITY nothing may be taken in (E04)."""
        try:
            answer = client.select_folder(self.folder)
            uidvalidity = int(answer[b"UIDVALIDITY"])
        except LOST:
            raise
        except (imaplib.IMAP4.error, KeyError, ValueError, TypeError, IndexError) as error:
            raise TryLater("mailbox_uidvalidity_unreadable", folder=self.folder) from error
        if uidvalidity <= 0:
            raise TryLater("mailbox_uidvalidity_unreadable", folder=self.folder)
        self._uidvalidity = uidvalidity
        self._uidnext = int(answer.get(b"UIDNEXT", 0))
        self._exists = int(answer.get(b"EXISTS", 0))
        permanent = answer.get(b"PERMANENTFLAGS")
        self._keyword_allowed = permanent is None or b"\\*" in permanent or STORED_KEYWORD.encode() in permanent

    def _again(self) -> IMAPClient:
        """A fresh connection to the same mailbox; `TryLater` when it is another one meanwhile, or none."""
        before = self._uidvalidity
        self._drop()
        client = self._connected()
        if self._uidvalidity != before:
            raise TryLater("mailbox_changed", after=timedelta(0))
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            _hang_up(client)

    # -- what is on the server --------------------------------------------------------------------------------------

    def _catch_up(self) -> int:
        self._connected()
        last = self.store.last_uid(self.account, self.folder, self._uidvalidity)
        since = None if last else self._first_day()
        stored = 0
        reused = 0 < self._uidnext <= last
        for uids in self._uids(above=last, since=since):
            stored += self._take([uid for uid in uids if uid > last])
            # `n:*` always answers with the highest message: free to see whether its UID was given again (E02)
            reused = reused or self._differs([uid for uid in uids if uid <= last])
        if reused:
            stored += self._compare(self._first_day())
        return stored

    def _compare(self, since: date) -> int:
        self._connected()
        return sum(self._take(uids, tidy=True) for uids in self._uids(above=0, since=since))

    def _first_day(self) -> date:
        return (self.now() - timedelta(days=self.settings.since_days)).date()

    def _uids(self, *, above: int, since: date | None) -> Iterator[list[int]]:
        """The server's UIDs above that one in chunks, in bounded memory however big the mailbox (E30).

        imaplib refuses lines over a million bytes, so a huge mailbox is searched window by window.
        """
        if self._exists <= WINDOW or self._uidnext <= above:
            windows = [f"{above + 1}:*"]
        else:
            starts = range(above + 1, self._uidnext, WINDOW)
            windows = [f"{start}:{min(start + WINDOW, self._uidnext) - 1}" for start in starts]
        for window in windows:
            criteria: list[Any] = ["UID", window]
            if since is not None:
                criteria += ["SINCE", since]
            client = self._client or self._again()
            found = sorted(int(uid) for uid in client.search(criteria))
            for start in range(0, len(found), CHUNK):
                yield found[start : start + CHUNK]

    def _differs(self, uids: Sequence[int]) -> bool:
        if not uids:
            return False
        known = self.store.known(self.account, self.folder, self._uidvalidity, uids)
        return any(known.get(m.uid, "") not in {"", m.fingerprint} for m in self._list(uids, known))

    # -- taking messages in -----------------------------------------------------------------------------------------

    def _take(self, uids: Sequence[int], *, tidy: bool = False) -> int:
        """Store those of these messages that we do not have; returns how many."""
        if not uids:
            return 0
        known = self.store.known(self.account, self.folder, self._uidvalidity, uids)
        listed = self._list(uids, known)
        wanted = [m for m in listed if m.uid not in known or known[m.uid] not in {"", m.fingerprint}]
        stored = [m.uid for m in wanted if self._take_one(m)]
        left_over = [m.uid for m in listed if known.get(m.uid) == m.fingerprint] if tidy and self.settings.move_to else []
        self._flag(stored + left_over)
        return len(stored)

    def _list(self, uids: Sequence[int], known: Container[int], *, tries: int = 2) -> list[_Listed]:
        """Size and date of each message; a message that breaks the answer is found by halves and counted (E24)."""
        found, unanswered = [], []
        try:
            client = self._client or self._again()
            answer = client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
            for uid in uids:
                # an unsolicited FETCH may fill the answer with FLAGS alone (E22); an expunged message is absent (E23)
                size, received_at = answer.get(uid, {}).get(b"RFC822.SIZE"), answer.get(uid, {}).get(b"INTERNALDATE")
                if isinstance(size, int):
                    found.append(_Listed(uid, size, _in_utc(received_at)))
                elif not self._gone(client, uid):
                    unanswered.append((uid, "no_answer"))
        except TryLater:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one answer does to the parser
            self._again()
            half = len(uids) // 2
            if half:
                return self._list(uids[:half], known) + self._list(uids[half:], known)
            if tries > 1:
                return self._list(uids, known, tries=tries - 1)
            unanswered.append((uids[0], type(error).__name__))
        for uid, reason in unanswered:
            if uid not in known:
                self._failed(uid, reason)
        return found

    def _take_one(self, message: _Listed) -> bool:
        """Download and store one message; a failure is counted against it alone."""
        try:
            raw = self._download(message)
        except _BrokenError as error:
            self._failed(message.uid, str(error))
            return False
        if raw is None:
            return False
        self.checkpoint("fetched")
        try:
            self.store.store(
                account=self.account,
                folder=self.folder,
                uidvalidity=self._uidvalidity,
                uid=message.uid,
                raw=raw,
                fingerprint=message.fingerprint,
                received_at=message.received_at or self.now(),
                oversized=message.size > self.settings.max_bytes,
            )
        except Exception as error:
            log.exception("mail_not_stored uid=%d", message.uid)
            self._failed(message.uid, type(error).__name__)
            return False
        self.checkpoint("stored")
        return True

    def _download(self, message: _Listed) -> bytes | None:
        """The raw message, or its headers when it is too big (E29); None when it was expunged meanwhile (E23).

        A lost connection is tried once more on a new one; a second loss counts against the message only when the
        server is alive, which the reconnection proves (E27).
        """
        wanted = b"BODY[HEADER]" if message.size > self.settings.max_bytes else b"BODY[]"
        problem = ""
        for _ in range(2):
            client = self._client or self._again()
            try:
                body = (
                    client.fetch([message.uid], [wanted.replace(b"BODY", b"BODY.PEEK")])
                    .get(message.uid, {})
                    .get(wanted)
                )
                if isinstance(body, bytes):
                    return body
                if self._gone(client, message.uid):
                    return None
                problem = "body_missing"
                break
            except Exception as error:  # noqa: BLE001 - whatever one message does to the parser
                problem = type(error).__name__
                self._again()
        raise _BrokenError(problem)

    def _gone(self, client: IMAPClient, uid: int) -> bool:
        return uid not in client.search(["UID", str(uid)])

    def _failed(self, uid: int, reason: str) -> None:
        attempts = self.store.failed(
            account=self.account, folder=self.folder, uidvalidity=self._uidvalidity, uid=uid, reason=reason
        )
        log.warning("mail_not_downloaded uid=%d attempts=%d reason=%s", uid, attempts, reason)

    def _flag(self, uids: Sequence[int]) -> None:
        """Mark or move what is stored; a failure is harmless, since our rows are the truth."""
        if not uids:
            return
        try:
            client = self._client or self._again()
            if self.settings.move_to and client.has_capability("MOVE"):
                self._move(client, uids)
            elif self._keyword_allowed:
                client.add_flags(uids, [STORED_KEYWORD], silent=True)
        except LOST as error:
            self._drop()
            log.info("mail_not_flagged count=%d error=%s", len(uids), type(error).__name__)
        except (imaplib.IMAP4.error, ValueError, TypeError) as error:
            log.info("mail_not_flagged count=%d error=%s", len(uids), type(error).__name__)
        self.checkpoint("flagged")

    def _move(self, client: IMAPClient, uids: Sequence[int]) -> None:
        try:
            client.move(uids, self.settings.move_to)
        except imaplib.IMAP4.error:
            if client.folder_exists(self.settings.move_to):
                raise
            client.create_folder(self.settings.move_to)
            client.move(uids, self.settings.move_to)

    # -- all day ----------------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Poll until told to stop: at once, at each hint of IDLE, and at least every `intervals.poll` seconds."""
        waits = self.intervals
        back_off = waits.first_back_off
        while not stop.is_set():
            try:
                self.poll()
                back_off = waits.first_back_off
                self._wait(stop)
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

    def _wait(self, stop: threading.Event) -> None:
        """Wait for a hint or for the next poll; a connection that died meanwhile is dropped, and found by the poll."""
        client = self._client
        if client is None or not client.has_capability("IDLE"):
            stop.wait(self.intervals.poll)
            return
        try:
            self._idle(client, stop)
        except (*LOST, imaplib.IMAP4.error, ValueError, TypeError) as error:
            log.info("mail_idle_ended error=%s", type(error).__name__)
            self._drop()
            stop.wait(self.intervals.first_back_off)

    def _idle(self, client: IMAPClient, stop: threading.Event) -> None:
        client.idle()
        waited = 0.0
        while waited < self.intervals.poll and not stop.is_set():
            step = min(self.intervals.idle_slice, self.intervals.poll - waited)
            if client.idle_check(timeout=step):
                break
            waited += step
        client.idle_done()


def _hang_up(client: IMAPClient) -> None:
    with suppress(Exception):
        client.shutdown()


def _in_utc(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
