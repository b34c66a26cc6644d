"""The gallery: every paper in its main variants, with a sample firm, to be looked at before it is sent to anybody."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pypdfium2

from bot.gallery.goods import deliveries, sales
from bot.gallery.letters import accounts, reminders_and_notices
from bot.gallery.money import credit_notes, invoices, taxed
from bot.gallery.samples import invoice
from core import rendering
from core.documents import Document

__all__ = ["documents", "gallery", "invoice", "pictures"]


def documents() -> dict[str, Document]:
    """The papers of the gallery by file name: each kind, and the variants in which papers usually break."""
    return sales() | deliveries() | invoices() | credit_notes() | reminders_and_notices() | accounts() | taxed()


def gallery(folder: Path) -> list[Path]:
    """Write every paper of the gallery as PDF, and each of its pages as PNG; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, document in documents().items():
        paper = folder / f"{name}.pdf"
        paper.write_bytes(rendering.pdf_in_process(document))
        written += [paper, *pictures(paper)]
    return written


def pictures(paper: Path, *, dots: int = 100) -> list[Path]:
    """Each page of a PDF as a PNG beside it, at so many dots an inch; the files written."""
    made = []
    with closing(pypdfium2.PdfDocument(paper)) as pdf:
        for number, page in enumerate(pdf, start=1):
            picture = paper.with_name(f"{paper.stem}-{number}.png")
            page.render(scale=dots / 72).to_pil().save(picture)
            made.append(picture)
    return made
