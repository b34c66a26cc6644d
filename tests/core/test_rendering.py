"""Papers as pages and bytes: what they say, that they are the same each time, and that hostile text stays text."""

from __future__ import annotations

import dataclasses
import http.server
import io
import os
import re
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import time_machine
from markupsafe import escape
from PIL import Image
from pypdf import PdfReader
from weasyprint import HTML

from bot import gallery
from bot.gallery import samples
from core import facturx, formats, pages, rendering
from core.documents import INVOICES, Document, DocumentKind, canonical, parse
from core.errors import Refused, TryLater
from core.presses import Press
from core.vat import VatRate

PAPERS = gallery.documents()
ONE_OF_EACH = {paper.kind: paper for paper in reversed(PAPERS.values())}
HOSTILE = '"><img src=file:///etc/passwd>'
#: Codes that the program itself sets, never a person's text.
CODES = {"kind", "language", "business_process", "payment_means"}


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


@pytest.fixture(scope="module")
def printer() -> Iterator[rendering.Printer]:
    made = rendering.Printer()
    yield made
    made.close()


def with_text(value: Any, text: str) -> Any:
    """The document with every string field, at any depth, replaced; a VAT rate is chosen from a list, never typed."""
    if isinstance(value, VatRate):
        return value
    if isinstance(value, tuple):
        return tuple(with_text(item, text) for item in value)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return text if type(value) is str else value
    changes = {
        field.name: with_text(getattr(value, field.name), text)
        for field in dataclasses.fields(value)
        if field.init and field.name not in CODES
    }
    return dataclasses.replace(value, **changes)


def words(pdf: bytes) -> str:
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return re.sub(r"\s+", " ", text.replace("\u202f", " ").replace("\u00a0", " "))


@cache
def said(press: Press, name: str) -> str:
    """The words of a paper of the gallery, printed once for all tests that only read them."""
    return words(press.pdf(PAPERS[name]))


# What the papers say


def test_a_french_invoice_says_all_that_the_law_asks(press: Press) -> None:
    text = said(press, "invoice-rates")
    for mention in (
        "Facture", "FA-2026-00102", "24 novembre 2026", "Maison Delorme", "SAS au capital de 120 000 €",
        "RCS Lyon 552 100 554", "TVA FR65 552 100 554", "Épicerie Chez Léa", "SIREN 732 829 320",
        "12 rue des Entrepôts",
        "BC 4471 du 18/11/2026", "CMD-2026-00231", "BL-2026-00187 du 23/11/2026", "31 décembre 2026",
        "30 jours fin de mois", "Livraison de biens", "1 382,40 €", "0,4125 €", "11,236 €", "1 955,68 €", "141,47 €",
        "2 097,15 €", "190,80 € 38,16 €", "138,60 € 13,86 €", "1 626,28 € 89,45 €", "FR76 3000 6000 0112 3456 7890 189",
        "12,00 %", "40,00 €", "escompte pour paiement anticipé", "Réserve de propriété", "version 2026-09", "Page 1/1",
    ):  # fmt: skip
        assert mention in text


def test_an_english_invoice_speaks_english_and_names_its_exemption(press: Press) -> None:
    text = said(press, "invoice-english")
    for mention in ("Invoice", "Amount due", "€1,817.08", "31 December 2026", "VAT exempt intra-Community", "Ireland"):
        assert mention in text
    for french in ("Facturé", "Échéance", "Net à payer", "Règlement"):
        assert french not in text


def test_a_final_invoice_deducts_its_deposit_by_name(press: Press) -> None:
    text = said(press, "invoice-final")
    assert "Acompte AC-2026-00021 du 19/11/2026 -629,14 €" in text
    assert "Net à payer 1 468,01 €" in text


def test_a_credit_note_names_its_original_and_asks_for_no_payment(press: Press) -> None:
    text = said(press, "credit-note")
    assert "FA-2026-00102 du 24/11/2026" in text
    assert "Deux cartons abîmés" in text
    for absent in ("IBAN", "À régler", "Pénalités", "Échéance"):
        assert absent not in text


@pytest.mark.parametrize(
    "kind", [DocumentKind.DELIVERY_NOTE, DocumentKind.PREPARATION_SLIP], ids=lambda kind: kind.value
)
def test_papers_of_the_warehouse_show_no_price(kind: DocumentKind) -> None:
    html = pages.render_html(dataclasses.replace(PAPERS["invoice-rates"], kind=kind))
    assert "€" not in re.sub(r'<div class="legal">.*?</div>', "", html)
    assert "38,40" not in html


