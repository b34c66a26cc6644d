"""`comptoir check`: one line for each thing a running desk needs; what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.logs import redacted, secrets_of
from core.errors import Comptoir

if TYPE_CHECKING:
    from core.journal import Anchor
    from core.settings import Settings


#: How many changed rows are named at most.
NAMED = 20
#: How long something may wait before somebody is to look.
LATE = timedelta(minutes=15)
#: Bytes that must stay free beside the database.
ENOUGH_SPACE = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing is: `todo` is empty exactly when it is well."""

    name: str
    said: str
    todo: str = ""

    @property
    def well(self) -> bool:
        """Nothing to do."""
        return not self.todo

    def __str__(self) -> str:
        return (
            f"{'ok   ' if self.well else 'WRONG'} {self.name:<10} {self.said}{' -> ' if self.todo else ''}{self.todo}"
        )


def everything(
    settings: Settings, *, at: datetime, anchor: Anchor | None = None, only: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """Look at each thing in turn, or at those that are named; none hides the next.

    `anchor` is a head that the journal once had.
    """
    checks: tuple[tuple[str, Callable[[Settings, datetime], list[Finding]], str], ...] = (
        ("database", _database, "see COMPTOIR_DATABASE_URL in .env, then: comptoir init"),
        ("tables", _tables, "restart on a migrated database"),
        ("queue", _queue, "see what the log says; comptoir run must be running"),
        ("disk", _disk, "free some space"),
        ("anchor", lambda mine, _: _anchored(mine, anchor), "see COMPTOIR_DATABASE_URL in .env"),
        ("handovers", _handovers, "see handover_folder and [house.erp] in comptoir.toml"),
        ("imap", _imap, "see mail.imap_host, mail.user in comptoir.toml and COMPTOIR_MAIL__PASSWORD in .env"),
        ("smtp", _smtp, "see mail.smtp_host, mail.user in comptoir.toml and COMPTOIR_MAIL__PASSWORD in .env"),
        ("telegram", _telegram, "see COMPTOIR_TELEGRAM__TOKEN in .env; @BotFather gives a new one"),
        ("scans", _scans, "apt-get install tesseract-ocr tesseract-ocr-fra"),
        ("letterhead", _letterhead, "see house.logo in comptoir.toml"),
        ("fonts", _fonts, "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"),
    )
    hidden = secrets_of(settings)
    for name, look, todo in checks:
        if only and name not in only:
            continue
        try:
            yield from look(settings, at)
        except Exception as error:  # noqa: BLE001 - whatever breaks is the finding
            said = str(error) if isinstance(error, Comptoir) else f"{type(error).__name__}: {error}"
            first = redacted(said, (s for s in hidden if s)).splitlines()
            yield Finding(name, first[0] if first else type(error).__name__, todo)


def _database(settings: Settings, at: datetime) -> list[Finding]:  # noqa: ARG001 - one shape for every check
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from core import db

    engine = db.engine(settings.database_url)
    try:
        with engine.connect() as connection:
            now = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    head = ScriptDirectory.from_config(db.migration_config(settings.database_url)).get_current_head()
    if now != head:
        return [
            Finding("database", f"at revision {now}, this program wants {head}", "comptoir run brings it up to date")
        ]
    return [Finding("database", f"reachable, at revision {head}")]


def _tables(settings: Settings, at: datetime) -> list[Finding]:  # noqa: ARG001
    from sqlalchemy import func, select

    import core.tables  # noqa: F401 - every table registers itself
    from core import db, invoices, journal, seals
    from core.accounting import ledger
    from core.outbox import OutboxRow, OutboxState
    from core.settings import SENDING_FROZEN, flag

    engine = db.engine(settings.database_url)
    try:
        with db.transaction(engine) as session:
            broken, last = journal.first_broken(session), journal.position(session)
            missing = invoices.missing_numbers(session)
            changed = [*seals.broken(session), *ledger.broken(session)]
            counted = {
                state: session.scalar(select(func.count(OutboxRow.id)).where(OutboxRow.state == state)) or 0
                for state in (OutboxState.FAILED, OutboxState.AMBIGUOUS)
            }
            frozen = flag(session, SENDING_FROZEN)
    finally:
        engine.dispose()
    stuck = ", ".join(f"{count} {state}" for state, count in counted.items())
    return [
        Finding("journal", f"{last} entries, the chain is whole")
        if broken is None
        else Finding(
            "journal", f"entry {broken} does not fit the chain", "keep this database and compare with a backup"
        ),
        Finding("documents", "every issued and every booked row is as it was")
        if not changed
        else Finding(
            "documents",
            f"changed since: {', '.join(changed[:NAMED])}",
            "keep this database and compare with a backup",
        ),
        Finding("numbers", "every number of a legal series is there")
        if not missing
        else Finding(
            "numbers", f"missing: {', '.join(missing[:NAMED])}", "keep this database and compare with a backup"
        ),
        Finding("outbox", stuck, "look at these rows: they did not certainly leave" if any(counted.values()) else ""),
        Finding("sending", "free")
        if frozen is None
        else Finding("sending", f"frozen: {frozen}", "comptoir release-sending"),
    ]


def _queue(settings: Settings, at: datetime) -> list[Finding]:
    from sqlalchemy import func, select

    import core.tables  # noqa: F401 - every table registers itself
    from core import db
    from core.messages import ChatUpdate, Message, MessageState
    from core.outbox import OutboxRow, OutboxState

    late = at - LATE
    waiting = {
        "messages": select(func.count(Message.id)).where(
            Message.state == MessageState.STORED, Message.received_at < late),
        "chat updates": select(func.count(ChatUpdate.update_id)).where(
            ChatUpdate.state == MessageState.STORED, ChatUpdate.received_at < late),
        "sends": select(func.count(OutboxRow.id)).where(
            OutboxRow.state == OutboxState.WAITING, OutboxRow.not_before < late),
    }  # fmt: skip
    engine = db.engine(settings.database_url)
    try:
        with db.transaction(engine) as session:
            counted = {name: session.scalar(query) or 0 for name, query in waiting.items()}
    finally:
        engine.dispose()
    if not any(counted.values()):
        return [Finding("queue", "nothing has waited for more than 15 minutes")]
    said = ", ".join(f"{count} {name}" for name, count in counted.items() if count)
    return [Finding("queue", f"waiting for more than 15 minutes: {said}", "is comptoir run running? see its log")]


def _disk(settings: Settings, at: datetime) -> list[Finding]:  # noqa: ARG001
    import shutil
    from pathlib import Path

    from sqlalchemy import make_url

    url = make_url(settings.database_url)
    beside = Path(url.database).parent if url.get_backend_name() == "sqlite" and url.database else Path.cwd()
    usage = shutil.disk_usage(beside if beside.exists() else Path.cwd())
    said = f"{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.0f} GB"
    return [Finding("disk", said, "" if usage.free > ENOUGH_SPACE else "free some space: documents and mails need it")]


def _anchored(settings: Settings, anchor: Anchor | None) -> list[Finding]:
    from core import db, journal

    if anchor is None:
        return []
    engine = db.engine(settings.database_url)
    try:
        with db.transaction(engine) as session:
            there = journal.contains(session, anchor)
    finally:
        engine.dispose()
    if there:
        return [Finding("anchor", f"the journal contains its head at entry {anchor.position}")]
    said = f"entry {anchor.position} is gone or is another one than the anchor says: the journal was cut or rebuilt"
    return [Finding("anchor", said, "keep this database and compare with a backup")]


def _handovers(settings: Settings, at: datetime) -> list[Finding]:  # noqa: ARG001
    import os
    from pathlib import Path

    import core.tables  # noqa: F401 - every table registers itself
    from core import db, handovers
    from core.exports import fields

    house = settings.house
    if not (house.invoicing == "erp" and house.erp_layout and house.handover_folder):
        return []
    fields.options(house.erp_layout, house.erp)
    folder = Path(house.handover_folder)
    if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
        return [Finding("handovers", f"{folder} cannot be written", "give the desk the right to write there")]
    engine = db.engine(settings.database_url)
    try:
        with db.transaction(engine) as session:
            failing = [f"{row.order.reference}: {row.error}" for row in handovers.failing(session)]
    finally:
        engine.dispose()
    if failing:
        todo = "put right what is said; the files are tried again by themselves"
        return [Finding("handovers", f"{len(failing)} not written, first {failing[0]}", todo)]
    return [Finding("handovers", f"{house.erp_layout} files go to {folder}")]


def _imap(settings: Settings, at: datetime) -> list[Finding]:  # noqa: ARG001
    from intake.imap import ImapFolder, Intervals

    mail = settings.mail
    if not mail.imap_host:
        return [Finding("imap", "no mailbox is named", "set mail.imap_host in comptoir.toml")]
    folder = ImapFolder(mail, Intervals(connect_timeout=10, read_timeout=10))
    try:
        folder.open()
    finally:
        folder.close()
    return [Finding("imap", f"logged in at {mail.imap_host}, folder {mail.folder}")]


def _smtp(settings: Settings, at: datetime) -> list[Finding]:  # noqa: ARG001
    from intake.outgoing import SmtpSender

    mail = settings.mail
    if not mail.smtp_host:
        return [Finding("smtp", "no server is named", "set mail.smtp_host in comptoir.toml")]
    sender = SmtpSender(mail, connect_timeout=10, answer_timeout=10)
    sender._connected().quit()  # noqa: SLF001 - the login, without a mail
    local, _, domain = mail.address.rpartition("@")
    if mail.plus_addressing and not sender.takes(f"{local}+check@{domain}"):
        said = f"{local}+check@{domain} is refused: answers of customers would come back to them"
        return [Finding("smtp", said, "let the server deliver it, or set mail.plus_addressing = false")]
    return [Finding("smtp", f"logged in at {mail.smtp_host}")]


def _telegram(settings: Settings, at: datetime) -> list[Finding]:  # noqa: ARG001
    import httpx

    token = settings.telegram.token.get_secret_value()
    if not token:
        return [Finding("telegram", "no token", "set COMPTOIR_TELEGRAM__TOKEN in .env; @BotFather gives one")]
    answer = httpx.get(f"{settings.telegram.base_url}{token}/getMe", timeout=10)
    body = answer.json()
    if not body.get("ok"):
        said = str(body.get("description", answer.status_code))
        return [Finding("telegram", said, "see COMPTOIR_TELEGRAM__TOKEN in .env; @BotFather gives a new one")]
    return [Finding("telegram", f"@{body['result'].get('username', '')} answers")]


def _scans(settings: Settings, at: datetime) -> list[Finding]:  # noqa: ARG001
    from intake.attachments.scans import language

    todo = "apt-get install tesseract-ocr tesseract-ocr-fra"
    found = language()
    if found is None:
        return [Finding("scans", "tesseract is not installed: scans and photos are left to a person", todo)]
    if found != "fra":
        return [Finding("scans", "tesseract reads no French here", todo)]
    return [Finding("scans", "tesseract reads French")]


def _fonts(settings: Settings, at: datetime) -> list[Finding]:  # noqa: ARG001
    from weasyprint import HTML

    printed = HTML(string="<p>é€«»</p>").write_pdf()
    if not printed or not printed.startswith(b"%PDF"):
        return [Finding("fonts", "no PDF came out", "reinstall WeasyPrint")]
    return [Finding("fonts", f"a page was printed ({len(printed)} bytes)")]


def _letterhead(settings: Settings, at: datetime) -> list[Finding]:  # noqa: ARG001
    from bot.texts import sentence

    try:
        logo = settings.house.letterhead
    except Comptoir as error:
        said = (sentence("commands", error.code, "en") or str(error)).format_map(error.data)
        return [Finding("letterhead", said, "see house.logo in comptoir.toml")]
    if logo is None:
        return [Finding("letterhead", "the firm's name in letters: house.logo names no picture")]
    return [Finding("letterhead", f"logo of {len(logo.content)} bytes ({logo.extension})")]
