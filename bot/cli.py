"""The command line: one short function a command; what they do lives elsewhere and is imported when it is asked for."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot import export_entries, exporting
from core.errors import Comptoir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from core.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The order desk.")
person_app = typer.Typer(no_args_is_help=True, help="What is kept about a person.")
app.add_typer(person_app, name="person")
app.add_typer(exporting.app, name="export")
exporting.app.command("entries")(export_entries.entries)
exporting.app.command("journal")(export_entries.journal)
app.command("keep-late")(export_entries.keep_late)

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]
Out = Annotated[Path, typer.Option("--out", file_okay=False)]


def main() -> None:
    """Run a command; a refusal is one sentence on stderr and exit code 2, never a traceback."""
    try:
        app()
    except Comptoir as error:
        from bot.texts import sentence

        said = sentence("commands", error.code, "en")
        typer.echo(said.format_map(_Given(error.data)) if said else str(error), err=True)
        sys.exit(2)


class _Given(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def settings() -> Settings:
    """The settings of the folder in which the command was typed."""
    from core.settings import load

    return load(Path.cwd())


@contextmanager
def database(*, migrate: bool = False) -> Iterator[tuple[Settings, Engine]]:
    """The settings and an engine on their database."""
    from core import db

    mine = settings()
    if migrate:
        db.migrate(mine.database_url)
    engine = db.engine(mine.database_url)
    try:
        yield mine, engine
    finally:
        engine.dispose()


def now() -> datetime:
    """The machine's time: the command line is where work starts."""
    from core.clock import wall_clock

    return wall_clock()


@app.command()
def init(
    answers: Annotated[Path | None, typer.Option(exists=True, help="Answers as TOML, instead of asking.")] = None,
) -> None:
    """Ask what is needed, write comptoir.toml and .env, make the database."""
    from bot import setup

    setup.run(Path.cwd(), answers)


@app.command("import")
def import_(
    kind: str, file: File, as_of: Day = None,
    version: Annotated[str, typer.Option(help="terms: the version that the PDF names.")] = "",
    clauses: Annotated[Path | None, typer.Option(exists=True, help="terms: its main clauses, as TOML.")] = None,
) -> None:  # fmt: skip
    """Take in the firm's own data from CSV, terms of sale from a PDF, a bank statement: all of it or nothing.

    `[imports.KIND]` in `comptoir.toml` names the columns of files that another program writes.
    """
    if kind == "terms":
        _import_terms(file, as_of, version, clauses)
        return
    if kind == "statement":
        _import_statement(file)
        return
    from core.db import transaction
    from core.imports import ImportRefused, import_file
    from core.journal import SYSTEM

    with database(migrate=True) as (mine, engine):
        columns = mine.imports.get(kind, {})
        try:
            with transaction(engine) as session:
                day = as_of.date() if as_of else None
                content = file.read_bytes()
                report = import_file(
                    session, kind, content, as_of=day, by=SYSTEM, at=now(), columns=columns, house=mine.house
                )
        except ImportRefused as error:
            typer.echo(f"{file.name} was not imported:\n{error}", err=True)
            raise typer.Exit(2) from error
    for note in report.notes:
        typer.echo(f"note: {note}")
    counts = f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, {report.closed} closed"
    typer.echo(f"{kind}: {counts}")
    if report.superseded:
        typer.echo(f"{report.superseded} deliveries stand in this list now and count no more beside it")


def _import_statement(file: Path) -> None:
    from core.bank import EntryState, statements
    from core.db import transaction
    from core.journal import SYSTEM

    with database(migrate=True) as (mine, engine), transaction(engine) as session:
        report = statements.load(session, file.read_bytes(), house=mine.house, by=SYSTEM, at=now())
        counts = {state: report.count(state) for state in EntryState}
    for day in report.gaps:
        typer.echo(f"note: the balance of {day} is not that at which the last statement ended: is one missing?")
    typer.echo(
        f"statement ({report.layout}): {counts[EntryState.BOOKED]} booked, {counts[EntryState.ASKED]} asked, "
        f"{counts[EntryState.LEFT]} left, {report.known} known"
    )


def _import_terms(file: Path, as_of: datetime | None, version: str, clauses: Path | None) -> None:
    from core.db import transaction
    from core.errors import Refused
    from core.imports import sale_terms
    from core.journal import SYSTEM

    if as_of is None:
        raise Refused("terms_version_missing")
    beside = clauses or file.with_suffix(".toml")
    words = beside.read_bytes() if beside.exists() else None
    with database(migrate=True) as (_, engine), transaction(engine) as session:
        taken = sale_terms.load(
            session, file.read_bytes(), words, version=version, file_name=file.name, in_force_on=as_of.date(),
            by=SYSTEM, at=now(),
        )  # fmt: skip
    typer.echo(f"terms {version}: {taken.done}")
    if taken.missing:
        typer.echo(f"note: no clause on {', '.join(taken.missing)}: name them in {beside.name}")


@app.command()
def link(who: Annotated[str, typer.Argument(metavar="CUSTOMER[/CONTACT]|STAFF")]) -> None:
    """Print a one-time code, good for 15 minutes, that links a chat to a customer or a colleague."""
    from bot.admin import make_code

    with database(migrate=True) as (mine, engine):
        for line in make_code(engine, mine, who, at=now()):
            typer.echo(line)


@app.command()
def backup(file: Path) -> None:
    """Write the whole database, encrypted, into a new file; the desk may run meanwhile."""
    from core import backups
    from core.db import transaction

    with database() as (_, engine):
        at = now()
        rows = backups.write(engine, file, _passphrase(confirm=True), at=at)
        with transaction(engine) as session:
            backups.note_made(session, at=at)
    typer.echo(f"{rows} rows written to {file}")