def test_a_delivery_note_tells_what_remains_and_says_it_follows(press: Press) -> None:
    text = said(press, "delivery-note-backorder")
    assert "36 12 24" in text
    assert "48 0 0 48" in text
    assert "reliquat" in text
    whole = said(press, "delivery-note")
    assert "reliquat" not in whole
    assert "Déjà livré" not in whole


def test_a_preparation_slip_follows_the_shelves() -> None:
    html = pages.render_html(PAPERS["preparation-slip-40-lines"])
    shelves = re.findall(r'<td class="strong">([A-Z]-\d\d-\d)</td>', html)
    assert len(shelves) == 40
    assert shelves == sorted(shelves)


def test_the_tone_rises_with_the_level_and_only_the_notice_claims_forty_euro(press: Press) -> None:
    texts = {name: said(press, name) for name in PAPERS if PAPERS[name].open_amounts}
    assert "oubli" in texts["reminder-2"]
    assert "Intérêts" not in texts["reminder-1"] + texts["reminder-2"]
    assert "Total réclamé 1 253,94 €" in texts["reminder-3"]
    assert "Pénalités" not in texts["reminder-1"]
    assert "service juridique" in texts["reminder-4"]
    notice = texts["formal-notice"]
    for mention in ("vaut mise en demeure", "1 333,94 € au plus tard le 2 décembre 2026", "80,00 €", "45 j", "15,58 €"):
        assert mention in notice
    assert "formal notice to pay us €1,333.94 by 2 December 2026" in texts["formal-notice-english"]


def test_a_quote_has_a_place_to_sign_and_a_day_until_which_it_holds(press: Press) -> None:
    text = said(press, "quote")
    for mention in ("Devis", "Bon pour accord", "24 décembre 2026", "acompte de 30 % du montant TTC, soit 629,15 €"):
        assert mention in text


def test_a_preview_says_so_and_carries_no_xml(press: Press) -> None:
    pdf = press.pdf(PAPERS["invoice-preview"])
    assert "Aperçu, sans valeur" in words(pdf)
    assert "IBAN" not in words(pdf)
    assert b"/AF" not in pdf


def test_the_language_we_do_not_print_is_printed_in_french() -> None:
    assert "Facturé à" in pages.render_html(dataclasses.replace(PAPERS["invoice-1-line"], language="de"))


def test_the_accent_of_the_house_is_used_and_nonsense_is_not(press: Press) -> None:
    paper = PAPERS["invoice-1-line"]
    coloured, nonsense = (dataclasses.replace(paper, accent=said) for said in ("#a03010", "red; background: url(evil)"))
    red = [f"{0xA0 / 255:g}"[:5], f"{0x30 / 255:g}"[:5], f"{0x10 / 255:g}"[:5]]
    drawn = b"".join(page.get_contents().get_data() for page in PdfReader(io.BytesIO(press.pdf(coloured))).pages)
    assert " ".join(red).encode()[:4] in drawn
    assert press.pdf(nonsense) == press.pdf(paper)


def test_a_logo_is_an_asset_by_name(press: Press) -> None:
    square = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40"/></svg>'
    paper = dataclasses.replace(PAPERS["quote"], logo="logo.svg")
    assert len(Press({"logo.svg": square}).pdf(paper)) != len(press.pdf(paper))


def test_a_transfer_shows_its_code_and_every_other_means_says_how_it_is_paid(press: Press) -> None:
    def dark(name: str) -> float:
        """How much of the place beside the payment details is black."""
        with pypdfium2.PdfDocument(press.pdf(PAPERS[name])) as pdf:
            page = pdf[0].render(scale=1).to_pil().convert("L")
        beside = page.crop((455, 430, 555, 590))
        return sum(1 for shade in beside.get_flattened_data() if shade < 100) / (beside.width * beside.height)

    assert dark("invoice-1-line") > 0.1
    assert dark("invoice-cheque") < 0.02
    debit, cheque = said(press, "invoice-direct-debit"), said(press, "invoice-cheque")
    for mention in ("prélèvement SEPA — Débit le 31 décembre 2026", "2 097,15 € seront prélevés", "RUM-C0012-2024",
                    "FR72ZZZ123456", "FR14 … 2606"):  # fmt: skip
        assert mention in debit
    assert "ordre de Maison Delorme, à adresser à : 14 rue des Tanneurs" in cheque
    assert "Payment by card — To be paid by 31 December 2026" in said(press, "invoice-card-english")
    assert "rien ne reste à payer" in said(press, "invoice-settled-by-deposits")
    assert "FR76" not in debit + cheque


