"""Hostile and broken files: each is left to a person with its reason, and the next file is read."""

from __future__ import annotations

import io
import re
import struct
import threading
import tomllib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from intake import attachments
from intake.attachments import Limits, UnreadableError
from intake.attachments.children import Children
from intake.incoming import Attachment

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
QUICK = Limits(cpu_seconds=1, seconds=4.0, memory=700_000_000, pages=3, pixels=40_000_000)
TREE = (b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>")
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<%b>>>>"
ORDER = [["Article", "Qté"], ["Lait", 3]]


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    kept = Children(QUICK)
    yield kept
    kept.close()


def pdf(content: bytes) -> Attachment:
    return Attachment("bc.pdf", "application/pdf", content)


def png(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    dots = zlib.compress(b"\0" * ((width // 8 + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", dots) + chunk(b"IEND", b"")


def reason(children: Children, attachment: Attachment) -> str:
    with pytest.raises(UnreadableError) as refused:
        children.read(attachment)
    return str(refused.value)


def still_reads(children: Children, xlsx: Callable[..., bytes]) -> None:
    paper, _ = children.read(Attachment("bc.xlsx", SHEET, xlsx({"Feuil1": ORDER})))
    assert paper.tables[0].rows == (("Article", "Qté"), ("Lait", "3"))


def test_one_child_reads_file_after_file(xlsx: Callable[..., bytes]) -> None:
    started: list[object] = []

    def counted() -> object:
        from intake.attachments.children import _Child

        started.append(_Child())
        return started[-1]

    children = Children(QUICK, counted)  # type: ignore[arg-type]
    try:
        for _ in range(5):
            still_reads(children, xlsx)
        assert len(started) == 1
    finally:
        children.close()


def test_the_child_has_no_secret_and_no_more_memory_than_it_may(
    xlsx: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTOIR_SECRET_KEY", "canary")
    children = Children(QUICK)
    try:
        still_reads(children, xlsx)
        process = psutil.Process(children._idle[0].process.pid)
        assert "COMPTOIR_SECRET_KEY" not in process.environ()
        assert process.rlimit(psutil.RLIMIT_AS)[0] == QUICK.memory
    finally:
        children.close()


def test_a_killed_child_is_replaced(xlsx: Callable[..., bytes]) -> None:
    children = Children(QUICK)
    try:
        still_reads(children, xlsx)
        child = children._idle[0]
        child.process.kill()
        child.process.wait()
        still_reads(children, xlsx)
        assert children._idle[0] is not child
    finally:
        children.close()


def test_many_threads_read_at_once(children: Children, xlsx: Callable[..., bytes]) -> None:
    read: list[str] = []

    def one(number: int) -> None:
        paper, _ = children.read(
            Attachment(f"{number}.xlsx", SHEET, xlsx({"F": [["Article", "Qté"], ["Riz", number]]}))
        )
        read.append(f"{paper.name} {paper.tables[0].rows[1][1]}")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(read) == [f"{number}.xlsx {number}" for number in range(1, 9)]


def test_s27_pdf_bombs_are_set_aside_and_the_next_file_is_read(
    children: Children,
    xlsx: Callable[..., bytes],
    pdf_objects: Callable[..., bytes],
    pdf_stream: Callable[..., bytes],
) -> None:
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</A %d 0 R>>>>/Filter/FlateDecode"
    forms = [pdf_stream(b"/A Do " * 10, form % number) for number in range(6, 17)]
    bombs = {
        "inflated": pdf_objects([*TREE, PAGE % b"", pdf_stream(b"q " * 50_000_000)]),
        "inflated twice": pdf_objects(
            [*TREE, PAGE % b"", pdf_stream(b"q " * 30_000_000, b"/Filter[/FlateDecode/FlateDecode]", times=2)]
        ),
        "strokes": pdf_objects([*TREE, PAGE % b"", pdf_stream(b"0 0 m 500 800 l 3 900 l 7 8 l S\n" * 1_000_000)]),
        "forms in forms": pdf_objects(
            [*TREE, PAGE % b"/XObject<</A 5 0 R>>", pdf_stream(b"/A Do " * 10), *forms, pdf_stream(b"0 0 m 9 9 l S")]
        ),
        "itself": pdf_objects(
            [
                *TREE, PAGE % b"/XObject<</A 5 0 R>>", pdf_stream(b"/A Do /A Do"),
                pdf_stream(b"/A Do /A Do", form % 5),
            ]
        ),
        "tree": pdf_objects([TREE[0], b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000>>"]),
    }  # fmt: skip
    for name, bomb in bombs.items():
        assert reason(children, pdf(bomb)) in {
            "reading_timed_out", "reading_failed", "reading_out_of_memory", "pdf_broken",
        }, name  # fmt: skip
        still_reads(children, xlsx)


def test_s27_of_a_pdf_with_too_many_pages_the_first_are_read_and_it_is_said(
    children: Children, pdf_of: Callable[[str], bytes]
) -> None:
    pages = "".join(f"<p style='page-break-after: always'>Page {number}</p>" for number in range(1, 6))
    paper, _ = children.read(pdf(pdf_of(pages)))
    assert "too_many_pages" in paper.findings
    assert paper.text.split("\n") == ["Page 1", "Page 2", "Page 3"]


def test_e50_a_locked_pdf_says_so(pdf_of: Callable[[str], bytes]) -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(PdfReader(io.BytesIO(pdf_of("<p>Article</p>"))))
    writer.encrypt("secret", algorithm="AES-256")
    with io.BytesIO() as buffer:
        writer.write(buffer)
        paper = attachments.read(pdf(buffer.getvalue()))
    assert paper is not None
    assert paper.findings == ("pdf_locked",)


def test_s28_an_image_bomb_is_refused_by_its_size(children: Children, xlsx: Callable[..., bytes]) -> None:
    assert reason(children, Attachment("photo.png", "image/png", png(30_000, 30_000))) == "picture_too_large"
    still_reads(children, xlsx)


def test_s28_a_picture_is_what_its_bytes_say(children: Children) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    assert reason(children, Attachment("photo.png", "image/png", svg)) == "picture_broken"


def test_s25_bombs_in_workbooks_are_refused_from_the_outside(children: Children, xlsx: Callable[..., bytes]) -> None:
    zeros = b"<worksheet>" + b" " * 20_000_000 + b"</worksheet>"
    tight = xlsx({"F": ORDER}, parts={"xl/worksheets/sheet1.xml": zeros})
    assert len(tight) < 100_000
    crowded = xlsx({"F": ORDER}, parts={f"xl/x{number}.xml": b"<x/>" for number in range(250)})
    lying = bytearray(xlsx({"F": ORDER}, parts={"xl/worksheets/sheet1.xml": b"<worksheet>" + b"a" * 5_000}))
    at = lying.rindex(struct.pack("<I", 5_011))
    lying[at : at + 4] = struct.pack("<I", 20)
    for name, content in {"tight": tight, "crowded": crowded, "lying": bytes(lying)}.items():
        assert reason(children, Attachment("bc.xlsx", SHEET, content)) in {"archive_bomb", "sheet_broken"}, name
        still_reads(children, xlsx)
    assert reason(children, Attachment("bc.xlsx", SHEET, crowded)) == "archive_bomb"
    assert reason(children, Attachment("bc.xlsx", SHEET, tight)) == "archive_bomb"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_s24_a_doctype_in_a_part_of_a_workbook_is_refused(
    children: Children, xlsx: Callable[..., bytes], encoding: str
) -> None:
    hostile = (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><sst><si><t>&e;</t></si></sst>'
    )
    content = xlsx({"F": ORDER}, parts={"xl/sharedStrings.xml": hostile.encode(encoding)})
    assert reason(children, Attachment("bc.xlsx", SHEET, content)) == "xml_doctype"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_s24_a_doctype_in_the_xml_of_a_pdf_is_refused(pdf_of: Callable[[str], bytes], encoding: str) -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(PdfReader(io.BytesIO(pdf_of("<p>Bon de commande 12</p>"))))
    hostile = (
        '<?xml version="1.0"?><!DOCTYPE o [<!ENTITY e "x">]><Order xmlns="urn:oasis:names:ubl:schema:xsd:Order-2"/>'
    )
    writer.add_attachment("order-x.xml", hostile.encode(encoding))
    with io.BytesIO() as buffer:
        writer.write(buffer)
        paper = attachments.read(pdf(buffer.getvalue()))
    assert paper is not None
    assert paper.findings == ("xml_doctype",)
    assert "Bon de commande 12" in paper.text


@pytest.mark.parametrize("charset", ["utf-7", "IBM037", "utf-16-unknown"])
def test_s24_xml_in_an_encoding_that_could_hide_a_doctype_is_refused(charset: str) -> None:
    hidden = f'<?xml version="1.0" encoding="{charset}"?>+ADwAIQ-DOCTYPE o+AD4-<Order/>'.encode()
    paper = attachments.read(Attachment("o.xml", "application/xml", hidden))
    assert paper is not None
    assert paper.findings == ("xml_broken",)


def test_s24_xml_beyond_five_megabytes_is_refused() -> None:
    content = b"<?xml version='1.0'?><Order>" + b" " * 5_000_001 + b"</Order>"
    paper = attachments.read(Attachment("o.xml", "application/xml", content))
    assert paper is not None
    assert paper.findings == ("file_too_large",)


@pytest.mark.parametrize(
    ("name", "media_type", "finding"),
    [
        ("macro.xlsm", SHEET, "macros_not_read"),
        ("facture.js", "text/plain", "macros_not_read"),
        ("facture.exe", "application/x-msdownload", "macros_not_read"),
        ("page.html", "text/html", "macros_not_read"),
        ("bons.zip", "application/zip", "kind_not_read"),
        ("message.msg", "application/vnd.ms-outlook", "kind_not_read"),
        ("winmail.dat", "application/ms-tnef", "winmail_not_read"),
        ("smime.p7m", "application/pkcs7-mime", "mail_encrypted"),
        ("IMG_1.HEIC", "image/heic", "heic_not_read"),
        ("bc.xlsx", "application/x-ole-storage", "sheet_locked"),
    ],
)  # fmt: skip
def test_s29_s30_e45_e50_what_runs_or_hides_is_kept_and_never_opened(name: str, media_type: str, finding: str) -> None:
    content = "EncryptedPackage".encode("utf-16-le")
    paper = attachments.read(Attachment(name, media_type, content))
    assert paper is not None
    assert paper.findings == (finding,)
    assert not paper.text


def test_s30_macros_in_a_workbook_that_hides_its_name_are_found(children: Children, xlsx: Callable[..., bytes]) -> None:
    content = xlsx({"F": ORDER}, parts={"xl/vbaProject.bin": b"macro"})
    assert reason(children, Attachment("bc.xlsx", SHEET, content)) == "macros_not_read"


def test_a_signature_s_logo_is_no_paper() -> None:
    assert attachments.read(Attachment("logo.png", "image/png", png(10, 10), inline=True)) is None


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_reason_has_its_sentence(root: Path, language: str) -> None:
    quoted = r"\"([a-z]+(?:_[a-z]+)+)\""
    codes: set[str] = set()
    for path in (root / "intake" / "attachments").glob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            if re.search(r"Unreadable|finding|Died|_KEPT|_BROKEN|return|_not_read|_read\"|_broken", line):
                codes |= set(re.findall(quoted, line))
    codes -= {"order_change", "quote_request", "resolve_entities", "stop_words"}
    sentences = tomllib.loads((root / "templates" / "messages" / language / "findings.toml").read_text("utf-8"))
    assert len(codes) > 20
    assert codes - set(sentences) == set()
    assert all({"text", "short"} <= set(sentences[code]) for code in codes)


@pytest.mark.parametrize(
    ("media_type", "content", "finding"),
    [
        ("text/csv", b"\n" * 4_900_000, "too_many_rows"),
        ("text/csv", b"a;b\n" * 1_200_000, "too_many_rows"),
        ("application/edifact", b"UNA:+.? '" + b"'" * 4_900_000, "file_too_large"),
        ("application/edifact", b"UNH" + b"+" * 4_900_000 + b"'", "edifact_broken"),
        ("application/xml", b"<a>" + b"<b/>" * 1_200_000 + b"</a>", "file_too_large"),
    ],
)
def test_what_is_read_here_is_bounded_too(media_type: str, content: bytes, finding: str) -> None:
    paper = attachments.read(Attachment("x", media_type, content))
    assert paper is not None
    assert paper.findings == (finding,)
