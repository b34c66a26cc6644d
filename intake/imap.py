"""One folder of one IMAP account, as a conversation that may break at any word: always a timeout, never a guess.

What breaks is dropped, and the next question asks on a new connection. Nothing here knows what was stored.
"""

from __future__ import annotations

import imaplib
import logging
import selectors
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError

from core.errors import TryLater

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence

    from core.settings import MailAccount

log = logging.getLogger(__name__)

STORED_KEYWORD = "$ComptoirStored"
CHUNK = 100
WINDOW = 50_000
LOST = (OSError, imaplib.IMAP4.abort, EOFError)
# the answers of a server that is there but not now (RFC 5530)
_BUSY = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")


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
class Listed:
    """What the server says of a message before it is downloaded."""

    uid: int
    size: int
    received_at: datetime | None

    @property
    def fingerprint(self) -> str:
        """Tells a message from the one that had its UID before (E02)."""
        return f"{self.size}:{self.received_at.isoformat() if self.received_at else ''}"


class ImapFolder:
    """The folder that the settings name; not to be shared between threads."""

    def __init__(self, settings: MailAccount, intervals: Intervals) -> None:
        self.settings = settings
        self.intervals = intervals
        self.uidvalidity = 0
        self.uidnext = 0
        self._exists = 0
        self._keyword_allowed = False
        self._client: IMAPClient | None = None

    # -- the connection ---------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Be logged in, with the folder selected afresh, so that UIDVALIDITY and UIDNEXT are of now."""
        client = self._client or self._connect()
        self._client = client
        self._select(client)

    def reopen(self) -> None:
        """A fresh connection to the same folder; `TryLater` when it is another one meanwhile, or none."""
        before = self.uidvalidity
        self.drop()
        self.open()
        if self.uidvalidity != before:
            raise TryLater("mailbox_changed", folder=self.settings.folder)

    def drop(self) -> None:
        """Forget the connection without a word."""
        client, self._client = self._client, None
        if client is not None:
            _hang_up(client)

    def close(self) -> None:
        """Say goodbye; the next question connects again."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                client.logout()

    @property
    def _live(self) -> IMAPClient:
        if self._client is None:
            self.reopen()
        assert self._client is not None  # noqa: S101 - reopen raises otherwise
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
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # imapclient cuts commands in pieces
        try:
            if not settings.imap_tls and client.has_capability("STARTTLS"):
                client.starttls()
            client.login(settings.user, settings.password.get_secret_value())
        except LoginError as error:
            _hang_up(client)
            # imapclient calls a connection lost during LOGIN a login error too
            if isinstance(error.__context__, LOST) or any(code in str(error).upper() for code in _BUSY):
                raise TryLater("mailbox_unreachable", error=type(error.__context__).__name__) from error
            raise TryLater("mailbox_credentials_refused", after=timedelta(minutes=5)) from error
        except BaseException:
            _hang_up(client)
            raise
        return client

    def _select(self, client: IMAPClient) -> None:
        """Select the folder; without a readable UIDVALIDITY nothing may be taken in (E04)."""
        folder = self.settings.folder
        try:
            answer = client.select_folder(folder)
            uidvalidity = int(answer[b"UIDVALIDITY"])
        except LOST:
            raise
        except (imaplib.IMAP4.error, KeyError, ValueError, TypeError, IndexError) as error:
            raise TryLater("mailbox_uidvalidity_unreadable", folder=folder) from error
        if uidvalidity <= 0:
            raise TryLater("mailbox_uidvalidity_unreadable", folder=folder)
        self.uidvalidity = uidvalidity
        self.uidnext = int(answer.get(b"UIDNEXT", 0))
        self._exists = int(answer.get(b"EXISTS", 0))
        permanent = answer.get(b"PERMANENTFLAGS")
        self._keyword_allowed = permanent is None or b"\\*" in permanent or STORED_KEYWORD.encode() in permanent

    # -- questions --------------------------------------------------------------------------------------------------

    def uids(self, *, above: int, since: date | None) -> Iterator[list[int]]:
        """The UIDs above that one in chunks, in bounded memory however big the folder is (E30).

        imaplib refuses lines over a million bytes, so a huge folder is searched window by window. The highest message
        is always among the answers, as RFC 3501 reads `n:*`.
        """
        if self._exists <= WINDOW or self.uidnext <= above:
            windows = [f"{above + 1}:*"]
        else:
            starts = range(above + 1, self.uidnext, WINDOW)
            windows = [f"{start}:{min(start + WINDOW, self.uidnext) - 1}" for start in starts]
        for window in windows:
            criteria: list[Any] = ["UID", window]
            if since is not None:
                criteria += ["SINCE", since]
            found = sorted(int(uid) for uid in self._live.search(criteria))
            for start in range(0, len(found), CHUNK):
                yield found[start : start + CHUNK]

    def describe(self, uids: Sequence[int]) -> list[Listed]:
        """Size and date of each message for which the server gives them.

        An unsolicited FETCH may fill an answer with FLAGS alone (E22); an expunged message is absent (E23).
        """
        answers = self._live.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
        found = []
        for uid in uids:
            answer = answers.get(uid, {})
            size, received_at = answer.get(b"RFC822.SIZE"), answer.get(b"INTERNALDATE")
            if isinstance(size, int):
                found.append(Listed(uid, size, _in_utc(received_at)))
        return found

    def body(self, uid: int, *, headers_only: bool) -> bytes | None:
        """The raw message or its headers, never marked as read; None when the answer holds none (E21)."""
        wanted = b"BODY[HEADER]" if headers_only else b"BODY[]"
        answer = self._live.fetch([uid], [wanted.replace(b"BODY", b"BODY.PEEK")])
        content = answer.get(uid, {}).get(wanted)
        return content if isinstance(content, bytes) else None

    def gone(self, uid: int) -> bool:
        """Whether the message was expunged meanwhile."""
        return uid not in self._live.search(["UID", str(uid)])

    def mark(self, uids: Sequence[int]) -> None:
        """Mark what is stored, or move it where the settings say so: by MOVE only, never by COPY and delete (E17)."""
        client, target = self._live, self.settings.move_to
        if target and client.has_capability("MOVE"):
            try:
                client.move(uids, target)
            except LOST:
                raise
            except imaplib.IMAP4.error:
                if client.folder_exists(target):
                    raise
                client.create_folder(target)
                client.move(uids, target)
        elif self._keyword_allowed:
            client.add_flags(uids, [STORED_KEYWORD], silent=True)

    # -- waiting ----------------------------------------------------------------------------------------------------

    def wait(self, stop: threading.Event) -> None:
        """Wait for a hint of IDLE or for the next poll; a connection that died meanwhile is dropped (E25, E26).

        A mail that arrived during the pass may have been announced in the answer to any command, and IDLE would not
        announce it again: selecting once more tells.
        """
        client, seen = self._client, self.uidnext
        if client is None:
            return
        try:
            if not client.has_capability("IDLE"):
                stop.wait(self.intervals.poll)
                return
            self._select(client)
            if self.uidnext == seen:
                self._idle(client, stop)
        except (*LOST, imaplib.IMAP4.error, ValueError, TypeError) as error:
            log.info("mail_idle_ended error=%s", type(error).__name__)
            self.drop()
            stop.wait(self.intervals.first_back_off)

    def _idle(self, client: IMAPClient, stop: threading.Event) -> None:
        """Wait until the server says anything at all; what it says is read by `idle_done`, under the read timeout.

        imapclient's `idle_check` reads without blocking and takes half a line for a broken connection.
        """
        client.idle()
        waited = self.intervals.poll if self._said_already(client) else 0.0
        while waited < self.intervals.poll and not stop.is_set():
            step = min(self.intervals.idle_slice, self.intervals.poll - waited)
            if _readable(client.socket(), step):
                break
            waited += step
        client.idle_done()

    def _said_already(self, client: IMAPClient) -> bool:
        """Whether a hint came in one packet with the answer to IDLE: imaplib holds it, and the socket is silent."""
        connection = client.socket()
        connection.setblocking(False)
        try:
            return bool(client._imap.file.peek(1))  # noqa: SLF001 - imapclient shows its buffer in no other way
        except OSError:
            return False
        finally:
            connection.settimeout(self.intervals.read_timeout)


def _readable(connection: socket.socket, seconds: float) -> bool:
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def _hang_up(client: IMAPClient) -> None:
    with suppress(Exception):
        client.shutdown()


def _in_utc(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
