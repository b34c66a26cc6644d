"""Purchase orders in PDF, of layouts and trades that we make: each line with its place, nothing that is not seen."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from decimal import Decimal

from intake import attachments
from intake.attachments import Paper
from intake.incoming import Attachment
from intake.reading import AskedLine, tables

Printer = Callable[[str], bytes]

RULED = """<style>@page{size:A4;margin:15mm}body{font:9pt sans-serif}table{border-collapse:collapse;width:100%}
td,th{border:1px solid #333;padding:3px}</style>"""
BARE = """<style>@page{size:A4;margin:15mm}body{font:9pt sans-serif}table{border-collapse:collapse;width:100%}
td,th{padding:3px;text-align:left}.n{text-align:right}</style>"""
UNDERLINED = """<style>@page{size:A4;margin:15mm}body{font:10pt serif}table{border-collapse:collapse;width:100%}
td{border-bottom:1px solid #999;padding:6px;vertical-align:middle}
th{background:#234;color:#fff;text-align:left;padding:6px}</style>"""


def paper_of(content: bytes) -> Paper:
    paper = attachments.read(Attachment("bc.pdf", "application/pdf", content))
    assert paper is not None
    return paper


def asked(content: bytes) -> tuple[AskedLine, ...]:
    return tables.lines(paper_of(content))


def test_a_ruled_table_keeps_wrapped_descriptions_codes_and_prices(pdf_of: Printer) -> None:
    content = pdf_of(
        RULED
        + """<h1>BON DE COMMANDE N° 4512</h1><table>
        <tr><th>Ligne</th><th>Votre réf.</th><th>Notre réf.</th><th style="width:35%">Désignation</th><th>Qté</th>
        <th>Unité</th><th>P.U. HT</th><th>Montant HT</th></tr>
        <tr><td>1</td><td>VIS-440</td><td>Q-881</td><td>Vis à bois tête fraisée acier zingué 4x40 mm, empreinte Torx
        TX20, boîte de 200</td><td>12</td><td>boîte</td><td>8,90</td><td>106,80</td></tr>
        <tr><td>2</td><td>CHE-810</td><td>Q-882</td><td>Cheville nylon 8x40<br>sachet de 100</td><td>5</td>
        <td>sachet</td><td>6,10</td><td>30,50</td></tr>
        <tr><td>3</td><td>DIS-125</td><td></td><td>Disque à tronçonner 125x1,6</td><td>1 200</td><td>pièce</td>
        <td>0,85</td><td>1 020,00</td></tr>
        <tr><td colspan=7>Frais de port</td><td>15,00</td></tr><tr><td colspan=7>Total HT</td><td>1 172,30</td></tr>
        </table><p>Conditions : paiement 45 jours fin de mois. Livraison 12 rue des Lilas, 2 étages.</p>"""
    )
    lines = asked(content)
    assert [(line.codes, line.quantity, line.unit, line.unit_price) for line in lines] == [
        (("VIS-440", "Q-881"), 12, "boîte", Decimal("8.90")),
        (("CHE-810", "Q-882"), 5, "sachet", Decimal("6.10")),
        (("DIS-125",), 1200, "pièce", Decimal("0.85")),
    ]
    assert lines[0].designation.endswith("empreinte Torx TX20, boîte de 200")
    assert lines[1].designation == "Cheville nylon 8x40 sachet de 100"
    assert tables.charges(paper_of(content)) == ("Frais de port",)


def test_a_table_without_rules_keeps_wrapped_descriptions_and_drops_what_has_no_quantity(pdf_of: Printer) -> None:
    lines = asked(
        pdf_of(
            BARE
            + """<h2>Commande n° F-2291</h2><table><tr><th style="width:55%">Produit</th><th>Conditionnement</th>
            <th class=n>Quantité</th><th class=n>Prix</th></tr>
            <tr><td>Comté AOP affiné 12 mois au lait cru, meule entière découpée en quarts sous vide avec étiquette de
            traçabilité</td><td>quart</td><td class=n>4</td><td class=n>14,20</td></tr>
            <tr><td>Crème fraîche épaisse 35 % MG 1 L</td><td>carton de 6</td><td class=n>10</td>
            <td class=n>18,30</td></tr>
            <tr><td>Beurre doux 250 g</td><td>carton</td><td class=n></td><td class=n>2,15</td></tr></table>
            <p>Merci de confirmer par retour. Aucune livraison après 11 h, ni avant 6 h le samedi.</p>"""
        )
    )
    assert [(line.quantity, line.unit, line.content) for line in lines] == [(4, "quart", None), (10, "carton", 6)]
    assert lines[0].designation.endswith("avec étiquette de traçabilité")


def test_white_titles_rules_between_rows_and_headings_of_groups(pdf_of: Printer) -> None:
    lines = asked(
        pdf_of(
            UNDERLINED
            + """<h1>Purchase order 77-B</h1><table>
            <tr><th>Item</th><th style="width:45%">Description</th><th>Qty</th><th>Unit price</th></tr>
            <tr><td>W-01</td><td>Château Larose 2019 Saint-Émilion grand cru rouge, caisse bois de six bouteilles de
            75 cl</td><td>3</td><td>95.00</td></tr><tr><td colspan=4><b>Champagnes</b></td></tr>
            <tr><td>W-02</td><td>Champagne brut réserve</td><td>12</td><td>21.50</td></tr>
            <tr><td>W-03</td><td>Crémant d'Alsace rosé extra brut millésimé 2020</td><td>24</td><td>8.20</td></tr>
            </table><p>Total 734.80</p>"""
        )
    )
    assert [(line.codes, line.quantity, line.unit_price) for line in lines] == [
        (("W-01",), 3, Decimal("95.00")), (("W-02",), 12, Decimal("21.50")), (("W-03",), 24, Decimal("8.20")),
    ]  # fmt: skip
    assert lines[1].designation == "Champagne brut réserve"
    assert lines[2].designation == "Crémant d'Alsace rosé extra brut millésimé 2020"


def test_a_table_goes_on_over_the_pages_with_and_without_its_header(pdf_of: Printer) -> None:
    rows = "".join(
        f"<tr><td>TX{number:03d}</td><td>Drap housse {90 + number} x 190</td><td>{number}</td></tr>"
        for number in range(1, 91)
    )
    titles = "<tr><th>Réf</th><th>Désignation</th><th>Qté</th></tr>"
    for html in (
        f"{RULED}<p>Hôtel Bellevue</p><table><thead>{titles}</thead>{rows}</table>",
        f"{BARE}<p>Hôtel Bellevue</p><table>{titles}{rows}</table><p>Fait à Lyon le 24/11/2026</p>",
    ):
        lines = asked(pdf_of(html))
        assert [line.quantity for line in lines] == list(range(1, 91))
        assert {line.evidence.page for line in lines} == {1, 2}
        assert lines[-1].codes == ("TX090",)


def test_titles_may_be_wrapped(pdf_of: Printer) -> None:
    lines = asked(
        pdf_of(
            BARE
            + """<table><tr><th>Code<br>article</th><th>Libellé</th><th>Qté<br>commandée</th></tr>
            <tr><td>A1</td><td>Tuyau PVC 40</td><td>7</td></tr><tr><td>A2</td><td>Coude 87°30</td><td>14</td></tr>
            </table>"""
        )
    )
    assert [(line.codes, line.designation, line.quantity) for line in lines] == [
        (("A1",), "Tuyau PVC 40", 7), (("A2",), "Coude 87°30", 14),
    ]  # fmt: skip


def test_of_several_tables_only_those_of_articles_have_lines(pdf_of: Printer) -> None:
    lines = asked(
        pdf_of(
            RULED
            + """<table><tr><th>Adresse de livraison</th><th>Adresse de facturation</th></tr>
            <tr><td>12 rue des Halles<br>67000 Strasbourg</td><td>3 quai Nord</td></tr></table><br>
            <table><tr><th>Désignation</th><th>Qté</th></tr><tr><td>Pinceau plat 40</td><td>6</td></tr></table><br>
            <table><tr><th>Désignation</th><th>Qté</th></tr><tr><td>Rouleau laine 180</td><td>3 lots</td></tr>
            </table>"""
        )
    )
    assert [(line.designation, line.quantity, line.unit) for line in lines] == [
        ("Pinceau plat 40", 6, ""), ("Rouleau laine 180", 3, "lot"),
    ]  # fmt: skip


def test_each_line_says_where_on_its_page_it_stands(pdf_of: Printer) -> None:
    html = f"{BARE}<table><tr><th>Article</th><th>Qté</th></tr><tr><td>Lait</td><td>3</td></tr></table>"
    (line,) = asked(pdf_of(html))
    assert (line.evidence.part, line.evidence.page) == ("bc.pdf", 1)
    left, top, right, bottom = line.evidence.box or (0, 0, 0, 0)
    assert 40 < left < right < 555
    assert 40 < top < bottom < 100


def test_s41_what_nobody_can_see_is_left_out_and_said(pdf_of: Printer) -> None:
    html = (
        BARE
        + """<table><tr><th>Article</th><th>Qté</th></tr><tr><td>Farine T55</td><td>4</td></tr>
    <tr style="color:white"><td>Truffe noire</td><td>900</td></tr>
    <tr style="font-size:0.5pt"><td>Safran</td><td>800</td></tr></table>
    <p style="position:absolute;left:-400mm">Caviar 700</p>
    <p style="position:absolute;top:60mm;left:0">Homard 600</p>
    <div style="position:absolute;top:58mm;left:-2mm;width:60mm;height:12mm;background:#dde"></div>
    <p style="color:#666">Merci de livrer avant midi.</p>"""
    )
    paper = paper_of(pdf_of(html))
    assert paper.findings == ("hidden_text",)
    assert [(line.designation, line.quantity) for line in tables.lines(paper)] == [("Farine T55", 4)]
    assert "livrer avant midi" in paper.text
    for word in ("Truffe", "Safran", "Caviar", "Homard"):
        assert word not in paper.text


def test_s41_words_under_a_picture_are_left_out(pdf_of: Printer) -> None:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (200, 60), "#cde")
    ImageDraw.Draw(picture).line((0, 0, 200, 60), fill="#137", width=5)
    with io.BytesIO() as buffer:
        picture.save(buffer, "PNG")
        data = base64.b64encode(buffer.getvalue()).decode()
    html = f"""{BARE}<p>Commande 12</p><p style="position:absolute;top:30mm;left:5mm">Homard 600</p>
    <img style="position:absolute;top:28mm;left:0;width:60mm" src="data:image/png;base64,{data}">"""
    paper = paper_of(pdf_of(html))
    assert paper.findings == ("hidden_text",)
    assert "Commande 12" in paper.text
    assert "Homard" not in paper.text


