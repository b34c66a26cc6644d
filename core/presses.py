"""The press: WeasyPrint made ready once, printing pages that can fetch nothing but what stands in memory.

The same `Document` gives the same bytes: dates and identifiers come from it, fonts ship with us.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from xml.etree.ElementTree import fromstring

import cssselect2
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from core import facturx, pages
from core.documents import INVOICES, Document, identifier

_TYPES = {"svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg"}


class Assets(URLFetcher):  # type: ignore[misc]
    """The only things a page may ask for: `asset:NAME`, answered from memory. Everything else is refused."""

    def __init__(self, known: Mapping[str, bytes]) -> None:
        super().__init__(allowed_protocols=("asset",), allow_redirects=False)
        self.known = dict(known)

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:  # noqa: ARG002 - WeasyPrint's own signature
        """The bytes of an asset; any other address is an error, and WeasyPrint goes on without it."""
        scheme, _, name = url.partition(":")
        if scheme != "asset" or name not in self.known:
            raise ValueError("a page may only use its assets")
        kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        return URLFetcherResponse(url, self.known[name], {"Content-Type": kind})


class Page(HTML):  # type: ignore[misc]
    """A page of ours: well-formed, so that the faster XML parser reads it, and styled by our own sheet alone."""

    def __init__(self, text: str, fetcher: Assets) -> None:
        self.base_url, self.url_fetcher, self.media_type = None, fetcher, "print"
        tree = fromstring(text)  # noqa: S314 - our own template, every value escaped, without a DTD
        self.wrapper_element = cssselect2.ElementWrapper.from_html_root(tree, content_language=None)
        self.etree_element = self.wrapper_element.etree_element

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:  # noqa: ARG002 - WeasyPrint's own signature
        return []


def settle() -> None:
    """Make a process ready to print for long: what is loaded stays, and cycles are looked for less often."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


class Press:
    """WeasyPrint made ready once: assets, fonts and style sheets are read once and used for every page."""

    def __init__(self, assets: Mapping[str, bytes] | None = None) -> None:
        shipped = (pages.FOLDER / "fonts").iterdir()
        fonts = {file.name: file.read_bytes() for file in shipped if file.name.endswith(".ttf")}
        self.assets = Assets({**fonts, **(assets or {})})
        self.fonts = FontConfiguration()
        self._sheet("fonts.css")  # read once for its faces, which stay with `fonts`
        self._styles: dict[str, CSS] = {}

    def _sheet(self, name: str, accent: str = "") -> CSS:
        text = (pages.FOLDER / name).read_text("utf-8").replace("@accent", accent)
        return CSS(string=text, url_fetcher=self.assets, font_config=self.fonts)

    def _style(self, accent: str) -> CSS:
        """Our style sheet in the firm's colour: a variable of CSS would be looked up anew for every element."""
        if accent not in self._styles:
            self._styles[accent] = self._sheet("style.css", accent)
        return self._styles[accent]

    def pdf(self, document: Document, assets: Mapping[str, bytes] | None = None) -> bytes:
        """The document as PDF, its page shown `assets` beside our own; an invoice is a PDF/A-3 that carries its XML."""
        invoice = document.kind in INVOICES and bool(document.number)  # a preview is no invoice yet
        page, pictures = pages.render(document)
        pictures |= assets or {}
        fetcher = Assets({**self.assets.known, **pictures}) if pictures else self.assets
        made: bytes = Page(page, fetcher).write_pdf(
            stylesheets=[self._style(pages.accent(document))],
            font_config=self.fonts,
            pdf_identifier=identifier(document),
            pdf_variant="pdf/a-3b" if invoice else None,
        )
        return facturx.embed(made, facturx.invoice_xml(document), document) if invoice else made