def test_without_a_mandate_nothing_is_debited_and_a_transfer_is_asked_for(press: Press) -> None:
    paper = dataclasses.replace(PAPERS["invoice-direct-debit"], mandate_reference="")
    assert "Règlement par virement SEPA" in words(press.pdf(paper))


def test_a_delivery_note_names_carrier_and_tracking_and_shows_prices_only_when_asked(press: Press) -> None:
    text = said(press, "delivery-note")
    assert "Transports Roussel" in text
    assert "6A 04417 82911 3" in text
    priced = PAPERS["delivery-note-prices"]
    assert "1 626,28 € hors taxes" in words(press.pdf(priced))
    assert "€" not in words(press.pdf(dataclasses.replace(priced, shows_prices=False))).replace("120 000 €", "")


def test_a_statement_shows_every_movement_its_balance_and_what_is_late(press: Press) -> None:
    text = said(press, "account-statement")
    for mention in (
        "Relevé de compte", "Du 01/09/2026 au 24/11/2026", "Solde à nouveau 1 482,34 €", "pour FA-2026-01994",
        "Retard de plus de 90 jours 518,48 €", "Règlements et avoirs à imputer -150,00 €", "Solde dû 1 995,03 €",
        "Échu à ce jour et non réglé : 1 287,72 €", "FR76 3000",
    ):  # fmt: skip
        assert mention in text
    credit = said(press, "account-statement-in-credit")
    assert "Solde en votre faveur 120,00 €" in credit
    assert "IBAN" not in credit


def test_the_first_of_a_month_is_an_ordinal_in_french() -> None:
    assert formats.day(date(2026, 3, 1)) == "1er\u00a0mars\u00a02026"
    assert formats.day(date(2026, 3, 11)) == "11\u00a0mars\u00a02026"
    assert formats.day(date(2026, 3, 1), "en") == "1\u00a0March\u00a02026"


def test_long_invoices_repeat_the_head_and_lose_no_line(press: Press) -> None:
    pdf = PdfReader(io.BytesIO(press.pdf(samples.invoice_of("FA-2026-00300", samples.lines_of(300)))))
    texts = [page.extract_text() for page in pdf.pages]
    assert 8 < len(texts) < 25
    assert all("Désignation" in text for text in texts[:-1])
    assert all(f"Page {number}/{len(texts)}" in text for number, text in enumerate(texts, start=1))
    assert sum(len(re.findall(r"^(?:EP|BO|TR|HY|EM)-\d{4}", text, re.MULTILINE)) for text in texts) == 300
    assert ["Net à payer" in text for text in texts] == [False] * (len(texts) - 1) + [True]


@pytest.mark.parametrize("count", range(8, 19))
def test_totals_never_stand_on_a_page_without_a_line(count: int, press: Press) -> None:
    pdf = PdfReader(io.BytesIO(press.pdf(samples.invoice_of("FA-2026-00001", samples.lines_of(count)))))
    bearer = next(text for page in pdf.pages if "Net à payer" in (text := page.extract_text()))
    assert re.search(r"^(?:EP|BO|TR|HY|EM)-\d{4}", bearer, re.MULTILINE)
    assert "Total HT" in bearer


# The same bytes, and their structure


@pytest.mark.parametrize("kind", sorted(ONE_OF_EACH), ids=lambda kind: kind.value)
def test_s21_the_same_document_gives_the_same_bytes_in_any_process(
    kind: DocumentKind, press: Press, printer: rendering.Printer
) -> None:
    paper = ONE_OF_EACH[kind]
    assert press.pdf(paper) == press.pdf(paper) == printer.pdf(paper)


def test_s21_no_clock_is_read_for_a_page_or_its_xml(press: Press) -> None:
    for name in ("invoice-rates", "account-statement"):
        before = press.pdf(PAPERS[name])
        with time_machine.travel(datetime(2031, 6, 1, tzinfo=UTC), tick=False):
            assert Press().pdf(parse(canonical(PAPERS[name]))) == before