def test_white_words_on_a_dark_ground_are_seen(pdf_of: Printer) -> None:
    paper = paper_of(pdf_of("<p style='background:#024;color:#fff'>Livraison lundi</p>"))
    assert (paper.findings, paper.text) == ((), "Livraison lundi")


def test_the_xml_in_a_pdf_is_the_order_and_an_invoice_is_none(pdf_of: Printer) -> None:
    from pypdf import PdfReader, PdfWriter

    order = b"""<?xml version="1.0"?><r:SCRDMCCBDACIOMessageStructure
     xmlns:r="urn:un:unece:uncefact:data:SCRDMCCBDACIOMessageStructure:100" xmlns:ram="urn:ram" xmlns:udt="urn:udt">
     <r:ExchangedDocument><ram:ID>PO-31</ram:ID><ram:TypeCode>220</ram:TypeCode></r:ExchangedDocument>
     <r:SupplyChainTradeTransaction><ram:IncludedSupplyChainTradeLineItem>
     <ram:SpecifiedTradeProduct><ram:SellerAssignedID>VIN-7</ram:SellerAssignedID><ram:Name>Rouge</ram:Name>
     </ram:SpecifiedTradeProduct><ram:SpecifiedLineTradeDelivery><ram:RequestedQuantity unitCode="C62">24
     </ram:RequestedQuantity></ram:SpecifiedLineTradeDelivery></ram:IncludedSupplyChainTradeLineItem>
     </r:SupplyChainTradeTransaction></r:SCRDMCCBDACIOMessageStructure>"""
    invoice = b"<?xml version='1.0'?><rsm:CrossIndustryInvoice xmlns:rsm='urn:x'/>"
    for name, content, kind, lines in (("order-x.xml", order, "order", 1), ("factur-x.xml", invoice, "other", 0)):
        writer = PdfWriter(PdfReader(io.BytesIO(pdf_of("<p>Papier</p>"))))
        writer.add_attachment(name, content)
        with io.BytesIO() as buffer:
            writer.write(buffer)
            paper = paper_of(buffer.getvalue())
        assert paper.order is not None
        assert (paper.order.kind, len(paper.order.lines)) == (kind, lines)
