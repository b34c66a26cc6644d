"""An IMAP server that does what a good one never does, when the test says so.

It speaks enough of RFC 3501 for one client and one folder; each fault is a field that the test sets and may change
between two polls.
"""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import SecretStr

from core.settings import MailAccount

ARRIVED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@dataclass
class Stored:
    raw: bytes
    at: datetime = ARRIVED
    flags: set[str] = field(default_factory=set)


class HangUpError(Exception):
    """Close the connection now."""


@dataclass
class Folder:
    """What the server holds, and how it misbehaves."""

    messages: dict[int, Stored] = field(default_factory=dict)
    uidvalidity: int | None = 1
    uidnext: int | None = None
    exists: int | None = None
    capabilities: str = "IMAP4rev1 UIDPLUS MOVE IDLE"
    permanent_flags: str = r"\Seen \Deleted \*"
    login_answer: str = "OK welcome"
    select_answer: str = "OK [READ-WRITE] selected"
    mark_answer: str = "OK done"
    # one answer to BODY[] of a UID: "nil", "missing", "int", "cut", "eof", "garbled"; taken away after one use when
    # the number beside it reaches 0
    bodies: dict[int, tuple[str, int]] = field(default_factory=dict)
    listings: dict[int, str] = field(default_factory=dict)
    unsolicited: list[str] = field(default_factory=list)
    expunged_after_search: set[int] = field(default_factory=set)
    idle: str = ""  # "bye", "stall", "eof"
    said_with_idle: bytes = b""  # a mail that arrives between the poll and IDLE: one packet tells of both
    arrives_with_mark: bytes = b""  # a mail that the answer to STORE announces, and nothing after it
    hang_up_after_bodies: int | None = None
    commands: list[str] = field(default_factory=list)


