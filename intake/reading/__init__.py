"""What a message asks for: its kind, its lines with the words they came from, its references and dates.

Deterministic and explainable: each line points at the words or the cell it was read from. What is not recognised as a
line stays in the message, for a person to see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from core.money import Money
from intake import attachments
from intake.attachments import Paper
from intake.attachments.orders import StructuredOrder
from intake.incoming import Incoming
from intake.reading import clauses, dates, kinds, references, tables, texts
from intake.reading.covers import Covered, covered
from intake.reading.offers import of_offer
from intake.reading.values import AskedLine, Evidence, Kind, Reading
from intake.reading.words import phrase, plain, unit_named

__all__ = ["AskedLine", "Evidence", "Kind", "Reading", "read"]

_WITH_LINES = frozenset({Kind.ORDER, Kind.ORDER_CHANGE, Kind.QUOTE_REQUEST})


def read(incoming: Incoming, *, today: date, codes: frozenset[str] = frozenset()) -> Reading:
    """The reading of a message on that day; a machine's message is recognised first and read no further.

    `codes` are the supplier's own codes of articles, plain: a number that is one of them counts nothing.
    """
    machine = kinds.machine(incoming)
    if machine is not None:
        return Reading(machine)
    papers = [paper for attachment in incoming.attachments if (paper := attachments.read(attachment)) is not None]
    structured = next((paper for paper in papers if paper.order is not None), None)
    on_paper = tuple(line for paper in papers for line in tables.lines(paper))
    if structured is not None and structured.order is not None:
        on_paper = _structured_lines(structured.name, structured.order)
    on_paper = on_paper or tuple(line for paper in papers for line in _in_prose(paper, codes))
    asked = _written(incoming, codes, beside_paper=bool(on_paper))
    offered = of_offer(incoming.text) or of_offer(incoming.subject)
    whole = covered(on_paper, asked, incoming.text) if on_paper else Covered(asked.lines, asked.removed)
    written = "\n".join(_text_of(paper) for paper in papers)
    flat = plain(f"{incoming.subject}\n{incoming.text}")
    repeat = not on_paper and not offered and bool(phrase("repeat", "same").search(flat))
    kind = kinds.kind_of(incoming, has_lines=bool(whole.lines or offered), paper_order=bool(on_paper), repeat=repeat)
    if whole.changed and kind is Kind.ORDER_CHANGE:
        kind = Kind.ORDER  # the covering message changes the paper that it brings, no earlier order
    if structured is not None and structured.order is not None:
        kind = Kind(structured.order.kind)
    body = f"{incoming.subject}\n{incoming.text}"
    reading = Reading(
        kind=kind,
        lines=whole.lines if kind in _WITH_LINES else (),
        order_reference=_order_reference(incoming, written, kind),
        order_date=dates.issued(written, today=today),
        requested_delivery_date=dates.wanted(incoming.text, today=today)
        or dates.wanted(incoming.subject, today=today)
        or dates.delivery_label(written, today=today)
        or (dates.wanted(written, today=today) if on_paper and not any(line.in_table for line in on_paper) else None),
        quote_reference=references.quote_reference(f"{body}\n{written}"),
        quote_lines=offered if kind in _WITH_LINES else (),
        repeat_of_last_order=repeat and kind is Kind.ORDER,
        accord=references.consents(written),
        total_net=None if whole.changed else references.total_net(written),
        total_vat=None if whole.changed else references.total_vat(written),
        total_gross=None if whole.changed else references.total_gross(written),
        removed=whole.removed if repeat or on_paper or kind is Kind.ORDER_CHANGE else (),
        charges=tuple(charge for paper in papers for charge in tables.charges(paper)),
        findings=(*incoming.findings, *_findings(papers)),
        papers=written,
        clauses=clauses.clauses(
            [*((paper.name, paper.text or _text_of(paper)) for paper in papers), ("", incoming.text)]
        ),
        delivery_place=next(filter(None, map(clauses.place, (*(p.text for p in papers), incoming.text))), ""),
    )
    if structured is None or structured.order is None:
        return reading
    order = structured.order
    return replace(
        reading,
        order_reference=order.number or None,
        order_date=order.issued_on,
        requested_delivery_date=order.wanted_on,
        quote_reference=order.quote or reading.quote_reference,
        names=order.names,
        numbers=order.numbers,
        total_net=_stated(order.total_net, changed=whole.changed),
        total_vat=_stated(order.total_vat, changed=whole.changed),
        total_gross=_stated(order.total_gross, changed=whole.changed),
    )


def _stated(amount: Decimal | None, *, changed: bool) -> Money | None:
    """A total of the file; none where the covering message changes what it sums."""
    return Money.of(amount) if amount is not None and not changed else None


def _order_reference(incoming: Incoming, papers: str, kind: Kind) -> str | None:
    """The customer's number of his order; what he only quotes from our mail is none of his."""
    quoted = plain(incoming.quoted)
    subject = "" if any(code in quoted for code in _codes_of(incoming.subject)) else incoming.subject
    if kind in {Kind.CANCELLATION, Kind.ORDER_CHANGE} and not papers:
        return references.former_order(incoming.subject, incoming.text)
    return references.order_reference(papers, subject, incoming.text)


