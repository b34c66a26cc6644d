"""Durable work: the only module that knows DBOS.

A job is a doorbell: it treats every unfinished row of its kind in that kind's own order, and the rows' states in our
tables are the truth. Job ids derive from the row and its attempt, so ringing twice is harmless. Who has no bell hung
(the command line, tests of the trade) rings nothing: a sweep finds the rows.

The process that works hears its own bells at once, without the engine: what it commits is done a few milliseconds
later, and a thousand rows leave no thousand jobs behind. What is to begin later, or was rung for elsewhere, is the
engine's.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sqlalchemy import String, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from core.db import Base
from core.errors import TryLater

if TYPE_CHECKING:
    from dbos import DBOSClient, DBOSConfig, EnqueueOptions
    from sqlalchemy import Engine

#: The kinds of work; each has a queue of its own on which one job runs at a time, whatever the number of workers.
NAMES = ("updates", "understand", "automation", "receipts", "papers", "deliver", "handovers")
#: Seconds between two looks at a queue: what another process rang for begins within them. Each look is a transaction.
POLLING = 1.0
LEASE = timedelta(seconds=30)
log = logging.getLogger(__name__)
VERSION = "comptoir-1"
#: How many jobs are forgotten in one transaction: nobody may wait for it.
PURGED_AT_ONCE = 500

_bells: WeakKeyDictionary[Engine, DBOSClient] = WeakKeyDictionary()
_rung: WeakKeyDictionary[SessionTransaction, set[tuple[str, datetime]]] = WeakKeyDictionary()
_heard_here: WeakKeyDictionary[Engine, dict[str, threading.Event]] = WeakKeyDictionary()
_RUNG = "rung"
_work: dict[str, Callable[[], object]] = {}
_registered: set[str] = set()


class Lease(Base):
    """Who runs the service: one process holds the lease, a second one waits or is refused."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


def take_lease(session: Session, name: str, *, at: datetime) -> None:
    """Take or renew the lease for this process; refuses with `TryLater` while another living one holds it.

    A holder on this machine whose process is gone (`kill -9`) is recognised at once, others when their lease runs out.
    """
    holder = this_process()
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    session.execute(insert(Lease).values(name=name, holder=holder, until=at + LEASE).on_conflict_do_nothing())
    lease = session.scalars(
        select(Lease).where(Lease.name == name).with_for_update().execution_options(populate_existing=True)
    ).one()
    if lease.holder != holder and lease.until >= at and not _is_gone(lease.holder):
        raise TryLater("lease_held", after=LEASE, name=name)
    lease.holder, lease.until = holder, at + LEASE


def this_process() -> str:
    """The name under which this process holds a lease: its machine and its process number."""
    return f"{os.uname().nodename}:{os.getpid()}"


def _is_gone(holder: str) -> bool:
    machine, _, process = holder.rpartition(":")
    if machine != os.uname().nodename:
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def drop_lease(session: Session, name: str) -> None:
    """Give the lease back, when it is ours."""
    lease = session.get(Lease, name)
    if lease is not None and lease.holder == this_process():
        session.delete(lease)


def ring(session: Session, name: str, job_id: str, *, at: datetime, now: datetime) -> None:
    """Enqueue job `name` in the caller's own transaction, to start at `at`; ringing twice with one id is one job."""
    engine = session.get_bind().engine
    here = _heard_here.get(engine)
    if here is not None and at <= now:
        session.info.setdefault(_RUNG, set()).add(here[name])
        return
    client = _bells.get(engine)
    if client is None:
        return
    under_way = session.get_nested_transaction() or session.get_transaction()
    if under_way is not None:  # one bell is enough for all that a transaction writes
        rung = _rung.setdefault(under_way, set())
        if (name, at) in rung:
            return
        rung.add((name, at))
    options: EnqueueOptions = {
        "workflow_name": name,
        "queue_name": name,
        "workflow_id": f"{name}:{job_id}",
        "app_version": VERSION,
    }
    if at > now:  # a delayed job is looked at once a second only
        options["delay_seconds"] = (at - now).total_seconds()
    client.enqueue_in_transaction(session, options)


