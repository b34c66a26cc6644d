"""What only a real server can show: a folder made anew, a restart under a client that idles."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from imapclient import IMAPClient

from intake.mailbox import Intervals, Mailbox
from tests.servers.dovecot import PROGRAM, Dovecot
from tests.servers.memory_store import MemoryStore

pytestmark = pytest.mark.real

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
MAIL = b"From: cli@c.example\r\nSubject: Commande\r\n\r\n10 cartons\r\n"


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    if PROGRAM is None:
        pytest.skip("dovecot is not installed")
    with Dovecot() as server:
        yield server


@pytest.fixture
def client(dovecot: Dovecot) -> Iterator[IMAPClient]:
    account = dovecot.account()
    with IMAPClient(account.imap_host, port=account.imap_port, ssl=False, timeout=20) as person:
        person.login(account.user, account.password.get_secret_value())
        yield person


def test_e01_a_folder_deleted_and_made_anew_holds_new_messages(dovecot: Dovecot, client: IMAPClient) -> None:
    store = MemoryStore()
    box = Mailbox(dovecot.account(folder="Commandes"), store, lambda: NOW)
    for _ in range(2):
        client.create_folder("Commandes")
        client.append("Commandes", MAIL, msg_time=NOW)
        assert box.poll() == 1
        box.close()
        client.delete_folder("Commandes")
    first, second = store.receipts
    assert first.uid == second.uid
    assert first.uidvalidity != second.uidvalidity


def test_e26_a_server_that_restarts_under_a_client_in_idle_is_read_again(dovecot: Dovecot, client: IMAPClient) -> None:
    store, stop = MemoryStore(), threading.Event()
    waits = Intervals(poll=60, idle_slice=0.02, first_back_off=0.05, last_back_off=0.2, patience=1000)
    thread = threading.Thread(target=Mailbox(dovecot.account(), store, lambda: NOW, intervals=waits).run, args=(stop,))
    thread.start()
    try:
        client.append("INBOX", MAIL, msg_time=NOW)
        store.wait_until(lambda s: len(s.receipts) == 1)
        dovecot.restart()
        account = dovecot.account()
        with IMAPClient(account.imap_host, port=account.imap_port, ssl=False, timeout=20) as again:
            again.login(account.user, account.password.get_secret_value())
            again.append("INBOX", MAIL, msg_time=NOW)
        store.wait_until(lambda s: len(s.receipts) == 2)
    finally:
        stop.set()
        thread.join(timeout=20)
    assert store.uids == [1, 2]