def _codes_of(subject: str) -> list[str]:
    return [word for word in plain(subject).split() if any(letter.isdigit() for letter in word)]


def _written(incoming: Incoming, codes: frozenset[str], *, beside_paper: bool) -> texts.Asked:
    """What the text asks for; a table of its own counts as one, the subject where the text asks for nothing."""
    rows = [line.split("\t") for line in incoming.text.split("\n") if "\t" in line.strip()]
    in_rows = tables.rows(rows, "body") if rows else []
    if in_rows and not beside_paper:
        return texts.Asked(tuple(in_rows))
    asked = texts.asked(incoming.text, codes=codes)
    if asked.lines or beside_paper:
        return asked
    subject = texts.asked(incoming.subject, codes=codes)
    return texts.Asked(
        tuple(
            replace(line, evidence=replace(line.evidence, part="subject"))
            for line in subject.lines
            if line.certainty == 1
        ),
        asked.removed,
    )


def _findings(papers: Sequence[Paper]) -> Iterator[str]:
    """What could not be read of the files; several orders that machines wrote are for a person to part."""
    yield from (finding for paper in papers for finding in paper.findings)
    if sum(paper.order is not None for paper in papers) > 1:
        yield "several_orders"


def _in_prose(paper: Paper, codes: frozenset[str]) -> Iterator[AskedLine]:
    """The lines of a paper that holds no table: a letter, a list."""
    if any(not table.boxes and not table.scanned for table in paper.tables):
        return  # cells are no sentences
    for line in texts.asked(paper.text, codes=codes).lines:
        sure = min(line.certainty, paper.certainty(line.evidence.start, line.evidence.end))
        yield replace(line, certainty=sure, evidence=replace(line.evidence, part=paper.name))


def _text_of(paper: Paper) -> str:
    """A paper's text, and what stands in each of its cells: a label and its value may share one."""
    cells = (" ".join(cell.split()) for table in paper.tables for row in table.rows for cell in row if "\n" in cell)
    rows = ("  ".join(cell for cell in row if cell) for table in paper.tables for row in table.rows)
    return "\n".join([*cells, *rows, paper.text])


def _structured_lines(part: str, order: StructuredOrder) -> tuple[AskedLine, ...]:
    return tuple(
        AskedLine(
            text=line.name or line.our_reference or line.gtin or line.own_reference,
            designation=line.name,
            quantity=line.quantity,
            unit=unit_named(line.unit),
            reference=line.own_reference or line.our_reference or line.gtin,
            unit_price=line.unit_price,
            codes=tuple(code for code in (line.our_reference, line.gtin, line.own_reference) if code),
            in_table=True,
            certainty=Decimal(1),
            evidence=Evidence(part, row=number),
        )
        for number, line in enumerate(order.lines, start=1)
        if line.quantity is None or line.quantity > 0
    )
