"""The files that accountants' programs take in, by name; each is a pure function of entries.

Fixed layouts are written as their field sheets say; delimited ones are presets whose columns the program maps. None of
the programs' own imports was run: try a file in a test folder of the program first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.accounting.entries import Entry
from core.accounting.layouts import delimited, ebp, fec, journal, sage100, sage_delimited, ximport
from core.accounting.layouts.fields import File, Handover

Writer = Callable[[Sequence[Entry], Handover], list[File]]


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of file; `experimental` where nobody is known to have loaded such a file."""

    write: Writer
    about: str
    experimental: bool = False


LAYOUTS: dict[str, Layout] = {
    "fec": Layout(fec.write, "18 columns for any accountant, who alone makes the year's legal FEC"),
    "ximport": Layout(ximport.write, "XIMPORT.TXT: Ciel Compta, Sage 50"),
    "ebp": Layout(ebp.write, "ECRITURES.TXT and COMPTES.TXT: EBP Compta"),
    "sage100": Layout(sage100.write, "Sage 100 Comptabilite, flat #MECG"),
    "sage100-delimited": Layout(sage_delimited.write, "Sage 100 Comptabilite, tab separated", experimental=True),
    "csv": Layout(delimited.write, "a table to read in a spreadsheet"),
    "journal": Layout(journal.write, "the sales journal, one row an entry"),
}