class ScriptedImap:
    """The server on a free port, with a thread for each connection."""

    def __init__(self, **faults: Any) -> None:
        self.folder = Folder(**faults)
        self.connections: list[_Connection] = []
        self.connected = threading.Semaphore(0)
        self.idling = threading.Semaphore(0)
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.owner = self
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in self.connections:
            connection.hang_up()

    def account(self, **changes: Any) -> MailAccount:
        assert self._server is not None
        settings: dict[str, Any] = {
            "address": "commandes@comptoir.example",
            "imap_host": "127.0.0.1",
            "imap_port": self._server.server_address[1],
            "imap_tls": False,
            "user": "commandes",
            "password": SecretStr("secret"),
        }
        return MailAccount(**(settings | changes))

    def add(self, *raws: bytes, start: int | None = None) -> None:
        first = start if start is not None else max(self.folder.messages, default=0) + 1
        for uid, raw in enumerate(raws, first):
            self.folder.messages[uid] = Stored(raw)
        for connection in self.connections:
            connection.announce()

    def asked(self, pattern: str) -> list[str]:
        return [command for command in self.folder.commands if re.search(pattern, command)]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    owner: ScriptedImap


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.owner: ScriptedImap = self.server.owner  # type: ignore[attr-defined]
        self.folder = self.owner.folder
        self.idle_tag = ""
        self.owner.connections.append(self)
        self.owner.connected.release()
        try:
            self.say("* OK scripted server")
            while line := self.rfile.readline():
                self.obey(line.decode("ascii", "replace").strip())
        except (HangUpError, OSError, ValueError):
            pass

    def hang_up(self) -> None:
        self.idle_tag = ""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def announce(self) -> None:
        if self.idle_tag and not self.folder.idle:
            with contextlib.suppress(OSError):
                self.say(f"* {len(self.folder.messages)} EXISTS")

    def say(self, line: str | bytes) -> None:
        self.wfile.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        self.wfile.flush()

    def obey(self, line: str) -> None:
        if self.idle_tag and line.upper() == "DONE":
            tag, self.idle_tag = self.idle_tag, ""
            if self.folder.idle != "stall":
                self.say(f"{tag} OK idle done")
            return
        tag, _, command = line.partition(" ")
        self.folder.commands.append(command)
        words = command.split()
        name = " ".join(words[:2]).upper() if words[0].upper() == "UID" else words[0].upper()
        done = f"{tag} OK done"
        match name:
            case "CAPABILITY":
                self.say(f"* CAPABILITY {self.folder.capabilities}")
            case "LOGIN":
                done = f"{tag} {self.folder.login_answer}"
            case "SELECT":
                done = self.select(tag)
            case "UID SEARCH":
                self.search(command)
            case "UID FETCH":
                self.fetch(words[2], command)
            case "UID STORE":
                done = f"{tag} {self.folder.mark_answer}"
                self.arrive_with_mark()
                for uid in self.chosen(words[2]):
                    self.folder.messages[uid].flags.add(command.partition("(")[2].rstrip(")"))
            case "UID MOVE":
                done = f"{tag} {self.folder.mark_answer}"
                for uid in self.chosen(words[2]) if " OK" in done else []:
                    del self.folder.messages[uid]
            case "IDLE":
                done = self.start_idle(tag)
            case "LOGOUT":
                self.say("* BYE")
                self.say(done)
                raise HangUpError
        if done:
            self.say(done)

    def select(self, tag: str) -> str:
        folder = self.folder
        if " OK" in f" {folder.select_answer}":
            highest = max(folder.messages, default=0) + 1
            self.say(f"* FLAGS ({folder.permanent_flags})")
            self.say(f"* {folder.exists if folder.exists is not None else len(folder.messages)} EXISTS")
            self.say("* 0 RECENT")
            self.say(f"* OK [PERMANENTFLAGS ({folder.permanent_flags})] ok")
            self.say(f"* OK [UIDNEXT {folder.uidnext if folder.uidnext is not None else highest}] next")
            if folder.uidvalidity is not None:
                self.say(f"* OK [UIDVALIDITY {folder.uidvalidity}] valid")
        return f"{tag} {folder.select_answer}"

    def search(self, command: str) -> None:
        uids = self.chosen(re.findall(r"UID (\S+)", command)[1])
        if since := re.search(r"SINCE (\S+)", command):
            day = datetime.strptime(since[1].strip('"'), "%d-%b-%Y").date()  # noqa: DTZ007 - IMAP has no zone here
            uids = [uid for uid in uids if self.folder.messages[uid].at.date() >= day]
        self.say(" ".join(["* SEARCH", *map(str, uids)]))
        for uid in self.folder.expunged_after_search:
            self.folder.messages.pop(uid, None)

    def fetch(self, uids: str, command: str) -> None:
        for line in self.folder.unsolicited:
            self.say(line)
        for uid in self.chosen(uids):
            place = sorted(self.folder.messages).index(uid) + 1
            if "BODY" in command:
                self.fetch_body(uid, place, headers="HEADER" in command)
            elif uid in self.folder.listings:
                self.say(self.folder.listings[uid])
            else:
                message = self.folder.messages[uid]
                at = message.at.strftime("%d-%b-%Y %H:%M:%S +0000")
                size = len(message.raw)
                self.say(f'* {place} FETCH (UID {uid} RFC822.SIZE {size} INTERNALDATE "{at}")')

    def fetch_body(self, uid: int, place: int, *, headers: bool) -> None:
        raw = self.folder.messages[uid].raw
        raw = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if headers else raw
        item = "BODY[HEADER]" if headers else "BODY[]"
        fault, left = self.folder.bodies.get(uid, ("", 0))
        if fault:
            self.folder.bodies[uid] = (fault, left - 1)
            if left == 1:
                del self.folder.bodies[uid]
        match fault:
            case "nil":
                self.say(f"* {place} FETCH (UID {uid} {item} NIL)")
            case "missing":
                self.say(f"* {place} FETCH (UID {uid} FLAGS ())")
            case "int":
                self.say(f"* {place} FETCH (UID {uid} {item} 12345)")
            case "garbled":
                self.say(f"* {place} FETCH (UID {uid} {item} ({{{len(raw)}}}".encode() + b"\r\n" + raw)
            case "cut":
                self.wfile.write(
                    f"* {place} FETCH (UID {uid} {item} {{{len(raw)}}}\r\n".encode() + raw[: len(raw) // 2]
                )
                self.hang_up()
                raise HangUpError
            case "eof":
                self.hang_up()
                raise HangUpError
            case _:
                self.say(f"* {place} FETCH (UID {uid} {item} {{{len(raw)}}}".encode() + b"\r\n" + raw + b")")
        if self.folder.hang_up_after_bodies is not None:
            self.folder.hang_up_after_bodies -= 1
            if self.folder.hang_up_after_bodies <= 0:
                self.owner.stop()
                raise HangUpError

    def arrive_with_mark(self) -> None:
        raw, self.folder.arrives_with_mark = self.folder.arrives_with_mark, b""
        if raw:
            self.folder.messages[max(self.folder.messages) + 1] = Stored(raw)
            self.say(f"* {len(self.folder.messages)} EXISTS")

    def start_idle(self, tag: str) -> str:
        self.idle_tag = tag
        raw, self.folder.said_with_idle = self.folder.said_with_idle, b""
        if raw:
            self.folder.messages[max(self.folder.messages, default=0) + 1] = Stored(raw)
        self.say("+ idling" + (f"\r\n* {len(self.folder.messages)} EXISTS" if raw else ""))
        fault = self.folder.idle
        self.owner.idling.release()
        if fault == "bye":
            self.say("* BYE going down")
        if fault in {"bye", "eof"}:
            self.hang_up()
            raise HangUpError
        return ""

    def chosen(self, written: str) -> list[int]:
        """The UIDs that a set names; `n:*` always holds the highest one (RFC 3501 §6.4.8)."""
        there = sorted(self.folder.messages)
        found: set[int] = set()
        for part in written.split(","):
            first, _, last = part.partition(":")
            highest = there[-1] if there else 0
            low, high = (highest if end == "*" else int(end) for end in (first, last or first))
            found |= {uid for uid in there if min(low, high) <= uid <= max(low, high)}
        return sorted(found)
