"""Which lines of a text are written to be read: without closing formula, signature, legal footer and list numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from intake.reading.words import phrase, words

_WRAPPED = 60
#: « 1) » and « 1. » number a line whatever follows; behind « 1 - » another number must stand, the quantity.
_NUMBERING = re.compile(r"[ ]*\(?(\d{1,2}) ?(?:[).](?=\D)|/(?=[^\d])|°|-(?= (?:.*\d)))[ ]*(?=\S)")


def written_lines(flat: str) -> Iterator[tuple[int, int]]:
    """The lines before the closing formula, signature or legal footer; wrapped prose is joined."""
    footer, ends, separator = phrase("zones", "footers"), _ending(), phrase("zones", "separators")
    start, ended = 0, False
    spans: list[tuple[int, int]] = []
    for line in flat.split("\n"):
        stop = start + len(line)
        bare = line.strip()
        if footer.search(line) or separator.fullmatch(bare):
            break
        if bare and ends.fullmatch(bare) and not phrase("lines", "request").search(bare):
            ended = ended or bool(re.search(r"\d|\b(?:une?|deux|trois)\b", flat[:start]))
        elif bare and (not ended or bare.startswith("ps") or phrase("lines", "request").search(bare)):
            before = flat[spans[-1][0] : spans[-1][1]] if spans else ""
            if (
                spans
                and spans[-1][1] == start - 1
                and len(before) >= _WRAPPED
                and re.match(r"[a-z(]", bare)
                and not before.rstrip().endswith((".", ":", ";"))
            ):
                spans[-1] = (spans[-1][0], stop)
            else:
                spans.append((start, stop))
        start = stop + 1
    yield from _unnumbered(flat, spans)


def _unnumbered(flat: str, spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The lines without the numbers of a list (« 1) », « 2) »): at least two, counted from one."""
    numbers = [_NUMBERING.match(flat, start, stop) for start, stop in spans]
    expected = 1
    run: list[int] = []
    places: dict[int, int] = {}
    for place, found in enumerate(numbers):
        if found and int(found[1]) == expected:
            run.append(place)
            expected += 1
        elif found and int(found[1]) == 1:
            run, expected = [place], 2
        if len(run) >= 2:
            places |= {index: numbers[index].end() for index in run}  # type: ignore[union-attr]
    for place, (start, stop) in enumerate(spans):
        yield places.get(place, start), stop


@cache
def _ending() -> re.Pattern[str]:
    closings = "|".join(words("phrases")["zones"]["closings"])
    signatures = "|".join(words("phrases")["zones"]["signature"])
    return re.compile(rf"(?:{closings})(?:[\s,.!a-z'-]{{0,40}})|(?:{signatures})")
