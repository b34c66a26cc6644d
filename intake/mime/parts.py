"""Attachments of a mail: named for showing, typed by their first bytes, never by what the sender claims."""

from __future__ import annotations

import binascii
import io
import mimetypes
import re
import unicodedata
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from intake.incoming import Attachment
from intake.mime.bodies import payload
from intake.mime.charsets import clean, text_of
from intake.mime.headers import decoded, raw_values

if TYPE_CHECKING:
    from email.message import Message

_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"Rar!", "application/vnd.rar"),
    (b"7z\xbc\xaf", "application/x-7z-compressed"),
    (b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (b"MZ", "application/x-msdownload"),
    (b"UNA", "application/edifact"),
    (b"UNB+", "application/edifact"),
    (b"<?xml", "application/xml"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_IN_ZIP = (
    ("xl/", f"{_OFFICE}.spreadsheetml.sheet"),
    ("word/", f"{_OFFICE}.wordprocessingml.document"),
    ("ppt/", f"{_OFFICE}.presentationml.presentation"),
)
_IN_OLE = (
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("WordDocument", "application/msword"),
)
_EXTENSIONS = {
    "application/pdf": ".pdf",
    f"{_OFFICE}.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-outlook": ".msg",
    "application/xml": ".xml",
    "application/edifact": ".edi",
    "message/rfc822": ".eml",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "image/jpeg": ".jpg",
}
_PROGRAMS = (".js", ".jse", ".vbs", ".vbe", ".hta", ".wsf", ".ps1", ".bat", ".cmd", ".scr", ".lnk")  # S30
_PARAMETER = r";\s*{}(?:\*(\d+))?(\*)?\s*=\s*(\"(?:[^\"\\]|\\.)*\"?|[^;\s]*)"
_UUENCODED = re.compile(r"^begin [0-7]{3,4} (.+)\n((?:[ -`]{1,90}\n)+?)(?:[` ]?\n)?end[ \t]*$", re.MULTILINE)
_RESERVED = re.compile(r'[<>:"|?*]')


def attachment(part: Message, position: int, *, shown_in_page: bool) -> Attachment:
    """The attachment in this leaf; `shown_in_page` says that the HTML refers to it or lives beside it."""
    return named(payload(part), filename(part), part.get_content_type(), position, shown_in_page=shown_in_page)


def named(content: bytes, name: str, declared: str, position: int, *, shown_in_page: bool = False) -> Attachment:
    """An attachment of these bytes; a picture that belongs to the page is inline, a PDF never is (E42, E44)."""
    media_type = sniff(content, declared, name)
    inline = shown_in_page and media_type.startswith("image/")
    return Attachment(safe_name(name, media_type, position), media_type, content, inline)


def sniff(content: bytes, declared: str = "", name: str = "") -> str:
    """The media type that the bytes show; what was declared only where they show nothing."""
    if content[:4] == b"PK\x03\x04":
        return _in_zip(content)
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _in_ole(content)
    if content[:1] == b"0" and name.lower().endswith(".p7m"):
        return "application/pkcs7-mime"
    return _by_magic(content, declared) or _by_words(content, declared.lower(), name)


def _by_magic(content: bytes, declared: str) -> str:
    if content[4:8] == b"ftyp" and content[8:12] in {b"heic", b"heix", b"mif1", b"hevc"}:
        return "image/heic"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if re.match(rb"<(!doctype html|html)", head, re.IGNORECASE):
        return "text/html"
    shown = (media_type for magic, media_type in _MAGIC if head.startswith(magic))
    found = next((m for m in shown if m != "image/bmp" or declared.startswith("image/")), "")
    # only what begins as nothing else may begin with noise before its PDF: a container may hold one
    return found or ("application/pdf" if b"%PDF-" in content[:1024] else "")


def _by_words(content: bytes, declared: str, name: str) -> str:
    binary = b"\x00" in content[:4096] and content[:2] not in {b"\xff\xfe", b"\xfe\xff"}
    guessed = mimetypes.guess_type(f"x.{name.rpartition('.')[2]}")[0] if "." in name else None
    vague = declared in {"", "application/octet-stream", "application/x-download", "application/force-download"}
    if binary:
        claims_text = declared.startswith("text/") or declared == "application/pdf"
        return "application/octet-stream" if vague or claims_text else declared
    if guessed in {"text/csv", "application/xml", "text/xml", "text/plain", "text/html", "message/rfc822"}:
        return "application/xml" if guessed == "text/xml" else guessed
    if name.lower().endswith((".edi", ".edifact")):
        return "application/edifact"
    if name.lower().endswith(_PROGRAMS):
        return "application/x-msdownload"
    return "text/plain" if vague or declared.startswith(("image/", "application/pdf")) else declared


def _in_zip(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [info.filename for info in archive.infolist()[:500]]
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                return archive.read("mimetype").decode("ascii", "replace").strip()
    except Exception:  # noqa: BLE001 - a broken archive is still an archive, for a person to look at
        return "application/zip"
    for folder, media_type in _IN_ZIP:
        if any(name.startswith(folder) for name in names):
            return media_type
    return "application/zip"


def _in_ole(content: bytes) -> str:
    found = (media_type for stream, media_type in _IN_OLE if stream.encode("utf-16-le") in content)
    return next(found, "application/x-ole-storage")


def filename(part: Message) -> str:
    """The name that the sender gave, repaired (E38, E49), '' when none; it is not safe yet."""
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        for value in raw_values(part, header):
            found = re.findall(_PARAMETER.format(parameter), value, re.IGNORECASE)
            if found:
                return _joined(found)
    return ""


def _joined(sections: list[tuple[str, str, str]]) -> str:
    """A parameter from its sections (RFC 2231); the charset it announces is only believed when it holds."""
    numbered = sorted(sections, key=lambda section: int(section[0][:6] or 0))
    extended = [section for section in numbered if section[0] or section[1]]
    charset, content = "", b""
    for index, (_, star, written) in enumerate(extended or numbered[:1]):
        value = re.sub(r"\\(.)", r"\1", written.strip('"')) if written.startswith('"') else written
        if star and index == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        raw = value.encode("utf-8", "surrogateescape")
        content += unquote_to_bytes(raw) if star else raw
    text = text_of(content, charset)
    return decoded(text) if "=?" in text else text


def safe_name(name: str, media_type: str = "", position: int = 1) -> str:
    """A name that is safe to show and to store under: no path, no control or direction marks, at most 120 letters."""
    last = re.split(r"[/\\]", clean(name))[-1]
    visible = "".join(" " if letter.isspace() else letter for letter in last if letter.isspace() or _visible(letter))
    tidy = " ".join(_RESERVED.sub("_", visible).split()).strip(". ")
    if not tidy:
        extension = _EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type) or ".bin"
        return f"document-{position}{extension}"
    stem, dot, extension = tidy.rpartition(".")
    if len(tidy) <= 120:
        return tidy
    return f"{stem[: 119 - len(extension)]}{dot}{extension}" if dot and len(extension) <= 10 else tidy[:120]


def _visible(letter: str) -> bool:
    return unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def uuencoded(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text without the files that old programs write into it, and those files (E47)."""
    files: list[tuple[str, bytes]] = []

    def taken(match: re.Match[str]) -> str:
        try:
            content = b"".join(_line(line) for line in match[2].splitlines())
        except binascii.Error:
            return match[0]
        files.append((match[1].strip(), content))
        return ""

    return (_UUENCODED.sub(taken, text), files) if "begin " in text else (text, files)


def _line(line: str) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:  # some encoders pad the last line wrongly
        length = (((ord(line[0]) - 32) & 63) * 4 + 5) // 3
        return binascii.a2b_uu(line[:length])