@event.listens_for(Session, "after_transaction_end")
def _let_ring(session: Session, transaction: SessionTransaction) -> None:
    """The bells of a transaction are heard once it is committed; after one that was undone nothing is found to do."""
    if transaction.parent is None:
        for bell in session.info.pop(_RUNG, ()):
            bell.set()


class Worker:
    """The process as one that does the work: DBOS launched on our own database."""

    def __init__(self, engine: Engine, work: Mapping[str, Callable[[], object]], *, executor: str) -> None:
        if work.keys() != set(NAMES):  # a job that no queue knows would wait for ever
            raise ValueError(f"these kinds of work are missing or unknown: {sorted(work.keys() ^ set(NAMES))}")
        from dbos import DBOS  # slow to import: only who works needs it

        config: DBOSConfig = {
            "name": "comptoir",
            "system_database_url": engine.url.render_as_string(hide_password=False),
            "application_version": VERSION,
            "executor_id": executor,
            "log_level": "WARNING",
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": POLLING,
        }
        self.engine = engine
        self._dbos = DBOS(config=config)
        for name in NAMES:
            _register(name)
        self._stop = threading.Event()
        self._bells = {name: threading.Event() for name in NAMES}
        alone = {name: threading.Lock() for name in NAMES}
        _work.clear()
        _work.update({name: partial(_alone, alone[name], act) for name, act in work.items()})
        self._threads = [threading.Thread(target=self._listen, args=(name,), name=name, daemon=True) for name in NAMES]
        DBOS.launch()
        for name in NAMES:
            DBOS.register_queue(name, global_concurrency=1, worker_concurrency=1, polling_interval_sec=POLLING)
        hang_bell(engine)
        _heard_here[engine] = self._bells
        for thread in self._threads:
            thread.start()

    def _listen(self, name: str) -> None:
        """Do the work of one kind whenever it is rung for in this process."""
        bell = self._bells[name]
        while True:
            bell.wait()
            if self._stop.is_set():
                return
            bell.clear()
            try:
                _work[name]()
            except Exception:
                log.exception("job_failed name=%s", name)  # the sweep rings again for what is left

    def purge(self, *, before: datetime) -> int:
        """Forget the jobs that ended before; a day leaves tens of thousands. Returns how many were forgotten."""
        client = _bells.get(self.engine)
        if client is None:
            return 0
        ended = client.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"], end_time=before.isoformat(), limit=PURGED_AT_ONCE,
            load_input=False, load_output=False,
        )  # fmt: skip
        if ended:
            client.delete_workflows([known.workflow_id for known in ended])
        return len(ended)

    def close(self) -> None:
        """Stop working; jobs that have not begun stay in the queue."""
        from dbos import DBOS

        _heard_here.pop(self.engine, None)
        take_bell_down(self.engine)
        self._stop.set()
        for bell, thread in zip(self._bells.values(), self._threads, strict=True):
            bell.set()
            thread.join(10)
        DBOS.destroy(workflow_completion_timeout_sec=5)


def _alone(lock: threading.Lock, act: Callable[[], object]) -> None:
    """One job of a kind at a time, whoever rang for it."""
    with lock:
        act()


def _register(name: str) -> None:
    """DBOS knows a workflow by its name for the life of the process; what it does is looked up when it runs."""
    if name in _registered:
        return
    from dbos import DBOS

    _registered.add(name)

    @DBOS.workflow(name=name)
    def job() -> None:
        _work[name]()


def hang_bell(engine: Engine) -> None:
    """Let transactions on this engine enqueue jobs; the job tables must exist."""
    from dbos import DBOSClient

    url = engine.url.render_as_string(hide_password=False)
    _bells[engine] = DBOSClient(system_database_url=url, application_name="comptoir")


def take_bell_down(engine: Engine) -> None:
    """Enqueue nothing from now on."""
    client = _bells.pop(engine, None)
    if client is not None:
        client.destroy()
