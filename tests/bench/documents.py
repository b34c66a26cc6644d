"""How dear a paper is: an invoice of 20 lines as a page and as Factur-X, in one warm process, beside plain WeasyPrint.

Processor time, not the clock: other work on the machine then matters less.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from statistics import median

import psutil
from weasyprint import HTML

from bot import gallery
from core import pages
from core.documents import Document, DocumentKind
from core.presses import Press, settle
from tests.bench.measures import Row

LINES = 20
WARM, MEASURED = 5, 30
PAGE_BAR, FACTURX_BAR, PARALLEL_BAR, GROWTH_BAR = 100, 115, 1.8, 5
EACH = 60  #: papers a process prints when two stand beside one
FEW, MANY = 200, 2000


def invoice(number: int) -> Document:
    """An invoice of 20 lines with a number of its own."""
    return gallery.invoice(f"FA-2026-{number:05d}", LINES)


def _processor(act: Callable[[int], object]) -> list[float]:
    """Milliseconds of processor time per call, after some that are not counted."""
    spent = []
    for number in range(WARM + MEASURED):
        begun = time.process_time()
        act(number)
        spent.append((time.process_time() - begun) * 1000)
    return spent[WARM:]


def _plain(document: Document, press: Press) -> bytes:
    """The same page as anybody would print it: everything read anew each time."""
    style = (pages.FOLDER / "style.css").read_text("utf-8")
    html = pages.render_html(document).replace("</head>", f"<style>{style}</style></head>", 1)
    made: bytes = HTML(string=html, url_fetcher=press.assets).write_pdf()
    return made


def _print(line: Connection, count: int) -> None:
    """A process of its own: warm itself, say so, wait for the word, print, say how long it took."""
    press = Press()
    settle()
    for number in range(WARM):
        press.pdf(invoice(number))
    line.send("ready")
    line.recv()
    begun = time.perf_counter()
    for number in range(count):
        press.pdf(invoice(number))
    line.send(time.perf_counter() - begun)


def _together(processes: int) -> float:
    """Papers a second by so many processes at once."""
    context = multiprocessing.get_context("spawn")
    lines, children = [], []
    for _ in range(processes):
        here, there = context.Pipe()
        children.append(context.Process(target=_print, args=(there, EACH)))
        lines.append(here)
    for child in children:
        child.start()
    for line in lines:
        assert line.recv() == "ready"
    for line in lines:
        line.send("go")
    slowest: float = max(line.recv() for line in lines)
    for child in children:
        child.join()
    return processes * EACH / slowest


def _grow(line: Connection) -> None:
    press, process = Press(), psutil.Process()
    settle()
    for number in range(MANY + 1):
        press.pdf(invoice(number))
        if number in {FEW, MANY}:
            line.send(process.memory_info().rss)


def _growth() -> tuple[int, int]:
    """The memory of a process after few and after many papers."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_grow, args=(there,))
    child.start()
    few, many = here.recv(), here.recv()
    child.join()
    return few, many


def benches() -> Iterator[Row]:
    """The rows of this bench."""
    press = Press()
    settle()  # as the desk's own printer does
    page = _processor(lambda n: press.pdf(dataclasses.replace(invoice(n), kind=DocumentKind.ORDER_CONFIRMATION)))
    whole = _processor(lambda n: press.pdf(invoice(n)))
    plain = _processor(lambda n: _plain(invoice(n), press))
    reference = f"plain WeasyPrint, {median(plain):.0f} ms"
    for name, spent, bar in (("page", page, PAGE_BAR), ("Factur-X", whole, FACTURX_BAR)):
        yield Row(
            f"invoice of {LINES} lines, {name}", f"{median(spent):.0f} ms CPU", f"<= {bar} ms",
            f"{sorted(spent)[-2]:.0f} ms", median(spent) / median(plain), reference,
        )  # fmt: skip
    one, two = _together(1), _together(2)
    yield Row(
        "two processes", f"{two:.1f} papers/s", f">= {PARALLEL_BAR}", "", two / one, f"one process, {one:.1f} papers/s"
    )
    few, many = _growth()
    yield Row(
        f"memory after {MANY} papers", f"{many >> 20} MB", f"+{GROWTH_BAR} % at most", "", many / few,
        f"after {FEW}, {few >> 20} MB",
    )  # fmt: skip