@pytest.mark.long
def test_s21_every_paper_of_the_gallery_is_the_same_from_a_cold_press_in_another_process(press: Press) -> None:
    for number, (name, paper) in enumerate(sorted(PAPERS.items(), reverse=True)):
        if number % 20 == 0:
            cold = rendering.Printer()
        assert cold.pdf(parse(canonical(paper))) == press.pdf(paper), name
        if number % 20 == 19 or number == len(PAPERS) - 1:
            cold.close()


def test_another_document_has_other_bytes_and_another_identifier(press: Press) -> None:
    paper = PAPERS["invoice-1-line"]
    other = dataclasses.replace(paper, number="FA-2026-09999")
    ids = [PdfReader(io.BytesIO(press.pdf(each))).trailer["/ID"][0] for each in (paper, other)]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("name", ["invoice-rates", "deposit-invoice", "credit-note", "invoice-english"])
def test_an_invoice_is_a_pdf_a3_with_its_xml_inside(name: str, press: Press) -> None:
    paper = PAPERS[name]
    pdf = PdfReader(io.BytesIO(press.pdf(paper)))
    root: Any = pdf.trailer["/Root"]
    metadata = root["/Metadata"].get_data().decode()
    assert metadata.count("<rdf:RDF") == 1
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert "<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>" in metadata
    assert f"<xmp:CreateDate>{paper.issue_date.isoformat()}T00:00:00+00:00</xmp:CreateDate>" in metadata
    assert len(root["/AF"]) == 1
    assert root["/AF"][0].get_object()["/AFRelationship"] == "/Data"
    assert pdf.attachments == {facturx.FILE_NAME: [facturx.invoice_xml(paper)]}
    assert root["/OutputIntents"][0].get_object()["/S"] == "/GTS_PDFA1"
    assert root["/Lang"] == paper.language
    assert pdf.metadata is not None
    assert pdf.metadata["/CreationDate"] == pdf.metadata["/ModDate"] == f"D:{paper.issue_date:%Y%m%d}000000+00'00'"
    assert not pdf.is_encrypted


def test_a_logo_is_drawn_as_pdf_a_asks(press: Press) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (40, 20), (200, 0, 0, 128)).save(out, "PNG")
    pdf = PdfReader(
        io.BytesIO(press.pdf(dataclasses.replace(PAPERS["invoice-1-line"], logo="x.png"), {"x.png": out.getvalue()}))
    )
    images = [o.get_object() for o in pdf.pages[0]["/Resources"].get_object()["/XObject"].values()]  # type: ignore[attr-defined]
    drawn = [image for image in images if image.get("/Subtype") == "/Image"]
    assert drawn
    assert {str(image.get("/Interpolate")) for image in drawn} == {"False"}


@pytest.mark.parametrize("kind", sorted(ONE_OF_EACH), ids=lambda kind: kind.value)
def test_every_font_is_ours_and_embedded(kind: DocumentKind, press: Press) -> None:
    pdf = PdfReader(io.BytesIO(press.pdf(ONE_OF_EACH[kind])))
    seen = set()
    for page in pdf.pages:
        for font in page["/Resources"].get_object()["/Font"].get_object().values():  # type: ignore[attr-defined]
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            assert "/FontFile2" in descendant["/FontDescriptor"].get_object()
            seen.add(str(font.get_object()["/BaseFont"]))
    assert seen
    assert {name.split("+")[1] for name in seen} <= {"Paper", "Paper-Bold"}


# Hostile text


@pytest.mark.parametrize("name", sorted(PAPERS))
def test_s17_hostile_text_in_every_field_stays_text(name: str) -> None:
    html = pages.render_html(with_text(PAPERS[name], HOSTILE))
    assert "<img src=file" not in html
    assert "&#34;&gt;&lt;img src=file" in html


@pytest.mark.parametrize("text", ["{{ 7*7 }}", "{{ ''.__class__ }}", "{% include 'style.css' %}", "{reference}"])
@pytest.mark.parametrize("kind", sorted(ONE_OF_EACH), ids=lambda kind: kind.value)
def test_s18_no_text_is_compiled_as_a_template(kind: DocumentKind, text: str) -> None:
    html = pages.render_html(with_text(ONE_OF_EACH[kind], text))
    assert text.replace("'", "&#39;") in html
    assert (
        "49" not in re.sub(r"\d{2}/\d{2}/\d{4}|[\d,.\u202f]+\u00a0€", "", html).replace("#1f4e79", "")
        or text != "{{ 7*7 }}"
    )
    assert "<class" not in html
    assert "@font-face" not in html


