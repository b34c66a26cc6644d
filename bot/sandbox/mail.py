"""Real mail servers in this process for the demo and the tests: pymap takes IMAP, aiosmtpd takes SMTP.

A customer sends by real SMTP and our mailbox is read by real IMAP; what we send is kept as it left, for the customers.
Before a mail reaches the inbox, the server does what a firm's own server does: it removes what claims to be its own
verdict and stamps its own on top (RFC 8601 §5).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import smtplib
import threading
from argparse import Namespace
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import format_datetime, getaddresses
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from aiosmtpd.smtp import SMTP, AuthResult
from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.version import ProxyProtocolVersion
from pydantic import SecretStr
from pymap.backend.dict import Config, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Flag, Wildcard
from pymap.user import Passwords, UserMetadata
from pysasl.hashing import BuiltinHash

from core.settings import MailAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from email.message import EmailMessage

    from aiosmtpd.smtp import Envelope, Session
    from pymap.concurrent import Event
    from pymap.selected import SelectedMailbox

Answer = TypeVar("Answer")
Fault = Literal["451", "550", "drop_before", "drop_after", "slow"]

HOST = "127.0.0.1"
SLOW_SECONDS = 0.5

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of its own deprecations at each login


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that left our house, as the server took it."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


class MailSandbox:
    """Both servers on free ports of the loopback, in a thread of their own; a context manager."""

    def __init__(
        self,
        address: str = "commandes@comptoir.example",
        *,
        password: str = "sandbox",  # noqa: S107 - it opens nothing but this process
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.address = address.lower()
        self.password = password
        self.authserv_id = f"mx.{_domain(self.address)}"
        self.unauthenticated: set[str] = set()
        self.takes_plus_addresses = True
        self.imap_port = 0
        self.smtp_port = 0
        self._now = now
        self._faults: deque[Fault] = deque()
        self._sent: list[Sent] = []
        self._news = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="mail-sandbox", daemon=True)
        self._ready = threading.Event()
        self._login: Login | None = None
        self._smtp: asyncio.AbstractServer | None = None

    # -- start and stop ---------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(timeout=20):
            raise RuntimeError("the mail sandbox did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def account(self, **changes: Any) -> MailAccount:
        """The settings with which our product reads and sends here."""
        settings: dict[str, Any] = {
            "address": self.address,
            "imap_host": HOST,
            "imap_port": self.imap_port,
            "imap_tls": False,
            "smtp_host": HOST,
            "smtp_port": self.smtp_port,
            "smtp_tls": False,
            "user": self.address,
            "password": SecretStr(self.password),
            "trusted_authserv_id": self.authserv_id,
        }
        return MailAccount(**(settings | changes))

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen_imap())
        self._loop.run_until_complete(self._listen_smtp())
        self._ready.set()
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _listen_imap(self) -> None:
        arguments = Namespace(
            host=HOST, port=0, debug=False, cert=None, key=None, tls=False, proxy_protocol=None, passlib_cfg=None,
            demo_data=False, demo_user=self.address, demo_password=self.password,
        )  # fmt: skip
        config = Config.from_args(arguments, invalid_user_sleep=0.0, hash_context=BuiltinHash(rounds=1))
        config.apply_context()
        self._login = Login(config)
        password = await Passwords(config).hash_password(self.password)
        await self._login.demo_user_identity.set(UserMetadata(config, self.address, password=password))
        folders = MailboxSet()
        folders._inbox = _Inbox(folders._content_cache, folders._thread_cache)  # noqa: SLF001
        config.set_cache[self.address] = (folders, FilterSet())
        connected = ProxyProtocolReader(ProxyProtocolVersion.get(None)).get_callback(IMAPServer(self._login, config))
        server = await asyncio.start_server(connected, host=HOST, port=0)
        self.imap_port = server.sockets[0].getsockname()[1]

    async def _listen_smtp(self) -> None:
        self._smtp = await self._loop.create_server(self._smtp_protocol, host=HOST, port=self.smtp_port)
        self.smtp_port = self._smtp.sockets[0].getsockname()[1]

    def _smtp_protocol(self) -> SMTP:
        return _LongLines(
            _Postman(self),
            hostname=self.authserv_id,
            data_size_limit=100_000_000,
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=self._loop,
        )

    def _authenticate(self, *asked: Any) -> AuthResult:
        given = asked[-1]
        right = (given.login.decode(), given.password.decode()) == (self.address, self.password)
        return AuthResult(success=right, handled=False)

    def _run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    # -- what customers do ------------------------------------------------------------------------------------------

    def send_as(self, sender: str, message: EmailMessage) -> None:
        """Send a customer's mail by SMTP, to the recipients it names."""
        with smtplib.SMTP(HOST, self.smtp_port, timeout=20) as smtp:
            smtp.send_message(message, from_addr=sender)

    def deliver(self, raw: bytes, to: str = "", *, at: datetime | None = None) -> None:
        """Put a mail into our inbox as it is: no SMTP, no verdict of the server."""
        if to and not self.is_ours(to):
            raise ValueError(f"no mailbox {to} here")
        self._run(self.append(raw, at=at))

    def received(self, address: str) -> list[bytes]:
        """The mails that we sent to this address, in their order."""
        return [sent.raw for sent in self.all_sent() if address.lower() in sent.recipients]

    def all_sent(self) -> list[Sent]:
        """Every mail that we sent, in its order."""
        with self._news:
            return list(self._sent)

    def wait_for(self, address: str, predicate: Callable[[bytes], bool], timeout: float = 10) -> bytes:
        """The first mail to this address that the predicate accepts; raises `TimeoutError` when none comes."""
        found: list[bytes] = []

        def here() -> bool:
            found[:] = filter(predicate, self.received(address))
            return bool(found)

        with self._news:
            if not self._news.wait_for(here, timeout):
                raise TimeoutError(f"no such mail to {address} after {timeout} s")
        return found[0]

    # -- faults -----------------------------------------------------------------------------------------------------

    def fail_next(self, *faults: Fault) -> None:
        """What happens to the next mails, one fault each.

        `drop_before` loses the mail and the answer, `drop_after` only the answer; `slow` answers half a second late.
        """
        self._faults.extend(faults)

    @contextlib.contextmanager
    def smtp_down(self) -> Iterator[None]:
        """Refuse SMTP connections meanwhile."""
        if self._smtp is not None:
            self._loop.call_soon_threadsafe(self._smtp.close)
            self._run(self._smtp.wait_closed())
        try:
            yield
        finally:
            self._run(self._listen_smtp())

    def next_fault(self) -> Fault | None:
        """The fault that the mail now arriving meets."""
        return self._faults.popleft() if self._faults else None

    # -- the inbox --------------------------------------------------------------------------------------------------

    def is_ours(self, address: str) -> bool:
        """Whether the address is our mailbox, with or without a plus part."""
        local, _, domain = address.lower().rpartition("@")
        return f"{local.split('+')[0]}@{domain}" == self.address

    def record(self, sent: Sent) -> None:
        """Keep a mail that we sent, and wake those who wait for it."""
        with self._news:
            self._sent.append(sent)
            self._news.notify_all()

    async def append(self, raw: bytes, *, at: datetime | None = None) -> None:
        """Add a mail to the inbox, which wakes a client in IDLE."""
        if self._login is None:
            raise RuntimeError("the mail sandbox is not started")
        async with self._login.demo_user_identity.new_session() as session:
            inbox = await session.mailbox_set.get_mailbox("INBOX")
            await inbox.append(AppendMessage(raw, at or self._now()))

    def stamped(self, raw: bytes, sender: str, recipient: str) -> bytes:
        """The mail with our server's own lines on top, and without those that pretend to be."""
        author = _domain(_author(raw))
        honest = author == _domain(sender) and sender not in self.unauthenticated
        verdict = "pass" if honest else "fail"
        spf = f"spf=pass smtp.mailfrom={_domain(sender)}" if honest else "spf=none"
        top = (
            f"Return-Path: <{sender}>\r\n"
            f"Delivered-To: {recipient}\r\n"
            f"Authentication-Results: {self.authserv_id}; dmarc={verdict} header.from={author or 'invalid'}; {spf}\r\n"
            f"Received: from [{HOST}] by {self.authserv_id}; {format_datetime(self._now())}\r\n"
        )
        return top.encode("ascii", "replace") + self._without_forgeries(raw)

    def _without_forgeries(self, raw: bytes) -> bytes:
        head, blank, body = raw.partition(b"\r\n\r\n")
        kept, dropping = [], False
        for line in head.split(b"\r\n"):
            if not line.startswith((b" ", b"\t")):
                name, _, value = line.partition(b":")
                ours = value.strip().lower().startswith(self.authserv_id.encode())
                dropping = name.strip().lower() == b"authentication-results" and ours
            if not dropping:
                kept.append(line)
        return b"\r\n".join(kept) + blank + body


