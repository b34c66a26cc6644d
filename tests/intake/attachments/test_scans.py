"""Scans and photos: pages that we print, turn, blur and spoil are read, and what is not certain says so."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from intake import attachments
from intake.attachments import Paper, scans
from intake.attachments.pictures import paper_of, scanned_words
from intake.attachments.scans import Word
from intake.incoming import Address, Attachment, Channel, Incoming
from intake.reading import read as read_message
from intake.reading import tables

Printer = Callable[[str], bytes]
needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed here")

STYLE = "<style>@page{size:A5;margin:12mm}body{font:10pt Liberation Sans}table{border-collapse:collapse;width:100%}"
RULED, BARE = "td,th{border:1px solid #333;padding:4px}</style>", "td,th{padding:4px;text-align:left}</style>"
ORDERS = {
    "hardware": [("VIS-440", "Vis à bois 4x40 boîte de 200", 12), ("PER-18", "Perceuse 18 V", 3)],
    "dairy": [("F-001", "Comté AOP 12 mois", 4), ("F-033", "Beurre doux 250 g", 60)],
    "textile": [("TX-90", "Drap housse 90x190 blanc", 40), ("TX-77", "Peignoir M", 8)],
}


def page_of(rows: list[tuple[str, str, int]], css: str) -> str:
    body = "".join(f"<tr><td>{code}</td><td>{name}</td><td>{count}</td></tr>" for code, name, count in rows)
    titles = "<tr><th>Référence</th><th>Désignation</th><th>Quantité</th></tr>"
    return f"{STYLE}{css}<h2>Bon de commande n° 453</h2><table>{titles}{body}</table><p>Merci de livrer vendredi.</p>"


def scanned(pdf: bytes, *, angle: float, blur: float = 0.7, noise: float = 9, dpi: int = 200, seed: int = 5) -> bytes:
    """The page as a scanner sees it: turned, grey, grainy, blurred, in JPEG."""
    import pypdfium2
    from PIL import Image, ImageFilter

    page = pypdfium2.PdfDocument(pdf)[0].render(scale=dpi / 72).to_pil().convert("L")
    dots = np.asarray(page.rotate(angle, Image.Resampling.BICUBIC, fillcolor=250), dtype=np.float32)
    dots = dots * 0.85 + 25 + np.random.default_rng(seed).normal(0, noise, dots.shape)
    grainy = Image.fromarray(np.clip(dots, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(blur))
    with io.BytesIO() as buffer:
        grainy.save(buffer, "JPEG", quality=75)
        return buffer.getvalue()


def read(content: bytes, name: str = "scan.jpg", media_type: str = "image/jpeg") -> Paper:
    paper = attachments.read(Attachment(name, media_type, content))
    assert paper is not None
    return paper


@needs_tesseract
@pytest.mark.parametrize(
    ("trade", "css", "angle"),
    [("hardware", RULED, 2.5), ("dairy", BARE, -3.0), ("textile", RULED, 0.0)],
)
def test_a_scan_gives_its_lines_and_no_wrong_figure_is_sure(
    pdf_of: Printer, trade: str, css: str, angle: float
) -> None:
    paper = read(scanned(pdf_of(page_of(ORDERS[trade], css)), angle=angle))
    lines = tables.lines(paper)
    assert paper.scanned
    assert [(line.codes[:1], line.quantity) for line in lines] == [((code,), n) for code, _, n in ORDERS[trade]]
    assert all(line.certainty < 1 for line in lines)
    assert "453" in paper.text


@needs_tesseract
def test_pages_of_a_pdf_without_words_are_read_as_pictures(pdf_of: Printer) -> None:
    from PIL import Image

    picture = Image.open(io.BytesIO(scanned(pdf_of(page_of(ORDERS["dairy"], RULED)), angle=1.0)))
    with io.BytesIO() as buffer:
        picture.save(buffer, "PDF", resolution=200)
        paper = read(buffer.getvalue(), "scan.pdf", "application/pdf")
    assert paper.scanned
    assert [line.quantity for line in tables.lines(paper)] == [4, 60]
    assert all(line.evidence.page == 1 and line.evidence.box is not None for line in tables.lines(paper))


@needs_tesseract
def test_a_list_without_a_table_is_text_with_its_doubts(pdf_of: Printer) -> None:
    html = f"{STYLE}</style><p>Hôtel du Lac</p><p>12 bouteilles de Chablis</p><p>3 cartons de Riesling</p>"
    paper = read(scanned(pdf_of(html), angle=-1.5, noise=4))
    assert paper.tables == ()
    assert paper.text.splitlines()[-2:] == ["12 bouteilles de Chablis", "3 cartons de Riesling"]
    at = paper.text.index("12 bouteilles")
    assert paper.certainty(at, at + 2) < 1
    assert paper.certainty(at + 3, at + 12) == 1


@needs_tesseract
def test_a_page_on_its_head_is_turned(pdf_of: Printer) -> None:
    from PIL import Image

    words = "<p>Commande de la crèmerie</p>" + "<p>12 bouteilles de lait entier et du beurre doux</p>" * 6
    upright = Image.open(io.BytesIO(scanned(pdf_of(f"{STYLE}</style>{words}"), angle=0)))
    with io.BytesIO() as buffer:
        upright.transpose(Image.Transpose.ROTATE_180).save(buffer, "PNG")
        paper = read(buffer.getvalue(), "photo.png", "image/png")
    assert "bouteilles de lait entier" in paper.text


def test_without_tesseract_a_picture_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pdf_of: Printer) -> None:
    from intake.attachments.children import Children

    picture = scanned(pdf_of("<p>Commande</p>"), angle=0)
    monkeypatch.setenv("PATH", str(tmp_path))
    children = Children()
    try:
        with pytest.raises(attachments.UnreadableError, match="ocr_not_installed"):
            children.read(Attachment("photo.jpg", "image/jpeg", picture))
    finally:
        children.close()


def test_an_empty_picture_says_so() -> None:
    from PIL import Image

    with io.BytesIO() as buffer:
        Image.new("L", (400, 300), 240).save(buffer, "PNG")
        paper = read(buffer.getvalue(), "photo.png", "image/png")
    assert set(paper.findings) <= {"ocr_found_nothing", "ocr_not_installed"}
    assert paper.findings


def word(text: str, x0: float, certainty: str, *, disputed: bool = False) -> Word:
    return Word(text, x0, 0, x0 + 10 * len(text), 20, Decimal(certainty), disputed)


def test_a_figure_is_sure_only_when_readings_agree() -> None:
    agreed = scans._agreed([[word("75", 0, "0.97")], [word("75", 1, "0.95")], [word("75", 0, "0.96")]])
    alone = scans._agreed([[word("75", 0, "0.97")], [], []])
    disputed = scans._agreed([[word("75", 0, "0.97")], [word("15", 0, "0.90")], [word("75", 0, "0.96")]])
    assert [w.certainty for w in agreed] == [Decimal("0.97")]
    assert [w.certainty for w in alone] == [Decimal("0.6")]
    assert [(w.text, w.disputed, w.certainty <= Decimal("0.85")) for w in disputed] == [("75", True, True)]


def test_a_word_that_one_reading_overlooked_is_kept() -> None:
    found = scans._agreed([[word("Riz", 0, "0.9"), word("rond", 40, "0.9")], [word("12", 200, "0.8")]])
    assert [w.text for w in found] == ["Riz", "rond", "12"]
    assert found[2].certainty <= Decimal("0.6")


def test_letters_that_look_like_figures_are_figures_before_a_unit_and_doubtful() -> None:
    words = [word("2", 0, "0.97"), word("BIDONS", 15, "1"), word("SL", 80, "0.9"), word("5", 105, "0.97")]
    paper = paper_of("photo.png", [scanned_words(words, 1.0)])
    assert paper.text == "2 BIDONS 5L 5"
    assert paper.certainty(9, 11) == Decimal("0.8")
    words[2:] = [word("5", 80, "0.97")]
    paper = paper_of("photo.png", [scanned_words(words, 1.0)])
    assert paper.certainty(9, 10) == Decimal("0.8")


def test_a_row_of_a_scan_whose_figure_was_overlooked_is_asked_about() -> None:
    def placed(text: str, x0: float, top: float) -> Word:
        return Word(text, x0, top, x0 + 8 * len(text), top + 12, Decimal(1))

    words = [
        placed("Code", 0, 0), placed("Article", 80, 0), placed("Quantité", 300, 0),
        placed("A-1", 0, 30), placed("Savon", 80, 30), placed("4", 300, 30),
        placed("A-2", 0, 60), placed("Balai", 80, 60),
    ]  # fmt: skip
    lines = tables.lines(paper_of("scan.png", [scanned_words(words, 1.0)]))
    assert [(line.designation, line.quantity) for line in lines] == [("Savon", 4), ("Balai", None)]


@needs_tesseract
def test_the_shared_scan_and_photo_are_read(shared: Path) -> None:
    folder = shared / "samples" / "intake" / "stationery" / "messages"
    scan = read((folder / "scan_bc_0077.pdf").read_bytes(), "scan.pdf", "application/pdf")
    assert [(line.quantity, line.unit) for line in tables.lines(scan)] == [(3, "paquet"), (2, "rouleau"), (1, "carton")]
    photo = read((folder / "photo_liste.png").read_bytes(), "photo.png", "image/png")
    message = Incoming(
        Channel.FILE, Address(""), datetime(2026, 10, 6, 8, tzinfo=UTC), "",
        attachments=(Attachment("photo.png", "image/png", (folder / "photo_liste.png").read_bytes()),),
    )  # fmt: skip
    lines = read_message(message, today=date(2026, 10, 6)).lines
    assert [line.quantity for line in lines] == [4, 1, 2]
    assert all(line.certainty < Decimal("0.9") for line in lines)  # written by hand: a person looks
    assert photo.text.splitlines()[2:5] == ["4 BOITES GANTS NITRILE S", "1 CARTON MOUCHOIRS", "2 VITRES 5L"]
