"""How fast messages, purchase orders and workbooks are read and matched, each beside a plain tool on the same bytes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

from intake.incoming import Address, Attachment, Channel, Incoming
from intake.matching import Index
from intake.read_files import incoming_of, load_catalogue, load_customers
from intake.requests import codes_of, request_of
from tests.bench.measures import Row, Times, timed
from tests.intake.attachments.conftest import workbook

CASES = Path(__file__).parent.parent / "intake" / "cases"
TRADES = ("hardware", "dairy", "linen", "drinks")
DAY = date(2026, 11, 24)
LINES = 500
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def benches() -> Iterator[Row]:
    """The rows of the table."""
    yield _messages()
    yield _papers()
    yield _sheet()
    yield _start()


def _row(name: str, bar: str, found: Times, plain: Times, reference: str) -> Row:
    ratio = found.median / plain.median
    return Row(name, f"{found.median * 1000:.1f} ms", bar, f"{found.p95 * 1000:.1f} ms", ratio, reference)


def _reader(trade: str) -> Callable[[Incoming], None]:
    """What reads a message of that trade and matches its lines."""
    index = Index(load_catalogue(CASES / trade / "catalogue.csv"))
    codes = codes_of(index.rows)
    customers = load_customers(CASES / trade / "customers.csv")

    def act(incoming: Incoming) -> None:
        for line in request_of(incoming, customers, today=DAY, codes=codes).reading.lines:
            index.match(line)

    return act


def _of(suffix: str) -> Iterator[tuple[Callable[[Incoming], None], Incoming, Path]]:
    """Every case of that kind with what reads it."""
    for trade in TRADES:
        act = _reader(trade)
        for path in sorted((CASES / trade / "messages").glob(f"*{suffix}")):
            yield act, incoming_of(path, at=datetime.combine(DAY, time(8), UTC)), path


def _messages() -> Row:
    from rapidfuzz import fuzz, process

    inputs = [
        (act, incoming)
        for suffix in (".txt", ".eml")
        for act, incoming, _ in _of(suffix)
        if not incoming.attachments and not incoming.forwarded
    ]
    names = [row.name for trade in TRADES for row in load_catalogue(CASES / trade / "catalogue.csv")]

    def plain(one: tuple[Callable[[Incoming], None], Incoming]) -> None:
        for line in one[1].text.splitlines():
            process.extractOne(line, names, scorer=fuzz.token_set_ratio)

    found = timed(lambda one: one[0](one[1]), inputs)
    bar = "p50 <= 50, p95 <= 150 ms"
    return _row(f"a text message (of {len(inputs)})", bar, found, timed(plain, inputs), "token_set_ratio, its lines")


def _papers() -> Row:
    import pdfplumber

    inputs = [(act, incoming) for act, incoming, _ in _of(".pdf") if _pages(incoming) == 1] * 4

    def plain(one: tuple[Callable[[Incoming], None], Incoming]) -> None:
        with pdfplumber.open(io.BytesIO(one[1].attachments[0].content)) as pdf:
            pdf.pages[0].extract_text()

    found = timed(lambda one: one[0](one[1]), inputs)
    return _row("a one-page PDF order", "<= 300 ms", found, timed(plain, inputs), "pdfplumber's text of the page")


def _pages(incoming: Incoming) -> int:
    """How many pages with text a PDF has; none for a scan."""
    import pypdfium2

    pdf = pypdfium2.PdfDocument(incoming.attachments[0].content)
    try:
        return len(pdf) if len(pdf[0].get_textpage().get_text_range()) > 200 else 0
    finally:
        pdf.close()


def _sheet() -> Row:
    from python_calamine import CalamineWorkbook

    rows = load_catalogue(CASES / "hardware" / "catalogue.csv")
    lines = [[row.sku, row.name, number % 20 + 1] for number, row in enumerate((rows * 3)[:LINES])]
    content = workbook({"Commande": [["Code", "Désignation", "Qté"], *lines]})
    incoming = Incoming(
        Channel.FILE, Address(""), datetime.combine(DAY, time(8), UTC), "",
        attachments=(Attachment("commande.xlsx", XLSX, content),),
    )  # fmt: skip
    act = _reader("hardware")

    def plain(_: int) -> None:
        CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()

    found = timed(lambda _: act(incoming), range(12))
    return _row(f"a workbook of {LINES} lines", "<= 1 s", found, timed(plain, range(12)), "calamine's cells")


def _start() -> Row:
    """The program started for one short message, beside Python started for nothing."""
    case = next(json.loads(line) for line in (CASES / "dairy" / "truth.jsonl").open(encoding="utf-8"))
    trade = CASES / "dairy"
    files = ["--catalogue", str(trade / "catalogue.csv"), "--customers", str(trade / "customers.csv")]
    message = str(trade / "messages" / case["source"])
    read = [sys.executable, "-m", "bot.cli", "read", message, *files, "--today", case["today"], "--json"]
    found = timed(lambda _: subprocess.run(read, check=True, capture_output=True), range(5))
    plain = timed(lambda _: subprocess.run([sys.executable, "-c", "pass"], check=True), range(5))
    return _row("start of comptoir read", "<= 1.5 s", found, plain, "python -c pass")
