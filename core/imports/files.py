"""A CSV file as spreadsheets write it, read cell by cell; every wrong cell is named by line and column, all at once."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import Refused
from core.exports.cells import restored
from core.identifiers import valid

_PLAIN = re.compile(r"-?\d+(?:[.,]\d+)?")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:\.\d{3})+,\d+")
_FLAGS = {"yes": True, "oui": True, "true": True, "vrai": True, "1": True, "x": True,
          "no": False, "non": False, "false": False, "faux": False, "0": False}  # fmt: skip
_BLANKS = re.compile(r"\s")
_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_EMAIL = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+\.[^\s@<>,;:\".]+")


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said about one cell: `column` is empty when the whole row is meant."""

    line: int
    column: str
    text: str

    def __str__(self) -> str:
        where = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{where}: {self.text}"


class ImportRefused(Refused):
    """The file has wrong cells; nothing of it was imported."""

    def __init__(self, problems: Iterable[Remark]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.line, p.column)))
        super().__init__("import_refused", problems=len(self.problems))

    def __str__(self) -> str:
        """Every wrong cell, one a line."""
        return "\n".join(map(str, self.problems))


@dataclass(slots=True)
class Report:
    """What a file changed, and what a person should look at."""

    kind: str
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    closed: int = 0
    superseded: int = 0
    notes: list[Remark] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """The file told nothing new."""
        return not (self.added or self.changed or self.closed or self.superseded)


@dataclass(frozen=True, slots=True)
class Row:
    """One record; a cell that cannot be read is noted in `problems` and answers None or an empty value."""

    line: int
    cells: dict[str, str]
    problems: list[Remark]

    def has(self, column: str) -> bool:
        """Whether the file has this column at all: what it does not have is left as it is."""
        return column in self.cells

    def wrong(self, column: str, text: str) -> None:
        """Note a problem."""
        self.problems.append(Remark(self.line, column, text))

    def text(self, column: str, *, required: bool = False) -> str:
        """The cell without outer blanks."""
        value = " ".join(self.cells.get(column, "").split())
        if required and not value:
            self.wrong(column, "is empty")
        return value

    def words(self, column: str) -> list[str]:
        """The parts of a cell that holds several values, separated by `;` (or `|`), each once."""
        parts = (part.strip() for part in re.split(r"[;|]", self.text(column)))
        return list(dict.fromkeys(part for part in parts if part))

    def number(
        self, column: str, *, places: int, required: bool = False, low: int | None = 0, value: str | None = None
    ) -> Decimal | None:
        """The cell as a number with a decimal point or comma; None when it is empty or wrong."""
        written = self.text(column, required=required) if value is None else value
        if not written:
            return None
        bare = _BLANKS.sub("", written).rstrip("€%")
        if _THOUSANDS.fullmatch(bare):
            bare = bare.replace(".", "")
        if not _PLAIN.fullmatch(bare) or len(bare) > 16:
            self.wrong(column, f"{written!r} is not a number")
            return None
        found = Decimal(bare.replace(",", "."))
        if low is not None and found < low:
            self.wrong(column, f"{written} is below {low}")
            return None
        if found != round(found, places):
            self.wrong(column, f"{written} has more than {places} decimals")
            return None
        return found

    def flag(self, column: str) -> bool | None:
        """The cell as yes or no, as French and English programs write it; None when it is empty or wrong."""
        written = self.text(column).lower()
        if written and written not in _FLAGS:
            self.wrong(column, f"{written!r} is neither yes nor no")
        return _FLAGS.get(written)

    def switches(self, usual: Mapping[str, bool]) -> dict[str, bool]:
        """The yes-or-no columns that the file has; an empty or wrong cell says what is usual."""
        said = {column: self.flag(column) for column in usual if self.has(column)}
        return {column: usual[column] if answer is None else answer for column, answer in said.items()}

    def day(self, column: str, *, required: bool = True) -> date | None:
        """The cell as a day, 2026-11-02 or 02/11/2026; None when it is empty or wrong."""
        written = self.text(column, required=required)
        french = _DAY.fullmatch(written)
        try:
            if french:
                return date(int(french[3]), int(french[2]), int(french[1]))
            return date.fromisoformat(written) if written else None
        except ValueError:
            self.wrong(column, f"{written!r} is not a date (2026-11-02 or 02/11/2026)")
            return None

    def identifier(self, column: str) -> str:
        """The cell as a SIREN, SIRET, VAT number or GTIN whose check digit is right; empty when it is empty."""
        written = self.text(column)
        return self.checked(column, lambda: valid(column, written), written) if written else ""

    def checked(self, column: str, make: Callable[[], Any], written: str) -> Any:
        """What `make` answers; a refusal becomes a problem of this cell and the answer an empty text."""
        try:
            return make()
        except Refused as error:
            self.wrong(column, f"{written!r} is not valid ({error.code})")
            return ""

    def emails(self, column: str) -> list[str]:
        """The cell as mail addresses."""
        found = [word.lower() for word in self.words(column)]
        for address in found:
            if not _EMAIL.fullmatch(address):
                self.wrong(column, f"{address!r} is not a mail address")
        return list(dict.fromkeys(found))


