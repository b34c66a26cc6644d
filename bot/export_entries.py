"""`comptoir export entries`: bring the ledger up to date and write a period of it for the accountant's program."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from core.accounting.layouts.fields import File
    from core.money import Money
    from core.settings import Settings

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]


#: What `--layout` takes; the layouts themselves are imported when one is asked for.
LAYOUTS = (
    "fec: 18 columns, for any accountant; ximport: Ciel Compta, Sage 50; ebp: EBP Compta; sage100: Sage 100, flat; "
    "sage100-delimited: Sage 100, by columns (experimental); csv: a table to read; journal: the sales journal."
)


def period(first: datetime | None, until: datetime | None, *, today: date) -> tuple[date, date]:
    """The days asked for: by default the month before this one, or from the first of the month of `until`."""
    last = until.date() if until is not None else today.replace(day=1) - timedelta(days=1)
    return (first.date() if first is not None else last.replace(day=1)), last


def made(
    engine: Engine, mine: Settings, layout: str, days: tuple[date, date], *, encoding: str = "", close: bool = False,
    at: datetime,
) -> list[File]:  # fmt: skip
    """The files of that layout for these days; what was not booked yet is booked, all in one transaction."""
    from core.accounting import booking, periods
    from core.accounting.layouts import LAYOUTS
    from core.accounting.layouts.fields import Handover
    from core.db import transaction
    from core.errors import Refused
    from core.journal import SYSTEM

    if layout not in LAYOUTS:
        raise Refused("entry_layout_unknown", layout=layout, known=", ".join(LAYOUTS))
    _ensure_known(encoding)
    first, until = days
    if first > until:
        raise Refused("period_backwards", first=first, until=until)
    with transaction(engine) as session:
        booking.book(session, mine.accounting, at=at)
        if close:
            booking.close(session, until, chart=mine.accounting, by=SYSTEM, at=at)
        entries = periods.of_period(session, first, until)
        handover = Handover(
            mine.house.siren, until, mine.accounting, customers=periods.customers(session, entries), encoding=encoding
        )
        return LAYOUTS[layout].write(entries, handover)


def _ensure_known(encoding: str) -> None:
    import codecs

    from core.errors import Refused

    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError as error:
        raise Refused("encoding_unknown", encoding=encoding) from error


First = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]
Out = Annotated[Path, typer.Option("--out", file_okay=False)]


def entries(
    layout: Annotated[str, typer.Option(help=LAYOUTS)] = "fec",
    first: First = None,
    until: Day = None,
    out: Out = Path("exports"),
    encoding: Annotated[str, typer.Option(help="fec, ebp, sage100: utf-8, iso-8859-15, cp1252, cp850.")] = "",
    close: Annotated[bool, typer.Option("--close", help="Take no more entries for these days, ever.")] = False,
) -> None:
    """Write accounting entries of a period (by default last month); written again, the file is the same.

    These are entries for the accountant, who alone makes the year's legal FEC.
    """
    _write(layout, first, until, out, encoding=encoding, close=close)


def journal(first: First = None, until: Day = None, out: Out = Path("exports")) -> None:
    """Write the sales journal of a period (by default last month): one row an entry, with totals."""
    _write("journal", first, until, out)


def _write(
    layout: str, first: datetime | None, until: datetime | None, out: Path, *, encoding: str = "", close: bool = False
) -> None:
    from bot.cli import database, now
    from core.clock import business_date

    at = now()
    with database(migrate=True) as (mine, engine):
        days = period(first, until, today=business_date(at))
        files = made(engine, mine, layout, days, encoding=encoding, close=close, at=at)
    out.mkdir(parents=True, exist_ok=True)
    for file in files:
        (out / file.name).write_bytes(file.content)
        typer.echo(str(out / file.name))


def keep_late(
    payment: Annotated[str, typer.Argument(metavar="REG-NUMBER")],
    invoice: Annotated[str, typer.Argument(metavar="INVOICE")],
    interest: Annotated[str, typer.Option(metavar="EUROS", help="Late interest, such as 12.40.")] = "0",
    fee: Annotated[str, typer.Option(metavar="EUROS", help="The recovery fee: 40 an invoice, once.")] = "0",
) -> None:
    """Keep late interest and the recovery fee of what a payment brought beyond what was due (763, 758, no VAT)."""
    from bot.cli import database, now
    from core import late_charges, payments
    from core.db import transaction
    from core.journal import SYSTEM

    with database(migrate=True) as (mine, engine), transaction(engine) as session:
        paid = late_charges.payment_by_reference(session, payment)
        paper = payments.document_by_number(session, paid.customer, invoice)
        late_charges.keep(
            session, paid, paper, interest=_euros(interest), recovery=_euros(fee), house=mine.house, by=SYSTEM, at=now()
        )
    typer.echo(f"{payment}: kept on {invoice}")


def _euros(text: str) -> Money:
    from decimal import Decimal, InvalidOperation

    from core.money import Money

    try:
        return Money(Decimal(text.replace(",", ".")))
    except (InvalidOperation, ValueError) as error:
        raise typer.BadParameter(f"{text} is no amount in euros") from error
