"""What a message asks for: its kind, its lines with the words they came from, its references and dates.

Deterministic and explainable: each line points at the words or the cell it was read from. Simple for now: prose, lists
and tables; what is not recognised as a line stays in the message, for a person to see.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from core.money import Money
from intake import attachments
from intake.incoming import Incoming
from intake.reading import dates, kinds, tables, texts
from intake.reading.values import AskedLine, Evidence, Kind, Reading
from intake.reading.words import phrase, plain, words

__all__ = ["AskedLine", "Evidence", "Kind", "Reading", "read"]

_QUOTE = re.compile(r"\bDV-\d{4}-\d{3,}\b", re.IGNORECASE)
_CODE = r"[^\w\n]{0,6}(?P<code>(?=[\w./-]*\d)[\w./-]{3,25})"


def read(incoming: Incoming, *, today: date) -> Reading:
    """The reading of a message on that day; a machine's message is recognised first and read no further."""
    machine = kinds.machine(incoming)
    if machine is not None:
        return Reading(machine)
    papers = [paper for attachment in incoming.attachments if (paper := attachments.read(attachment)) is not None]
    written = "\n".join([incoming.subject, incoming.text, *(paper.text for paper in papers)])
    in_tables = tuple(line for paper in papers for line in tables.lines(paper))
    in_text = () if in_tables else texts.lines(incoming.text)
    lines = in_tables or in_text
    flat = plain(f"{incoming.subject}\n{incoming.text}")
    repeat = not lines and bool(phrase("repeat", "same").search(flat))
    quote = _QUOTE.search(written)
    kind = kinds.kind_of(incoming, has_lines=bool(lines), paper_order=bool(in_tables), repeat=repeat)
    return Reading(
        kind=kind,
        lines=lines,
        order_reference=_order_reference("\n".join(paper.text for paper in papers), incoming),
        order_date=dates.issued("\n".join(paper.text for paper in papers), today=today),
        requested_delivery_date=dates.wanted(f"{incoming.subject}\n{incoming.text}", today=today)
        or dates.delivery_label("\n".join(paper.labelled for paper in papers), today=today),
        quote_reference=quote[0].upper() if quote else None,
        repeat_of_last_order=repeat and kind is Kind.ORDER,
        accord=any(
            consent in plain(paper.text) for paper in papers for consent in words("documents")["words"]["consent"]
        ),
        total_net=_total("\n".join(paper.text for paper in papers)),
    )


def _order_reference(papers: str, incoming: Incoming) -> str | None:
    """The purchase order's own number: behind a strong label in the paper, then in the subject and the text."""
    labels = "|".join(words("documents")["labels"]["order_strong"])
    between = "|".join(words("documents")["labels"]["no"])
    pattern = re.compile(rf"\b(?:{labels})\b(?:\s*(?:{between}))?{_CODE}")
    for text in (papers, incoming.subject, incoming.text):
        flat = plain(text)
        for found in pattern.finditer(flat):
            code = text[found.start("code") : found.end("code")].strip(".")
            if not re.fullmatch(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}", code):
                return code
    return None


def _total(papers: str) -> Money | None:
    """The total without VAT that the paper states."""
    labels = "|".join(words("documents")["labels"]["total"])
    found = re.search(rf"(?:{labels})\s*:?\s*([\d\s]+[.,]\d{{2}})\b", plain(papers))
    if found is None:
        return None
    return Money.of(Decimal(re.sub(r"\s", "", found[1]).replace(",", ".")))