def decoded(content: bytes) -> str:
    """The text of a file written in UTF-8 or, as French spreadsheets do, in Windows-1252."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError as error:
            raise Refused("import_encoding_unknown") from error
    if "\0" in text:
        raise Refused("import_encoding_unknown")
    return text


def with_our_names(content: bytes, columns: Mapping[str, str]) -> bytes:
    """The file with our column names in place of the firm's own (`columns`: ours to theirs, in any case and spacing).

    Raises `ImportRefused` for a name that the file does not have.
    """
    if not columns:
        return content
    text = decoded(content)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [_folded(name) for name in next(reader, [])]
    absent = [Remark(1, ours, f"the file has no column {theirs!r}") for ours, theirs in columns.items()
              if _folded(theirs) not in header]  # fmt: skip
    if absent:
        raise ImportRefused(absent)
    ours = {_folded(theirs): name for name, theirs in columns.items()}
    made = io.StringIO(newline="")
    csv.writer(made, delimiter=delimiter, lineterminator="\n").writerow([ours.get(name, name) for name in header])
    rest = text.splitlines(keepends=True)[reader.line_num :]
    return (made.getvalue() + "".join(rest)).encode()


def _folded(name: str) -> str:
    return " ".join(name.lower().split())


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return ";" if first.count(";") > first.count(",") else ","


def records(
    content: bytes, *, required: Iterable[str], known: Iterable[str], report: Report, problems: list[Remark]
) -> list[Row]:
    """The records of the file; raises `ImportRefused` at once when its columns cannot be right."""
    text = decoded(content)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    header = [_folded(name) for name in next(reader, [])]
    missing = [Remark(1, name, "this column is missing") for name in required if name not in header]
    twice = [Remark(1, name, "this column is there twice") for name in set(header) if header.count(name) > 1]
    if missing or twice:
        raise ImportRefused([*missing, *twice])
    strange = (name for name in header if name not in {*required, *known})
    report.notes += [Remark(1, name, "this column is not known and was not read") for name in strange]
    return list(_records(reader, header, problems))


def _records(reader: Any, header: list[str], problems: list[Remark]) -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append(Remark(line, "", f"cannot be read: {error}"))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        row = Row(line, dict(zip(header, map(restored, cells), strict=False)), problems)
        if len(cells) == len(header):
            yield row
        else:
            row.wrong("", f"has {len(cells)} cells, the header has {len(header)}")


def assign(thing: object, values: dict[str, Any]) -> bool:
    """Set the attributes that differ; whether any did."""
    different = {name: value for name, value in values.items() if getattr(thing, name) != value}
    for name, value in different.items():
        setattr(thing, name, value)
    return bool(different)


class Once:
    """Notes a key that a file gives twice."""

    def __init__(self) -> None:
        self._lines: dict[Any, int] = {}

    def seen(self, row: Row, column: str, key: Any) -> bool:
        """Whether an earlier line has this key: then it is a problem of this one."""
        first = self._lines.setdefault(key, row.line)
        if first != row.line:
            row.wrong(column, f"is also on line {first}")
        return first != row.line
