"""HTML to the lines a person sees: a row of a table is one line with tabs, a citation has `>` before each line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lxml import etree

from intake.mime.charsets import clean
from intake.mime.hidden import taken_out

if TYPE_CHECKING:
    from collections.abc import Iterator

# fmt: off
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre",
    "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
})
_CELLS = frozenset({"td", "th"})
_UNSEEN = frozenset({"head", "script", "style", "title", "template", "noscript"})
# fmt: on
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_TAG = re.compile(r"<[^<>]*>")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


_UNPARSABLE = (etree.LxmlError, ValueError, TypeError, RecursionError, AssertionError)


class Page:
    """A mail's HTML part: the text as it is seen, and `hidden`, what it holds and does not show."""

    def __init__(self, markup: str) -> None:
        self._markup = markup
        try:
            self._root = _parsed(markup)
            self.hidden = "" if self._root is None else clean(taken_out(self._root, markup))
        except _UNPARSABLE:
            self._root, self.hidden = None, ""

    def text(self) -> str:
        """The lines that a person sees; markup that cannot be parsed loses its tags only."""
        try:
            lines = [] if self._root is None else _Lines().of(self._root)
        except _UNPARSABLE:
            lines = []
        if not lines and not self.hidden:
            return "" if self._root is not None else clean(_TAG.sub("", self._markup)).strip()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    def rows(self) -> list[list[str]]:
        """The rows of the tables that hold data: at least two filled cells, and no table inside."""
        try:
            rows = [] if self._root is None else [_cells(row) for row in self._root.iter("tr")]
        except _UNPARSABLE:
            return []
        return [cells for cells in rows if len(cells) > 1]


def _parsed(markup: str) -> etree._Element | None:
    text = _DECLARATION.sub("", markup).strip()
    return etree.HTML(text) if text else None


def _cells(row: etree._Element) -> list[str]:
    """The filled cells of a row, none when a table stands inside it."""
    cells: list[str] = []
    for cell in row:
        if cell.tag not in _CELLS:
            continue
        if not len(cell):
            shown = _BLANKS.sub(" ", cell.text or "").strip()
        elif next(cell.iter("table"), None) is not None:
            return []
        else:
            shown = " ".join(_Lines().of(cell)).strip()
        if shown:
            cells.append(shown)
    return cells


@dataclass
class _Lines:
    """The lines written so far, and the one being written."""

    done: list[str] = field(default_factory=list)
    line: str = ""

    def of(self, element: etree._Element) -> list[str]:
        self.walk(element)
        self.end()
        return self.done

    def end(self) -> None:
        """End the line, if anything stands on it."""
        if self.line.strip():
            self.done.append(self.line.strip())
        self.line = ""

    def write(self, text: str | None, *, literally: bool = False) -> None:
        if not text:
            return
        if literally:
            *complete, rest = text.split("\n")
            for line in complete:
                self.done.append((self.line + line).rstrip())
                self.line = ""
            self.line += rest
            return
        words = _BLANKS.sub(" ", text)
        self.line += words.lstrip(" ") if not self.line or self.line.endswith((" ", "\t")) else words

    def walk(self, element: etree._Element, *, literally: bool = False) -> None:
        """Write what an element shows, without what follows it."""
        tag = element.tag
        if not isinstance(tag, str) or tag in _UNSEEN:
            return
        if tag == "br":
            self.done.append(self.line.strip())
            self.line = ""
        elif tag == "blockquote":
            self.end()
            self._cited(element)
        elif tag in _BLOCKS:
            self._block(element, literally=literally or tag == "pre")
        else:
            self.inside(element, literally=literally)

    def inside(self, element: etree._Element, *, literally: bool = False) -> None:
        """Write what stands inside an element."""
        self.write(element.text, literally=literally)
        for child in element:
            self.walk(child, literally=literally)
            self.write(child.tail, literally=literally)

    def _block(self, element: etree._Element, *, literally: bool) -> None:
        tag = element.tag
        if tag == "tr" and self._row(element):
            return
        self.end()
        if tag == "p" and self.done and self.done[-1]:
            self.done.append("")
        if tag == "li":
            self.line = "- "
        self.inside(element, literally=literally)
        self.end()
        if tag == "p":
            self.done.append("")

    def _row(self, row: etree._Element) -> bool:
        """Write a row as one line; False when a cell holds a table or lines of its own, which stay lines."""
        if next(row.iter("table"), None) is not None:
            return False
        cells = [list(lines) for lines in self._cells(row)]
        filled = [lines for lines in cells if lines]
        if len(filled) == 1 and len(filled[0]) > 1:
            return False
        self.end()
        self.line = "\t".join(" ".join(lines) for lines in cells).rstrip("\t")
        if self.line.strip():
            self.done.append(self.line)
        self.line = ""
        return True

    @staticmethod
    def _cells(row: etree._Element) -> Iterator[list[str]]:
        for cell in row:
            if cell.tag in _CELLS:
                yield [line for line in _Lines().of(cell) if line]

    def _cited(self, element: etree._Element) -> None:
        inner = _Lines()
        inner.inside(element)
        inner.end()
        lines = "\n".join(inner.done).strip("\n").split("\n")
        self.done += [f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in lines]