class Hits(http.server.BaseHTTPRequestHandler):
    """A server on loopback that should never be asked anything."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "file:///etc/passwd")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def trap() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Trap", (Hits,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


ATTEMPTS = (
    "<img src='{0}'>",
    "<link rel=attachment href='{0}'>",
    "<link rel=stylesheet href='{0}'>",
    "<style>@import url('{0}');</style>",
    "<p style=\"background: url('{0}')\">x</p>",
    "<style>@font-face {{ font-family: f; src: url('{0}') }} p {{ font-family: f }}</style><p>x</p>",
    "<svg xmlns:xlink='http://www.w3.org/1999/xlink' width=9 height=9><image xlink:href='{0}' href='{0}'/></svg>",
    "<svg width=9 height=9><use href='{0}#a'/></svg>",
    "<object data='{0}'></object><embed src='{0}'>",
    "<a rel=attachment href='{0}'>x</a>",
    "<base href='{0}'><img src='x.png'>",
    "<ul style=\"list-style-image: url('{0}')\"><li>x</ul>",
)


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_s19_a_page_that_asks_for_anything_gets_nothing(
    attempt: str, tmp_path: Path, press: Press, trap: tuple[str, list[str]]
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    address, asked = trap
    for url in (secret.as_uri(), f"{address}/x", f"{address}/moved", "http://169.254.169.254/latest", "data:,SECRET"):
        body = attempt.format(url)
        pdf = HTML(string=body, url_fetcher=press.assets).write_pdf(font_config=press.fonts, uncompressed_pdf=True)
        assert b"SECRET" not in pdf.replace(url.encode(), b"")
        assert b"/EmbeddedFile" not in pdf
    assert asked == []


@pytest.mark.parametrize("kind", sorted(ONE_OF_EACH), ids=lambda kind: kind.value)
def test_s19_no_text_of_a_document_makes_the_press_ask_for_anything(
    kind: DocumentKind, trap: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    press = Press()
    wanted: list[str] = []
    monkeypatch.setattr(press.assets, "fetch", lambda url, *_: wanted.append(url))
    address, asked = trap
    attack = "\"'>" + "".join(attempt.format(address) for attempt in ATTEMPTS[:5])
    short = dataclasses.replace(ONE_OF_EACH[kind], lines=ONE_OF_EACH[kind].lines[:1])
    paper = dataclasses.replace(with_text(short, attack), number="X-1", logo="")
    press.pdf(paper)
    assert (wanted, asked) == ([], [])


def test_an_svg_logo_may_not_fetch_either(tmp_path: Path, trap: tuple[str, list[str]]) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    address, asked = trap
    logo = (
        "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'>"
        f"<image href='{secret.as_uri()}' width='9' height='9'/><image href='{address}/x' width='9' height='9'/></svg>"
    ).encode()
    pdf = Press({"logo.svg": logo}).pdf(dataclasses.replace(PAPERS["quote"], logo="logo.svg"))
    assert asked == []
    assert b"SECRET" not in b"".join(bytes(str(o), "utf-8", "replace") for o in PdfReader(io.BytesIO(pdf)).pages)


def test_control_characters_and_emoji_do_not_stop_a_page(press: Press) -> None:
    line = dataclasses.replace(PAPERS["invoice-1-line"].lines[0], name="Vis\x00 \x1bM8 🚚 Łódź Ж")
    text = words(press.pdf(dataclasses.replace(PAPERS["invoice-1-line"], lines=(line,))))
    assert "Vis M8 Łódź Ж" in text


# The child


def test_the_child_survives_being_killed(printer: rendering.Printer) -> None:
    paper = PAPERS["invoice-1-line"]
    first = printer.pdf(paper)
    before = printer.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    printer._child.join()  # type: ignore[union-attr]
    assert printer.pid is None
    assert printer.pdf(paper) == first
    assert printer.pid not in {None, before}


def test_a_child_that_dies_while_printing_is_told_and_replaced(printer: rendering.Printer) -> None:
    printer.pdf(PAPERS["quote"])
    child = printer.pid
    assert child is not None
    os.kill(child, signal.SIGSTOP)
    killer = threading.Timer(0.2, os.kill, (child, signal.SIGKILL))
    killer.start()
    with pytest.raises(TryLater) as later:
        printer.pdf(PAPERS["quote"])
    killer.join()
    assert later.value.data["reason"] == "died"
    assert printer.pdf(PAPERS["quote"]).startswith(b"%PDF")


def test_a_page_that_takes_too_long_is_given_up_and_the_next_one_prints() -> None:
    printer = rendering.Printer(seconds=0.05)
    try:
        with pytest.raises(TryLater) as later:
            printer.pdf(samples.invoice_of("FA-1", samples.lines_of(60)))
        assert later.value.data["reason"] == "time"
        printer._seconds = 20
        assert printer.pdf(PAPERS["quote"]).startswith(b"%PDF")
    finally:
        printer.close()


def test_a_page_that_needs_too_much_memory_is_given_up_and_the_next_one_prints() -> None:
    printer = rendering.Printer(memory=160 << 20)
    try:
        with pytest.raises(TryLater) as later:
            printer.pdf(samples.invoice_of("FA-1", samples.lines_of(60)))
        assert later.value.data["reason"] != "time"
        printer._memory = rendering.MEMORY_BYTES
        printer.close()
        assert printer.pdf(PAPERS["quote"]).startswith(b"%PDF")
    finally:
        printer.close()


def test_the_child_passes_a_refusal_on(printer: rendering.Printer) -> None:
    paper = PAPERS["invoice-1-line"]
    nameless = dataclasses.replace(paper, buyer=dataclasses.replace(paper.buyer, siren=""))
    with pytest.raises(Refused) as refused:
        printer.pdf(nameless)
    assert refused.value.code == "invoice_field_missing"
    assert refused.value.data == {"field": "buyer.siren"}
    assert printer.pdf(PAPERS["quote"]).startswith(b"%PDF")


@pytest.mark.parametrize("event", ["socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"])
def test_s20_the_child_may_open_no_connection_and_start_no_program(event: str) -> None:
    with pytest.raises(PermissionError):
        rendering._forbid(event, ())


def test_several_threads_share_one_child(printer: rendering.Printer) -> None:
    paper, made = PAPERS["delivery-note"], []
    threads = [threading.Thread(target=lambda: made.append(printer.pdf(paper))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1


def test_the_gallery_writes_every_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: PAPERS[name] for name in ("quote", "invoice-rates")}
    monkeypatch.setattr(gallery, "documents", lambda: few)
    written = gallery.gallery(tmp_path / "papers")
    assert {path.name for path in written if path.suffix == ".pdf"} == {"quote.pdf", "invoice-rates.pdf"}
    assert all(path.read_bytes() for path in written)


def invoices() -> list[Document]:
    return [paper for paper in PAPERS.values() if paper.kind in INVOICES]


@pytest.mark.parametrize("one_in", [3, pytest.param(1, marks=pytest.mark.long)])
def test_the_amounts_of_the_page_are_those_of_the_xml(press: Press, one_in: int) -> None:
    for paper in list(invoices())[::one_in]:
        if paper.number and paper.language == "fr":
            text = words(press.pdf(paper))
            payable = f"{paper.payable.amount:,.2f}".replace(",", " ").replace(".", ",")
            assert f"{payable} €" in text
            assert f"<ram:DuePayableAmount>{paper.payable}</ram:DuePayableAmount>".encode() in facturx.invoice_xml(
                paper
            )


def test_amounts_with_six_decimals_are_printed_whole(press: Press) -> None:
    line = dataclasses.replace(PAPERS["invoice-1-line"].lines[0], unit_price=Decimal("0.123456"))
    assert "0,123456 €" in words(press.pdf(dataclasses.replace(PAPERS["invoice-1-line"], lines=(line,))))


def test_s16_a_paper_names_whom_it_is_for_and_a_delivery_note_has_no_price_unless_asked() -> None:
    for paper in PAPERS.values():
        page = pages.render_html(paper)
        assert f'<div class="name">{escape(paper.buyer.name)}</div>' in page
        if paper.kind in {DocumentKind.DELIVERY_NOTE, DocumentKind.PREPARATION_SLIP}:
            assert (page.count("€") > 1) == paper.shows_prices  # one is the capital, at the foot
