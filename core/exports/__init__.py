"""What leaves as files: spreadsheets, structured orders, the hand-over files of ERPs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import journal
from core.errors import Refused
from core.exports import cells, delimited, fields, orders, outgoing, sage_100, sap, ubl, workbooks
from core.exports.orders import Handed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.journal import Actor

__all__ = ["LAYOUTS", "TABLES", "Handed", "export", "handover", "known"]

Layout = Callable[[Handed, Mapping[str, Any]], bytes]


def _csv(order: Handed, options: Mapping[str, Any]) -> bytes:  # noqa: ARG001 - one shape for every layout
    return cells.csv(orders.COLUMNS, orders.rows(order))


#: layout -> how it writes one order, and how its files end.
LAYOUTS: dict[str, tuple[Layout, str]] = {
    "csv": (_csv, "csv"),
    "ubl": (ubl.order, "xml"),
    "sap_idoc": (sap.idoc, "xml"),
    "sap_s4": (sap.s4, "json"),
    "sap_b1": (sap.business_one, "json"),
    "ebp_gestion": (delimited.ebp_gestion, "csv"),
    "sage_50": (delimited.sage_50, "txt"),
    "sage_100": (sage_100.order, "txt"),
    "odoo": (delimited.odoo, "csv"),
    "dolibarr": (delimited.dolibarr, "json"),
}

#: Layouts of whole tables: one file for all rows.
TABLES: dict[str, Callable[[Sequence[str], Iterable[Sequence[cells.Cell]]], bytes]] = {
    "csv": cells.csv,
    "xlsx": workbooks.xlsx,
}


def handover(order: Handed, layout: str, given: Mapping[str, str]) -> tuple[str, bytes]:
    """The name and the bytes of one order's file: the same order at the same revision gives the same.

    Refuses a code that the other program could not take, and a number that it would have to round.
    """
    write, ending = LAYOUTS[layout]
    return f"{order.file_stem}.{ending}", write(order, fields.options(layout, given))


def known(layout: str, among: Iterable[str] = (*TABLES, *LAYOUTS)) -> None:
    """Refuse a layout that we do not write."""
    if layout not in among:
        raise Refused("layout_unknown", layout=layout, known=", ".join(dict.fromkeys(among)))


def export(
    session: Session, folder: Path, name: str, content: bytes, *, what: str, layout: str, by: Actor, at: datetime
) -> bool:
    """Put one file of an export there, with a line in the journal; False when the same file is there already.

    Refuses a folder that cannot be written. Nothing is written to the journal for a file that was not.
    """
    try:
        written = outgoing.place(folder, name, content)
    except OSError as error:
        raise Refused("folder_not_written", folder=str(folder), reason=error.strerror or "") from error
    if written:
        digest = hashlib.sha256(content).hexdigest()
        journal.write(
            session, "exported", subject=f"export:{what}", by=by, at=at, file=name, layout=layout, sha256=digest
        )
    return written
