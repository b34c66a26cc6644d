"""Lines of an order in prose, lists and chat bubbles: each piece of a sentence with a quantity is a line.

What a sentence corrects (« 4, non 5 ») counts as corrected; what it does not want is no line; what it tells of the
stock at hand is none either; a line that leaves its article out takes it from the line before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache

from intake.reading.counts import Count, all_counts, best_count
from intake.reading.ellipses import lacks, qualities_only, varied
from intake.reading.naming import as_written, behind_request, named, trimmed
from intake.reading.offers import without_mentions
from intake.reading.pieces import Piece, content, only_qualities, pieces
from intake.reading.tokens import Token, blotted
from intake.reading.values import AskedLine, Evidence
from intake.reading.words import phrase, plain, unit_named, words
from intake.reading.zones import written_lines

_CODE = re.compile(
    r"(?<!\w)(?:(?=[A-Z0-9/_-]*\d)(?=[A-Z0-9/_-]*[A-Z])[A-Z0-9][A-Z0-9/_-]{3,}|[A-Z]{2,}(?:-[A-Z0-9]+)+|\d{8,14})(?!\w)"
)
_LIKELY, _LOOSE, _OPEN = Decimal("0.7"), Decimal("0.8"), Decimal("0.4")


@dataclass(frozen=True, slots=True)
class Asked:
    """The lines of a text, what it does not want, and whether it asks in so many words."""

    lines: tuple[AskedLine, ...] = ()
    removed: tuple[str, ...] = ()


def lines(text: str) -> tuple[AskedLine, ...]:
    """The lines that the text asks for, in its order; greetings, signatures and refusals are not lines."""
    return asked(text).lines


def asked(text: str, *, codes: frozenset[str] = frozenset()) -> Asked:
    """The lines that the text asks for, and what it does not want; `codes` are the known codes of articles, plain."""
    reader = _Reader(text, plain(text))
    blot = blotted(without_mentions(reader.flat), text)
    for start, end in written_lines(reader.flat):
        reader.line(list(pieces(blot, start, end, codes)))
    return reader.asked()


@dataclass(slots=True)
class _Reader:
    """What was read so far: lines, lines that only « un » counts, what is not wanted, and what may still be meant.

    `heading` names the article that lines of mere qualities vary, `told` the line that only tells (a stock),
    `common` are qualities that every line below has (« en blanc : »), `section` the last heading on a
    line of its own, `title` the words before a colon on this line,
    `uncounted` the articles named so far on this line without a quantity, `every` the quantity that each one gets.
    """

    text: str
    flat: str
    found: list[AskedLine] = field(default_factory=list)
    loose: list[AskedLine] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    heading: str = ""
    common: str = ""
    section: str = ""
    title: str = ""
    told: AskedLine | None = None
    uncounted: list[Piece] = field(default_factory=list)
    every: Count | None = None

    def asked(self) -> Asked:
        """The lines in their order; those that only « un » counts only where the text asks or lists."""
        asks = bool(phrase("lines", "request").search(self.flat))
        if self.loose and (self.found or asks):
            loose = (replace(line, certainty=_LOOSE) for line in self.loose)
            self.found = sorted([*self.found, *loose], key=lambda line: line.evidence.start)
        return Asked(tuple(self.found), tuple(self.removed))

    def line(self, of_line: list[Piece]) -> None:
        """Read one written line."""
        self.uncounted, self.title = [], self.section
        if of_line and phrase("lines", "returned").search(self.flat[of_line[0].start : of_line[-1].end]):
            return
        if any(best_count(piece.tokens) for piece in of_line):
            self.every = None
        for piece in of_line:
            self._piece(piece)

    def _piece(self, piece: Piece) -> None:
        said = self.flat[piece.start : piece.end]
        refusal = phrase("lines", "negation").search(said)
        if refusal and not phrase("lines", "request").search(said, refusal.end()):
            place = piece.start + refusal.start()
            before = [t for t in piece.tokens if t.end <= place]
            counted = best_count(before)
            if counted is None or not content([t for t in before if not counted.start <= t.start < counted.end]):
                self._refuse(piece, piece.start + refusal.end())
                return
            self._refuse(piece, piece.start + refusal.end())
            piece = Piece(before, piece.start, place, piece.lone)
            said = self.flat[piece.start : piece.end]
        told = bool(phrase("lines", "stock").search(said))
        for read in self._lines(piece):
            if told:
                self.told = read
            else:
                self._take(read, piece)

    def _refuse(self, piece: Piece, place: int) -> None:
        """Note what stands behind a refusal."""
        self.removed.append(as_written(self.text, trimmed([t for t in piece.tokens if t.start >= place])))

    def _take(self, line: AskedLine, piece: Piece) -> None:
        """Add a line, or correct the earlier one that it means."""
        if any(t.kind == "correction" for t in piece.tokens):
            position = _corrected(self.found, line)
            if position is None:
                self._doubt(self.text[piece.start : piece.end])
            else:
                meant = self.found[position]
                self.found[position] = replace(line, designation=meant.designation, unit=line.unit or meant.unit)
                return
        before = self.found[-1] if self.found else None
        if not line.designation and not line.codes:
            self._more_of_told(line)
            return
        merged = varied(line, before, self.heading)
        plain_line = merged is line
        if self.common and lacks(merged.designation, self.common):
            merged = replace(merged, heading=self.common)
        elif plain_line and self.title:
            merged = replace(merged, heading=self.title)
        if plain_line and not qualities_only(line.designation):
            self.heading = ""
        (self.loose if merged.certainty == 0 else self.found).append(merged)

    def _doubt(self, words_: str) -> None:
        """A correction that means no line plainly makes those that share a word with it doubtful."""
        said = {word for word in _roots(words_) if len(word) > 2}
        self.found = [
            replace(one, certainty=min(_LIKELY, one.certainty)) if said & _roots(one.designation) else one
            for one in self.found
        ]

    def _more_of_told(self, line: AskedLine) -> None:
        """« il en reste 3 cartons, livrez-en 10 » : what was told names what is asked."""
        if self.told is not None:
            certainty = min(_LIKELY, line.certainty)
            unit = line.unit or self.told.unit
            self.found.append(replace(line, designation=self.told.designation, unit=unit, certainty=certainty))
            self.told = None

    def _lines(self, piece: Piece) -> Iterator[AskedLine]:
        """The line of a piece; several when it asks for one of each."""
        said = self.flat[piece.start : piece.end]
        each = phrase("lines", "each").search(said)
        inside = [
            t for t in piece.tokens if not each or not piece.start + each.start() <= t.start < piece.start + each.end()
        ]
        inside, aside = _asides(self._behind_title(inside))
        count = best_count(inside)
        if count is None:
            yield from self._uncounted(piece, inside, each=bool(each))
            return
        if count.start > inside[0].start and any(t.kind == "correction" and t.end <= count.start for t in inside):
            inside = _without_corrected(inside, count)
        chosen, start, certain = named(inside, count)
        if not content(chosen) and count.content is not None and (self.heading or self.title):
            held = count.content  # « 4 barres de 12 » under a heading names what it counts by its size
            chosen = [t for t in inside if t.value == held and count.start < t.start < count.end]
            count = replace(count, content=None)
        self._note_heading(inside, count, chosen)
        corrected = any(t.kind == "correction" for t in piece.tokens)
        line = self._written(piece, count, chosen, start, certain, aside)
        if each and not content(chosen) and not line.codes:
            self.every = count
            yield from self._of_each(self.uncounted, count)
            self.uncounted = []
            return
        if not content(chosen) and not line.codes and not corrected:
            if self.told is not None:
                yield line
            return
        if each:
            yield from self._of_each(self.uncounted, count)
            self.uncounted, self.every = [], count
            parts = re.split(r"\s+(?:et|and)\s+|,\s*", line.designation)
            yield from _each(line, parts)
            return
        yield _in_parts(line, chosen)

    def _written(
        self, piece: Piece, count: Count, chosen: list[Token], start: int, certain: Decimal, aside: Count | None
    ) -> AskedLine:
        """A line from its parts."""
        said = self.text[piece.start : piece.end]
        known = [self.text[t.start : t.end] for t in piece.tokens if t.kind == "code" and _coded(t, chosen)]
        codes = tuple(dict.fromkeys([*_CODE.findall(said), *known]))
        designation = _by().sub(r"\1x\2", as_written(self.text, chosen))
        begin = start if chosen and chosen[0].start >= count.end else min([count.start, *(t.start for t in chosen)])
        stop = max([count.end, *(t.end for t in chosen)])
        certainty = min(certain, count.certainty)
        if not codes and not re.search(r"[^\W\d_]{2}", designation):
            certainty = min(certainty, _LIKELY)  # « 12 x 4021 » : which number counts?
        if phrase("lines", "compared").search(self.flat[piece.start : piece.end]):
            certainty = min(certainty, _OPEN)
        holds = aside.value if aside is not None and aside.unit == "x" else None
        return AskedLine(
            text=self.text[begin:stop].strip(" ,.;:-\n"),
            designation=designation,
            quantity=count.value,
            unit=self.found[-1].unit if count.same and self.found else count.unit,
            reference=next((code for code in codes if code in designation), ""),
            codes=codes,
            content=count.content or holds,
            certainty=Decimal(0) if count.article and not unit_named(count.unit) else certainty,
            evidence=Evidence("body", begin, stop),
            bare=count.bare,
            again=(aside.value, aside.unit) if aside is not None and holds is None else None,
        )

    def _behind_title(self, inside: list[Token]) -> list[Token]:
        """« Sirops : menthe 6, citron 3 » : the title stands for itself, what follows is the line."""
        colon = next((place for place, t in enumerate(inside) if t.text == ":"), None)
        if colon is None or best_count(inside[:colon]) is not None:
            return inside
        behind = inside[colon + 1 :]
        count = best_count(behind)
        name = content([t for t in behind if count is None or not count.start <= t.start < count.end])
        if count is None or not content(inside[:colon]) or not name or only_qualities(name):
            return inside
        self.title = as_written(self.text, trimmed(behind_request(inside[:colon])))
        return behind

    def _note_heading(self, inside: list[Token], count: Count, chosen: list[Token]) -> None:
        """« Peignoirs : 4 en M, 3 en L » : what stands before the colon names what the next lines vary."""
        before = [t for t in inside if t.end <= count.start]
        colon = next((place for place, t in enumerate(before) if t.text == ":"), None)
        if colon is not None and content(before[:colon]) and chosen and chosen[0].start <= before[0].start:
            heading = as_written(self.text, trimmed(behind_request(before[:colon])))
            self.heading = "" if qualities_only(heading) else heading

    def _uncounted(self, piece: Piece, inside: list[Token], *, each: bool) -> Iterator[AskedLine]:
        """An article without a quantity: a heading, one of several that each get the same, or asked for without one."""
        name = trimmed(inside)
        if self.every is not None and not each and name and len(content(name)) <= 5:
            yield from self._of_each([piece], self.every)
            return
        if phrase("lines", "idem").match(plain(as_written(self.text, name))) and self.found:
            begin, stop = name[0].start, name[-1].end
            evidence = Evidence("body", begin, stop)
            same = replace(self.found[-1], text=self.text[begin:stop], evidence=evidence, certainty=_LIKELY, codes=())
            yield replace(same, designation=as_written(self.text, name), reference="")
            return
        asked_for = _unquantified(self.text, piece, listed=bool(self.found))
        if asked_for is not None:
            yield asked_for
            return
        if not content(name):
            return
        self.uncounted.append(piece)
        if piece.lone and len(content(name)) <= 6:
            heading = as_written(self.text, [t for t in behind_request(name) if t.text != ":"])
            colon = self.flat[piece.start : piece.end].rstrip().endswith(":")
            if not qualities_only(heading):
                self.heading = self.section = heading
                self.common = ""
            elif colon:
                self.heading, self.common = "", heading

    def _of_each(self, of: Iterable[Piece], count: Count) -> Iterator[AskedLine]:
        for piece in of:
            chosen = trimmed(behind_request(piece.tokens))
            if content(chosen):
                begin, stop = chosen[0].start, chosen[-1].end
                yield AskedLine(
                    text=self.text[begin:stop], designation=as_written(self.text, chosen), quantity=count.value,
                    unit=count.unit, evidence=Evidence("body", begin, stop), certainty=min(_LOOSE, count.certainty),
                )  # fmt: skip


def _without_corrected(inside: list[Token], count: Count) -> list[Token]:
    """The tokens of a piece without the quantity that a later one corrects."""
    wrong = [one for one in all_counts(inside) if one.end <= count.start]
    return [t for t in inside if not any(one.start <= t.start < one.end for one in wrong)]


@cache
def _by() -> re.Pattern[str]:
    """« 150 par 250 » is a size."""
    return re.compile(rf"(?i)(?<![\w,.])(\d{{2,4}}) (?:{'|'.join(words('numbers')['words']['by'])}) (\d{{2,4}})(?!\w)")


def _coded(token: Token, chosen: list[Token]) -> bool:
    """A bare number, or what a label says is a code, is one."""
    return token.text.isdigit() or (token in chosen and len(token.text) >= 4 and any(c.isdigit() for c in token.text))


def _asides(inside: list[Token]) -> tuple[list[Token], Count | None]:
    """The tokens without a second quantity in brackets or behind « soit », and that quantity."""
    opened = next((place for place, t in enumerate(inside) if t.text == "("), None)
    told = set(words("numbers")["words"]["that_is"])
    place = opened if opened is not None else next((i for i, t in enumerate(inside) if t.text in told), None)
    if place is None:
        return inside, None
    closed = next(
        (i for i in range(place, len(inside)) if opened is not None and inside[i].text == ")"), len(inside) - 1
    )
    group = [t for t in inside[place + 1 : closed] if t.text not in told]
    rest = [*inside[:place], *inside[closed + 1 :]]
    main, second = best_count(rest), best_count(group)
    if main is None or main.weight < 3 or second is None or main.article:
        return inside, None
    if any(t.kind == "times" for t in group):
        return rest, replace(second, unit="x")
    bare = [t for t in content(group) if not second.start <= t.start < second.end]
    return (rest, second) if second.unit and not bare else (inside, None)


def _in_parts(line: AskedLine, chosen: list[Token]) -> AskedLine:
    """« 20 taies dont 5 grises » is for a person to share out."""
    of_which = set(words("phrases")["lines"]["of_which"])
    return replace(line, certainty=min(_OPEN, line.certainty)) if any(t.text in of_which for t in chosen) else line


def _each(line: AskedLine, parts: list[str]) -> Iterator[AskedLine]:
    first = replace(line, designation=parts[0])
    yield first
    for part in parts[1:]:
        yield varied(replace(line, designation=part), first)


def _unquantified(text: str, piece: Piece, *, listed: bool) -> AskedLine | None:
    """« il nous faut du papier », and « de la colle » in a list: an article that is asked for without a quantity."""
    some = phrase("lines", "some")
    for position, token in enumerate(piece.tokens):
        asks = token.kind == "request" or (listed and position == 0)
        first = position + (token.kind == "request")
        if not asks or first >= len(piece.tokens) or not some.match(plain(text[piece.tokens[first].start : piece.end])):
            continue
        chosen = trimmed(piece.tokens[first:])
        if chosen and len(chosen) <= 7:
            begin, stop = chosen[0].start, chosen[-1].end
            evidence = Evidence("body", begin, stop)
            return AskedLine(text[begin:stop], as_written(text, chosen), None, evidence, certainty=Decimal("0.5"))
    return None


def _corrected(found: list[AskedLine], line: AskedLine) -> int | None:
    """Which earlier line a correction means: the one that names the same article, the last when it names none."""
    if not found:
        return None
    if not re.search(r"[^\W\d_]{2,}", line.designation):
        return len(found) - 1
    merged = varied(line, found[-1]).designation
    said = _roots(line.designation)
    for position in range(len(found) - 1, -1, -1):
        earlier = _roots(found[position].designation)
        if earlier in (_roots(merged), said) or (said and said <= earlier):
            return position
    return None


def _roots(designation: str) -> set[str]:
    stop = set(words("words")["stop"])
    return {word.rstrip("sxe") or word for word in re.findall(r"[a-z0-9]+", plain(designation)) if word not in stop}
