"""`comptoir export …`: what leaves as files, for other programs; one short function a command."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from sqlalchemy.orm import Session

    from core.exports.cells import Cell

app = typer.Typer(no_args_is_help=True, help="Write files for other programs.")

Since = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="The first day.")]
Until = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="The last day, today if not given.")
]
Table = Annotated[str, typer.Option("--layout", help="csv or xlsx.")]
Out = Annotated[Path, typer.Option("--out", file_okay=False, help="The folder to write into.")]


@app.callback()
def exports() -> None:
    """Write files for other programs; the same period twice gives the same bytes."""


@app.command()
def orders(
    since: Since, until: Until = None, layout: Annotated[str, typer.Option(help="csv, xlsx, ubl, an ERP's.")] = "csv",
    out: Out = Path("exports"),
) -> None:  # fmt: skip
    """Write the orders registered in a period: one CSV of all, or a file each in another layout."""
    from bot.cli import database
    from core import exports as made
    from core.db import transaction
    from core.exports import orders as registered

    made.known(layout)
    with database() as (mine, engine), transaction(engine) as session:
        first, last = _days(since, until)
        found = registered.registered(session, since=first, until=last)
        if layout in made.TABLES:
            rows = (row for order in found for row in registered.rows(order))
            files = [(f"orders_{first}_{last}.{layout}", made.TABLES[layout](registered.COLUMNS, rows))]
        else:
            files = [made.handover(order, layout, mine.house.erp) for order in found]
        _write(session, "orders", layout, out, files)


@app.command()
def customers(layout: Table = "csv", out: Out = Path("exports")) -> None:
    """Write every customer's record, as `comptoir import customers` takes it back when it is CSV."""
    from core.exports import parties

    _list("customers", layout, out, parties.CUSTOMER_COLUMNS, parties.customer_rows)


@app.command()
def articles(layout: Table = "csv", out: Out = Path("exports")) -> None:
    """Write every article that is sold, as `comptoir import catalogue` takes it back when it is CSV."""
    from core.exports import parties

    _list("articles", layout, out, parties.ARTICLE_COLUMNS, parties.article_rows)


@app.command()
def invoices(since: Since, until: Until = None, out: Out = Path("exports/invoices")) -> None:
    """Put the invoices of a period where a platform takes them: the stored PDF, and a JSON that says what it is."""
    from bot.cli import database, now
    from core import journal, platforms
    from core.db import transaction
    from core.journal import SYSTEM

    platform: platforms.Platform = platforms.Folder(out)
    with database() as (_, engine), transaction(engine) as session:
        first, last = _days(since, until)
        count = 0
        for count, flow in enumerate(platforms.flows(session, since=first, until=last), start=1):  # noqa: B007
            receipt = platform.submit(flow)
            typer.echo(f"{out / flow.name}{'' if receipt.new else ' (unchanged)'}")
            if receipt.new:
                journal.write(
                    session, "exported", subject="export:invoices", by=SYSTEM, at=now(), file=flow.name,
                    layout=platforms.SYNTAX, sha256=flow.sha256, tracking=receipt.tracking_id,
                )  # fmt: skip
        for number in platforms.unprinted(session, since=first, until=last):
            typer.echo(f"note: {number} is not printed yet; let the desk run, then export again")
    typer.echo(f"invoices: {count} files")


def _list(
    what: str, layout: str, out: Path, columns: tuple[str, ...], rows: Callable[[Session], Iterable[list[Cell]]]
) -> None:  # fmt: skip
    from bot.cli import database
    from core import exports as made
    from core.db import transaction

    made.known(layout, made.TABLES)
    with database() as (_, engine), transaction(engine) as session:
        _write(session, what, layout, out, [(f"{what}.{layout}", made.TABLES[layout](columns, rows(session)))])


def _days(since: datetime, until: datetime | None) -> tuple[date, date]:
    from bot.cli import now
    from core.clock import business_date

    return since.date(), until.date() if until is not None else business_date(now())


def _write(session: Session, what: str, layout: str, out: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Put the files there, and keep in the journal what was given out."""
    from bot.cli import now
    from core import exports as made
    from core.journal import SYSTEM

    count = 0
    for name, content in files:
        written = made.export(session, out, name, content, what=what, layout=layout, by=SYSTEM, at=now())
        typer.echo(f"{out / name}{'' if written else ' (unchanged)'}")
        count += 1
    typer.echo(f"{what}: {count} files")