class _Inbox(MailboxData):
    """pymap's inbox, mended: it keeps keywords, and IDLE reports at once what arrived just before it."""

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        """What a client may set, which includes keywords of its own."""
        return frozenset(super().permanent_flags | {Wildcard})

    async def update_selected(self, selected: SelectedMailbox, *, wait_on: Event | None = None) -> SelectedMailbox:
        """The news for a client; pymap waits for the next even when there is some already."""
        behind = selected.mod_sequence is not None and selected.mod_sequence < self._mod_sequences.highest
        return await super().update_selected(selected, wait_on=None if behind else wait_on)


class _LongLines(SMTP):
    """aiosmtpd with the line limit of servers in the field, which take lines that RFC 5321 forbids."""

    line_length_limit = 1_000_000


class _Postman:
    """What aiosmtpd asks when a mail has arrived."""

    def __init__(self, sandbox: MailSandbox) -> None:
        self.sandbox = sandbox

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take any recipient, unless our server knows no plus addresses and this is one of ours."""
        if "+" in address and self.sandbox.is_ours(address) and not self.sandbox.takes_plus_addresses:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the mail in, or meet the fault that was asked for."""
        fault = self.sandbox.next_fault()
        if fault in {"451", "550"}:
            return f"{fault} fault asked for"
        if fault != "drop_before":
            await self._take(session, envelope)
        if fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if fault in {"drop_before", "drop_after"} and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return "250 taken"

    async def _take(self, session: Session, envelope: Envelope) -> None:
        """Into what we sent when it is from us, into the inbox when it is for us."""
        raw = envelope.original_content or b""
        sender = (envelope.mail_from or "").lower()
        recipients = tuple(recipient.lower() for recipient in envelope.rcpt_tos)
        if session.authenticated or self.sandbox.is_ours(sender):
            self.sandbox.record(Sent(sender, recipients, raw))
        for recipient in filter(self.sandbox.is_ours, recipients):
            await self.sandbox.append(self.sandbox.stamped(raw, sender, recipient))


def _author(raw: bytes) -> str:
    written = getaddresses([str(value) for value in message_from_bytes(raw).get_all("from", [])])
    return written[0][1].lower() if len(written) == 1 else ""


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
