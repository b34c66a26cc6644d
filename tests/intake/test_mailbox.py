"""The mailbox against servers of all kinds.

What a good server does runs on pymap, and with `make test-real` on dovecot; what a good one never does, on the scripted
server. Numbers are those of the reliability cases.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

import pytest
from imapclient import IMAPClient

from bot.sandbox.mail import MailSandbox
from core.errors import TryLater
from core.settings import MailAccount
from intake import imap
from intake.mailbox import Intervals, Mailbox, MailStore
from tests.servers.dovecot import PROGRAM, Dovecot
from tests.servers.memory_store import MemoryStore
from tests.servers.scripted_imap import ARRIVED, ScriptedImap, Stored

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
QUICK = Intervals(
    poll=0.2, idle_slice=0.02, connect_timeout=5, read_timeout=0.5, first_back_off=0.01, last_back_off=0.02, patience=3
)


class Server(Protocol):
    def account(self, **changes: Any) -> MailAccount: ...


class Owner:
    """The person whose mailbox it is, with a mail program of their own."""

    def __init__(self, account: MailAccount) -> None:
        self.client = IMAPClient(account.imap_host, port=account.imap_port, ssl=False, timeout=20)
        self.client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.login(account.user, account.password.get_secret_value())
        self.client.select_folder("INBOX")

    def puts(self, raw: bytes, at: datetime = NOW, *, seen: bool = False) -> None:
        self.client.append("INBOX", raw, [rb"\Seen"] if seen else [], at)

    def uids(self, folder: str = "INBOX") -> list[int]:
        self.client.select_folder(folder)
        return sorted(self.client.search("ALL"))

    def expunges(self, uid: int) -> None:
        self.client.noop()
        self.client.delete_messages([uid])
        self.client.expunge()

    def flags(self) -> list[tuple[bytes, ...]]:
        self.client.select_folder("INBOX")
        return list(self.client.get_flags(self.client.search("ALL")).values())


@pytest.fixture(params=["pymap", pytest.param("dovecot", marks=pytest.mark.real)])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "dovecot":
        if PROGRAM is None:
            pytest.skip("dovecot is not installed")
        with Dovecot() as dovecot:
            yield dovecot
        return
    with MailSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def owner(server: Server) -> Iterator[Owner]:
    person = Owner(server.account())
    yield person
    person.client.logout()


@pytest.fixture
def scripted() -> Iterator[ScriptedImap]:
    with ScriptedImap() as server:
        yield server


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def mailbox(server: Server, store: MailStore, **changes: Any) -> Mailbox:
    return Mailbox(server.account(**changes), store, lambda: NOW, intervals=QUICK)


def mail(number: int, body: str = "10 cartons REF-1200") -> bytes:
    lines = ["From: cli@c.example", "To: commandes@comptoir.example", f"Subject: Commande {number}", "", body, ""]
    return "\r\n".join(lines).encode()


class Running:
    """A mailbox that runs in a thread, as `comptoir run` runs it."""

    def __init__(self, box: Mailbox) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=box.run, args=(self.stop,))

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join(timeout=20)
        assert not self.thread.is_alive()


# -- any good server


def test_a_mail_is_stored_as_it_lies_on_the_server(server: Server, owner: Owner, store: MemoryStore) -> None:
    owner.puts(mail(1))
    assert mailbox(server, store).poll() == 1
    (receipt,) = store.receipts
    assert receipt.raw == mail(1)
    assert receipt.received_at == NOW
    assert receipt.fingerprint == f"{len(mail(1))}:{NOW.isoformat()}"
    assert store.health == [NOW]


def test_a_second_poll_stores_only_what_is_new(server: Server, owner: Owner, store: MemoryStore) -> None:
    box = mailbox(server, store)
    owner.puts(mail(1))
    assert box.poll() == 1
    assert box.poll() == 0
    owner.puts(mail(2))
    assert box.poll() == 1
    assert store.raws == [mail(1), mail(2)]


def test_an_empty_mailbox_is_healthy(server: Server, store: MemoryStore) -> None:
    assert mailbox(server, store).poll() == 0
    assert store.health


def test_mails_stay_unread(server: Server, owner: Owner, store: MemoryStore) -> None:
    owner.puts(mail(1))
    mailbox(server, store).poll()
    assert all(rb"\Seen" not in flags for flags in owner.flags())


def test_stored_mails_bear_our_keyword_where_the_server_keeps_keywords(
    server: Server, owner: Owner, store: MemoryStore
) -> None:
    owner.puts(mail(1))
    mailbox(server, store).poll()
    allowed = owner.client.select_folder("INBOX")[b"PERMANENTFLAGS"]
    assert any(imap.STORED_KEYWORD.encode() in flags for flags in owner.flags()) == (rb"\*" in allowed)


def test_e06_a_mail_without_content_is_recorded_once(server: Server, owner: Owner, store: MemoryStore) -> None:
    owner.puts(b"Subject: rien\r\n\r\n")
    box = mailbox(server, store)
    assert [box.poll(), box.poll(), box.reconcile(NOW.date())] == [1, 0, 0]
    assert len(store.receipts) == 1


def test_e10_one_mail_without_message_id_does_not_hold_up_the_batch(
    server: Server, owner: Owner, store: MemoryStore
) -> None:
    owner.puts(b"Message-ID: \r\nSubject: premier\r\n\r\nbonjour\r\n")
    for number in range(300):
        owner.puts(mail(number))
    assert mailbox(server, store).poll() == 301
    assert store.raws[1:] == [mail(number) for number in range(300)]


def test_e17_a_crash_before_the_move_piles_up_no_copies(server: Server, owner: Owner, store: MemoryStore) -> None:
    owner.puts(mail(1))
    owner.puts(mail(2))

    def crash(name: str) -> None:
        if name == "stored":
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            Mailbox(server.account(move_to="Traites"), store, lambda: NOW, crash, intervals=QUICK).poll()
    assert sorted(store.raws) == [mail(1), mail(2)]
    assert len(owner.uids()) == 2
    box = mailbox(server, store, move_to="Traites")
    assert box.reconcile(NOW.date()) == 0
    assert box.reconcile(NOW.date()) == 0
    assert (owner.uids(), len(owner.uids("Traites"))) == ([], 2)


def test_e17_stored_mails_are_moved_by_move_alone(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.add(mail(1))
    mailbox(scripted, store, move_to="Traites").poll()
    assert scripted.asked("UID MOVE")
    assert not scripted.asked("COPY|EXPUNGE|Deleted")


def test_e17_a_server_without_move_gets_the_keyword_instead(store: MemoryStore) -> None:
    with ScriptedImap(capabilities="IMAP4rev1") as server:
        server.add(mail(1))
        mailbox(server, store, move_to="Traites").poll()
        assert not server.asked("MOVE|COPY|EXPUNGE")
        assert server.asked(r"UID STORE 1 \+FLAGS.SILENT \(\$ComptoirStored\)")


def test_e18_a_mail_that_a_colleague_has_read_is_still_stored(server: Server, owner: Owner, store: MemoryStore) -> None:
    owner.puts(mail(1), seen=True)
    assert mailbox(server, store).poll() == 1


def test_e23_a_mail_expunged_during_the_poll_is_skipped_and_the_others_are_kept(
    server: Server, owner: Owner, store: MemoryStore
) -> None:
    for number in (1, 2, 3):
        owner.puts(mail(number))
    second = owner.uids()[1]
    gone: list[int] = []

    def expunge(name: str) -> None:
        if name == "fetched" and not gone:
            gone.append(second)
            owner.expunges(second)

    Mailbox(server.account(), store, lambda: NOW, expunge, intervals=QUICK).poll()
    assert {mail(1), mail(3)} <= set(store.raws)  # a server may still show the second one to an older session
    assert not store.failures


def test_e23_a_mail_expunged_after_the_search_is_skipped(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.add(mail(1), mail(2), mail(3))
    scripted.folder.expunged_after_search = {2}
    assert mailbox(scripted, store).poll() == 2
    assert not store.failures


def test_e29_of_a_mail_that_is_too_big_only_the_headers_are_taken(
    server: Server, owner: Owner, store: MemoryStore
) -> None:
    owner.puts(mail(1, "x" * 5000))
    owner.puts(mail(2))
    assert mailbox(server, store, max_bytes=1000).poll() == 2
    big, small = store.receipts
    assert (big.oversized, small.oversized) == (True, False)
    assert big.raw.rstrip() == mail(1).partition(b"\r\n\r\n")[0]


def test_e30_the_first_start_takes_only_the_last_days(server: Server, owner: Owner, store: MemoryStore) -> None:
    owner.puts(mail(1), NOW - timedelta(days=60))
    owner.puts(mail(2), NOW - timedelta(days=3))
    box = mailbox(server, store, since_days=30)
    assert box.poll() == 1
    assert store.raws == [mail(2)]
    owner.puts(mail(3), NOW - timedelta(days=60))
    assert box.poll() == 1  # from then on everything new counts, whatever its date


def test_e30_a_huge_mailbox_is_searched_window_by_window(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.folder.messages = {uid: Stored(mail(uid)) for uid in (10, 60_000, 99_999, 100_000)}
    scripted.folder.exists = 100_000
    assert mailbox(scripted, store).poll() == 4
    ranges = [command.split()[3] for command in scripted.asked("SEARCH")]
    assert ranges == ["1:50000", "50001:100000"]


def test_reconciliation_brings_back_what_we_lost(server: Server, owner: Owner, store: MemoryStore) -> None:
    box = mailbox(server, store)
    for number in (1, 2, 3):
        owner.puts(mail(number))
    box.poll()
    lost = store.receipts.pop(0)
    assert box.reconcile(NOW.date()) == 1
    assert store.receipts[-1].raw == lost.raw
    assert box.reconcile(NOW.date()) == 0


def test_a_mail_that_arrives_while_we_idle_is_stored_at_once(server: Server, owner: Owner, store: MemoryStore) -> None:
    patient = Intervals(poll=60, idle_slice=0.02, first_back_off=0.01)
    with Running(Mailbox(server.account(), store, lambda: NOW, intervals=patient)):
        for number in (1, 2, 3):
            owner.puts(mail(number))
            store.wait_until(lambda s, n=number: len(s.receipts) == n)  # type: ignore[misc]
    assert store.raws == [mail(1), mail(2), mail(3)]


def test_e13_a_mail_from_a_colleague_whose_copy_lies_in_his_own_sent_folder_is_received(store: MemoryStore) -> None:
    with MailSandbox("jean@comptoir.example") as his, MailSandbox("commandes@comptoir.example") as ours:
        jean = Owner(his.account())
        jean.client.create_folder("Sent")
        jean.client.append("Sent", mail(1))
        ours.deliver(mail(1))
        assert mailbox(his, store, folder="Sent").poll() == 1
        assert mailbox(ours, store).poll() == 1
        jean.client.logout()


# -- what a good server never does -------------------------------------------------------------------------------------


def test_e01_after_a_new_uidvalidity_all_messages_are_new(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.add(mail(1), mail(2))
    box = mailbox(scripted, store)
    assert box.poll() == 2
    scripted.folder.uidvalidity = 2
    scripted.folder.messages = {1: Stored(mail(3)), 2: Stored(mail(4))}
    assert box.poll() == 2
    assert store.raws == [mail(1), mail(2), mail(3), mail(4)]


def test_e02_a_reused_uid_is_another_message(scripted: ScriptedImap, store: MemoryStore) -> None:
    box = mailbox(scripted, store)
    scripted.add(mail(1))
    box.poll()
    scripted.folder.messages = {1: Stored(mail(2, "5 palettes"))}
    assert box.poll() == 1
    assert box.poll() == 0
    assert store.raws == [mail(1), mail(2, "5 palettes")]


def test_e02_a_reused_uid_below_the_highest_is_found_by_the_reconciliation(
    scripted: ScriptedImap, store: MemoryStore
) -> None:
    box = mailbox(scripted, store)
    scripted.add(mail(1), mail(2))
    box.poll()
    scripted.folder.messages[1] = Stored(mail(3, "5 palettes"))
    assert box.poll() == 0
    assert box.reconcile(ARRIVED.date()) == 1
    assert box.reconcile(ARRIVED.date()) == 0
    assert store.raws[-1] == mail(3, "5 palettes")


def test_e02_uids_that_start_again_are_seen_at_once(scripted: ScriptedImap, store: MemoryStore) -> None:
    box = mailbox(scripted, store)
    scripted.add(mail(1), mail(2), mail(3))
    box.poll()
    scripted.folder.messages = {1: Stored(mail(4, "5 palettes"))}
    assert box.poll() == 1


def test_e03_another_mailbox_behind_the_same_credentials_hides_nothing(store: MemoryStore) -> None:
    with ScriptedImap(uidvalidity=7) as old:
        old.add(mail(1), mail(2))
        mailbox(old, store).poll()
    with ScriptedImap(uidvalidity=7) as new:
        new.add(mail(11, "autre"), mail(12, "encore autre"))
        assert mailbox(new, store).poll() == 2
    assert len(store.receipts) == 4


@pytest.mark.parametrize("broken", [{"uidvalidity": None}, {"uidvalidity": 0}, {"select_answer": "NO not now"}])
def test_e04_without_uidvalidity_nothing_is_taken_in_and_a_person_is_told(
    scripted: ScriptedImap, store: MemoryStore, broken: dict[str, Any]
) -> None:
    scripted.add(mail(1))
    box = mailbox(scripted, store)
    box.poll()
    scripted.add(mail(2))
    for name, value in broken.items():
        setattr(scripted.folder, name, value)
    for alarms in ([], [], ["mailbox_uidvalidity_unreadable"], ["mailbox_uidvalidity_unreadable"]):
        with pytest.raises(TryLater, match="uidvalidity_unreadable"):
            box.poll()
        assert store.alarms == alarms
    assert len(store.receipts) == 1
    scripted.folder.uidvalidity, scripted.folder.select_answer = 1, "OK selected"
    assert box.poll() == 1


def test_e15_a_store_that_fails_on_one_mail_keeps_the_others(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.add(mail(1), mail(2), mail(3))
    failing = {2}

    def fail(uid: int) -> None:
        if uid in failing:
            raise RuntimeError("serialization failure")

    store.before_store = fail
    box = mailbox(scripted, store)
    assert box.poll() == 2
    failing.clear()
    assert box.poll() == 1
    assert sorted(store.uids) == [1, 2, 3]


@pytest.mark.parametrize("fault", ["garbled", "cut", "eof"])
def test_e20_a_mail_that_always_breaks_the_download_is_given_up_after_three_attempts(
    scripted: ScriptedImap, store: MemoryStore, fault: str
) -> None:
    scripted.add(mail(1), mail(2), mail(3))
    scripted.folder.bodies[2] = (fault, -1)
    box = mailbox(scripted, store)
    assert [box.poll(), box.poll(), box.poll()] == [2, 0, 0]
    assert store.last_uid(box.account, "INBOX", 1) == 3
    asked = len(scripted.asked(r"UID FETCH 2 \(BODY"))
    assert box.poll() == 0
    assert len(scripted.asked(r"UID FETCH 2 \(BODY")) == asked
    scripted.add(mail(4))
    assert box.poll() == 1


@pytest.mark.parametrize("fault", ["nil", "missing", "int"])
def test_e21_a_missing_body_is_tried_again_and_the_poll_goes_on(
    scripted: ScriptedImap, store: MemoryStore, fault: str
) -> None:
    scripted.add(mail(1), mail(2), mail(3))
    scripted.folder.bodies[1] = (fault, 1)
    box = mailbox(scripted, store)
    assert box.poll() == 2
    assert store.reasons == ["body_missing"]
    assert box.poll() == 1
    assert sorted(store.uids) == [1, 2, 3]


def test_e23_a_mail_that_failed_and_was_expunged_costs_no_second_look_at_the_others(
    scripted: ScriptedImap, store: MemoryStore
) -> None:
    scripted.add(mail(1), mail(2), mail(3))
    scripted.folder.bodies[1] = ("nil", 1)
    box = mailbox(scripted, store)
    assert box.poll() == 2
    del scripted.folder.messages[1]
    scripted.folder.commands.clear()
    assert box.poll() == 0
    assert not scripted.asked("UID FETCH")


def test_e21_a_body_that_stays_missing_is_given_up(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.add(mail(1), mail(2))
    scripted.folder.bodies[1] = ("nil", -1)
    box = mailbox(scripted, store)
    assert [box.poll() for _ in range(4)] == [1, 0, 0, 0]
    assert store.known(box.account, "INBOX", 1, [1]) == {1: ""}


def test_e22_flags_that_another_program_touches_disturb_nothing(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.add(mail(1), mail(2), mail(3))
    scripted.folder.unsolicited = [
        r"* 1 FETCH (UID 1 FLAGS (\Seen))",
        r"* 2 FETCH (FLAGS (\Seen NonJunk))",
        r"* 3 FETCH (UID 99 FLAGS (\Deleted))",
    ]
    assert mailbox(scripted, store).poll() == 3
    assert store.raws == [mail(1), mail(2), mail(3)]
    assert not store.failures


def test_e22_flags_of_an_expunged_message_are_not_a_message(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.add(mail(1), mail(2))
    scripted.folder.expunged_after_search = {2}
    scripted.folder.unsolicited = [r"* 2 FETCH (UID 2 FLAGS (\Seen))"]
    assert mailbox(scripted, store).poll() == 1
    assert not store.failures


@pytest.mark.parametrize("line", ["* 57 FETCH (UID 57 RFC822.SIZE (", "* FETCH nonsense", "* 57 FETCH (UID x"])
def test_e24_a_malformed_answer_is_narrowed_down_to_its_message(
    scripted: ScriptedImap, store: MemoryStore, line: str
) -> None:
    scripted.add(*[mail(number) for number in range(1, 101)])
    scripted.folder.listings[57] = line
    box = mailbox(scripted, store)
    assert box.poll() == 99
    assert 57 not in store.uids
    assert len(store.reasons) == 1
    del scripted.folder.listings[57]
    assert box.poll() == 1


def test_e25_an_idle_that_nobody_ends_does_not_hang(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.folder.idle = "stall"
    with Running(mailbox(scripted, store)):
        assert scripted.idling.acquire(timeout=20)
        scripted.add(mail(1))
        store.wait_until(lambda s: len(s.receipts) == 1)
        assert scripted.idling.acquire(timeout=20)
        scripted.add(mail(2))
        store.wait_until(lambda s: len(s.receipts) == 2)
    assert not store.alarms


def test_a_hint_in_one_packet_with_the_answer_to_idle_is_not_missed(scripted: ScriptedImap, store: MemoryStore) -> None:
    patient = Intervals(poll=60, idle_slice=0.02, first_back_off=0.01)
    scripted.folder.said_with_idle = mail(1)
    with Running(Mailbox(scripted.account(), store, lambda: NOW, intervals=patient)):
        store.wait_until(lambda s: len(s.receipts) == 1)


def test_a_mail_announced_in_the_answer_to_another_command_does_not_wait_for_the_next_poll(
    scripted: ScriptedImap, store: MemoryStore
) -> None:
    patient = Intervals(poll=60, idle_slice=0.02, first_back_off=0.01)
    scripted.add(mail(1))
    scripted.folder.arrives_with_mark = mail(2)
    with Running(Mailbox(scripted.account(), store, lambda: NOW, intervals=patient)):
        store.wait_until(lambda s: len(s.receipts) == 2)


def test_e25_without_a_hint_the_mailbox_is_polled_all_the_same(store: MemoryStore) -> None:
    with ScriptedImap(capabilities="IMAP4rev1") as server, Running(mailbox(server, store)):
        assert server.connected.acquire(timeout=20)
        server.add(mail(1))
        store.wait_until(lambda s: len(s.receipts) == 1)
        assert not server.asked("^IDLE")


@pytest.mark.parametrize("fault", ["bye", "eof"])
def test_e26_after_a_goodbye_in_idle_the_gap_is_caught_up(
    scripted: ScriptedImap, store: MemoryStore, fault: str
) -> None:
    scripted.folder.idle = fault
    with Running(mailbox(scripted, store)):
        assert scripted.idling.acquire(timeout=20)
        scripted.add(mail(1), mail(2))
        scripted.folder.idle = ""
        store.wait_until(lambda s: len(s.receipts) == 2)
        assert scripted.idling.acquire(timeout=20)
        scripted.add(mail(3))
        store.wait_until(lambda s: len(s.receipts) == 3)
    assert store.uids == [1, 2, 3]


def test_e27_a_dead_mailbox_is_not_an_empty_one(store: MemoryStore) -> None:
    with ScriptedImap() as server:
        box = mailbox(server, store)
        assert box.poll() == 0
    for alarms in ([], [], ["mailbox_unreachable"], ["mailbox_unreachable"]):
        with pytest.raises(TryLater, match="mailbox_unreachable"):
            box.poll()
        assert store.alarms == alarms
    assert len(store.health) == 1


def test_e27_a_connection_lost_in_the_middle_keeps_what_was_fetched_and_blames_no_mail(store: MemoryStore) -> None:
    with ScriptedImap(hang_up_after_bodies=3) as server:
        server.add(*[mail(number) for number in range(1, 6)])
        with pytest.raises(TryLater):
            mailbox(server, store).poll()
    assert store.raws == [mail(1), mail(2)]
    assert not store.failures
    with ScriptedImap() as server:
        server.add(*[mail(number) for number in range(1, 6)])
        assert mailbox(server, store).poll() == 3
    assert store.uids == [1, 2, 3, 4, 5]


def test_e27_a_single_lost_connection_is_not_held_against_the_mail(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.add(mail(1))
    scripted.folder.bodies[1] = ("cut", 1)
    assert mailbox(scripted, store).poll() == 1
    assert not store.failures


def test_e28_refused_credentials_raise_the_alarm_at_once_and_once(store: MemoryStore) -> None:
    with ScriptedImap(login_answer="NO [AUTHENTICATIONFAILED] token expired") as server:
        box = mailbox(server, store)
        for _ in range(2):
            with pytest.raises(TryLater, match="mailbox_credentials_refused"):
                box.poll()
            assert store.alarms == ["mailbox_credentials_refused"]
        server.folder.login_answer = "OK welcome"
        assert box.poll() == 0
        server.folder.login_answer = "NO [AUTHENTICATIONFAILED] token expired"
        box.close()
        with pytest.raises(TryLater):
            box.poll()
        assert len(store.alarms) == 2


def test_e28_a_server_that_is_busy_is_not_a_refused_password(store: MemoryStore) -> None:
    busy = ScriptedImap(login_answer="NO [UNAVAILABLE] later")
    with busy as server, pytest.raises(TryLater, match="mailbox_unreachable"):
        mailbox(server, store).poll()
    assert not store.alarms


def test_a_flag_that_the_server_refuses_is_harmless(store: MemoryStore) -> None:
    with ScriptedImap(mark_answer="NO read-only today") as server:
        server.add(mail(1), mail(2))
        box = mailbox(server, store)
        assert [box.poll(), box.poll()] == [2, 0]


def test_the_checkpoints_come_in_their_order(scripted: ScriptedImap, store: MemoryStore) -> None:
    scripted.add(mail(1))
    seen: list[str] = []
    Mailbox(scripted.account(), store, lambda: NOW, seen.append, intervals=QUICK).poll()
    assert seen == ["fetched", "stored", "flagged"]
