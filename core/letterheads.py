"""The firm's logo: read once from its folder, kept by its hash, drawn on every paper that was issued with it.

A paper's frozen content names the bytes, so that a reprint shows the logo of its day whatever the file has become.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree
from PIL import Image, ImageFile, UnidentifiedImageError
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import messages
from core.db import Base
from core.errors import Refused

if TYPE_CHECKING:
    from core.documents import Document
    from core.settings import House

MAX_BYTES, MAX_PIXELS = 1_000_000, 16_000_000
_SVG = "{http://www.w3.org/2000/svg}"
#: What an SVG may not hold: fonts differ from machine to machine, and a page runs and fetches nothing.
_NOT_DRAWN = frozenset({"text", "script", "foreignObject", "image", "style", "a", "animate", "set"})


class Emblem(Base):
    """A logo that papers were or may be issued with: its bytes stay as long as the papers."""

    __tablename__ = "emblem"

    sha256: Mapped[str] = mapped_column(ForeignKey("blob.sha256"), primary_key=True)
    kept_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture that a page may show: PNG or JPEG in RGB or grey, or an SVG that needs nothing beside itself."""

    content: bytes
    extension: str

    @property
    def sha256(self) -> str:
        """The hash by which the bytes are kept."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def name(self) -> str:
        """The asset's name on pages: the hash of the bytes, and what they are."""
        return f"{self.sha256}.{self.extension}"


def read(folder: Path, name: str) -> Logo:
    """The logo in the firm's folder; refuses what is missing, stands outside, or could not be printed as PDF/A."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise Refused("logo_outside_folder", file=name)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Refused("logo_missing", file=name) from error
    if len(content) > MAX_BYTES:
        raise Refused("logo_too_large", file=name, most=MAX_BYTES // 1000)
    drawing = path.suffix.lower() == ".svg"
    return Logo(content, _drawn(content, name) if drawing else _picture(content, name))


@contextmanager
def _whole() -> Iterator[None]:
    """A picture that is cut is refused, though WeasyPrint tells Pillow to draw what there is of one."""
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _picture(content: bytes, name: str) -> str:
    try:
        with warnings.catch_warnings(), _whole(), Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if image.width * image.height > MAX_PIXELS:
                raise Refused("logo_too_large", file=name, most=MAX_BYTES // 1000)
            image.load()
            kind, mode = image.format, image.mode
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombWarning) as error:
        raise Refused("logo_unreadable", file=name) from error
    if mode in {"CMYK", "YCbCr", "LAB"}:  # the pages promise sRGB alone (PDF/A output intent)
        raise Refused("logo_not_rgb", file=name)
    return "png" if kind == "PNG" else "jpg"


def _drawn(content: bytes, name: str) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Refused("logo_unreadable", file=name) from error
    if tree.tag != f"{_SVG}svg" or tree.getroottree().docinfo.internalDTD is not None:
        raise Refused("logo_unreadable", file=name)
    for node in tree.iter(etree.Element):
        values = [str(value) for value in node.attrib.values()]
        links = [str(value) for key, value in node.attrib.items() if etree.QName(key).localname == "href"]
        outside = any(not link.startswith("#") for link in links) or any(
            "url(" in value and "url(#" not in value for value in values
        )
        if etree.QName(node.tag).localname in _NOT_DRAWN or outside:
            raise Refused("logo_not_self_contained", file=name, part=etree.QName(node.tag).localname)
    return "svg"


def keep(session: Session, house: House, *, at: datetime) -> None:
    """Keep the logo's bytes for the papers to come, once; a house without one has nothing to keep."""
    if (logo := house.letterhead) is not None and session.get(Emblem, logo.sha256) is None:
        session.add(Emblem(sha256=messages.keep(session, logo.content), kept_at=at))
        session.flush()


def ensure_kept(session: Session, document: Document) -> None:
    """Refuse to issue a paper with a logo whose bytes are not kept: it could not be printed again."""
    if document.logo and session.get(Emblem, document.logo.partition(".")[0]) is None:
        raise Refused("logo_not_kept")


def assets(session: Session, document: Document) -> dict[str, bytes]:
    """What the page of the document may ask for, by name."""
    sha256 = document.logo.partition(".")[0]
    return {document.logo: messages.content_of(session, sha256)} if sha256 else {}