@app.command()
def restore(file: File) -> None:
    """Put a backup into an empty database; nothing is sent until `comptoir release-sending`."""
    from core import backups
    from core.journal import SYSTEM

    with database(migrate=True) as (_, engine):
        rows = backups.restore(engine, file, _passphrase(), by=SYSTEM, at=now())
    typer.echo(f"{rows} rows restored. Sending is frozen until you type: comptoir release-sending")


def _passphrase(*, confirm: bool = False) -> str:
    import os

    given = os.environ.get("COMPTOIR_BACKUP_PASSPHRASE")
    return given or str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm))


@app.command()
def release_sending() -> None:
    """Let messages leave again after a restore."""
    from core import backups
    from core.db import transaction
    from core.journal import SYSTEM

    with database() as (_, engine), transaction(engine) as session:
        backups.release_sending(session, by=SYSTEM, at=now())
    typer.echo("Sending is released.")


@app.command()
def purge(today: Day = None) -> None:
    """Delete what has been kept as long as it may be."""
    from core import retention
    from core.clock import business_date
    from core.db import transaction

    with database() as (_, engine), transaction(engine) as session:
        at = now()
        done = retention.purge(session, today=today.date() if today else business_date(at), at=at)
    for what, count in done.items():
        typer.echo(f"{what}: {count}")


@person_app.command()
def export(who: str, out: Annotated[Path, typer.Option(dir_okay=False)] = Path("person.zip")) -> None:
    """Write a zip with everything that is kept about a person."""
    from core import privacy
    from core.db import transaction

    with database() as (_, engine), transaction(engine) as session:
        content = privacy.export(session, who, at=now())
    with out.open("xb") as file:
        file.write(content)
    out.chmod(0o600)
    typer.echo(f"Written to {out}")


@person_app.command()
def erase(who: str, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Erase what is kept about a person, and say what stays and why."""
    from core import privacy
    from core.db import transaction

    if not yes:
        typer.confirm(f"Erase everything about {who} that need not be kept?", abort=True)
    with database() as (_, engine), transaction(engine) as session:
        report = privacy.erase(session, who, at=now())
    typer.echo(json.dumps(report, ensure_ascii=False, indent=1))


@app.command()
def run() -> None:
    """Work until told to stop: mail, chat, jobs, reminders."""
    from bot import logs, service

    mine = settings()
    logs.set_up(secrets=logs.secrets_of(mine))
    service.run(mine)


@app.command()
def read(
    files: Annotated[list[Path], typer.Argument(exists=True)],
    catalogue: Annotated[Path, typer.Option(exists=True)],
    customers: Annotated[Path, typer.Option(exists=True)],
    today: Day = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say what is understood of messages, without a database."""
    from core.clock import business_date
    from intake.read_files import read_files

    day = today.date() if today else business_date(now())
    for answer in read_files(files, catalogue=catalogue, customers=customers, today=day):
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=None if as_json else 1))


@app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(exists=True, help="A folder of messages, a maildir or an mbox file.")],
    catalogue: Annotated[Path | None, typer.Option(exists=True)] = None,
    customers: Annotated[Path | None, typer.Option(exists=True)] = None,
    today: Day = None,
    customer: Annotated[str, typer.Option(help="Only the messages of this customer.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Read messages again in shadow mode and tell how often that would have been right, without writing anything."""
    from core.clock import business_date
    from intake import evaluate as shadow
    from intake.evaluate_sources import messages

    replayed = messages(folder, today=today.date() if today else business_date(now()))
    if catalogue is not None and customers is not None:
        results = list(shadow.evaluate(replayed, shadow.of_files(catalogue, customers)))
    elif catalogue is not None or customers is not None:
        raise typer.BadParameter("--catalogue and --customers go together")
    else:
        with database() as (mine, engine):
            results = list(shadow.evaluate(replayed, shadow.of_database(engine, mine)))
    whole, each = shadow.report(results), shadow.by_customer(results)
    if customer:
        whole, each = each.get(customer, shadow.report([])), {}
    if as_json:
        parted = {"customers": {code: found.as_json() for code, found in each.items()}} if each else {}
        typer.echo(json.dumps({**whole.as_json(), **parted}))
        return
    for line in shadow.told(whole):
        typer.echo(line)


@app.command()
def replay(message: int) -> None:
    """Treat a stored message again."""
    from bot.admin import replay_message

    with database() as (mine, engine):
        typer.echo(replay_message(engine, mine, message, at=now()))


@app.command()
def check(
    anchor: Annotated[str, typer.Option(help="POSITION:HASH of the journal, as accounting was told it")] = "",
) -> None:
    """Say, one line each, whether everything that a running desk needs is well, and what to do when not."""
    from bot import checkup
    from core import journal

    try:
        kept = journal.read_anchor(anchor) if anchor else None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    findings = list(checkup.everything(settings(), at=now(), anchor=kept))
    for finding in findings:
        typer.echo(str(finding))
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)


@app.command()
def demo(
    out: Out = Path("demo-out"),
    serve: Annotated[bool, typer.Option("--serve", help="Open a page to play it yourself; nothing is kept.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of that page, on this machine only.")] = 8765,
) -> None:
    """Play the whole circuit with a sample supplier on real mail and chat servers of our own."""
    if serve:
        from bot.playground import serve as playground

        return playground.main(port)
    from bot.demo import stories

    raise typer.Exit(stories.main(out))


@app.command()
def gallery(out: Out = Path("gallery-out")) -> None:
    """Print every paper of the gallery, to look at."""
    from bot import gallery as papers

    for written in papers.gallery(out):
        typer.echo(str(written))


if __name__ == "__main__":
    main()
