"""What a line leaves out and takes from the line before or the heading above: « 5 rouges », « idem en 70x140 »."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache

from intake.reading.tokens import IDLE, Token, tokens
from intake.reading.values import AskedLine
from intake.reading.words import measures, phrase, plain, variant_classes, words

#: A word that stands for the article of the line before leaves some doubt when other words follow it.
_LIKELY = Decimal("0.7")


def varied(line: AskedLine, before: AskedLine | None, heading: str = "") -> AskedLine:
    """The line with what it leaves out: a line of mere qualities varies the heading or the article before it."""
    if line.codes:
        return line
    said = phrase("lines", "idem").match(plain(line.designation))
    rest = line.designation[said.end() :].strip(" :,-") if said else line.designation
    if said and before is not None:
        if not qualities_only(rest):
            return replace(
                line, designation=f"{before.designation} {rest}".strip(), certainty=min(_LIKELY, line.certainty)
            )
        return replace(line, designation=_changed(before.designation, rest))
    if not rest or not qualities_only(rest):
        return line
    alike = before is not None and _classes(rest) <= _classes(before.designation)
    from_ = heading or (before.designation if before is not None and alike else "")
    return replace(line, designation=_changed(from_, rest)) if from_ else line


def qualities_only(designation: str) -> bool:
    """A designation names nothing but sizes, colours, measures and the like: it needs an article."""
    return all(_class(token) for token in _said(designation))


def lacks(designation: str, qualities: str) -> bool:
    """The designation says nothing of the kinds that these qualities are of."""
    return not _classes(designation) & _classes(qualities)


def _classes(designation: str) -> set[str]:
    return {name for token in _said(designation) if (name := _class(token))}


@dataclass(frozen=True, slots=True)
class _Quality:
    """What a token says of an article, and where it stands in the designation."""

    name: str
    start: int
    end: int


def _said(designation: str) -> list[Token]:
    """The tokens of a designation that say something."""
    stop = set(words("words")["stop"]) | set(words("words")["size_words"])
    names = set(words("words")["also_names"])
    found = [t for t in tokens(plain(designation)) if t.kind not in IDLE]
    return [
        replace(t, kind="name") if t.text in names and designation[t.start].isupper() else t
        for t in found
        if t.text not in stop or t.text in variant_classes()
    ]


def _class(token: Token) -> str:
    """What kind of quality a token is; two of one kind exclude one another. Empty for a word that names something."""
    if token.kind == "name":
        return ""
    if token.text in variant_classes():
        return variant_classes()[token.text]
    if token.kind == "measure":
        return measures().get(token.unit, (token.unit,))[0]
    if token.kind == "code":
        letters = re.fullmatch(r"([a-z]{1,2})\d{1,3}", token.text)
        return f"code {letters[1]}" if letters else ""
    return token.kind if token.kind in {"dims", "number", "counted", "times"} else ""


def _changed(designation: str, qualities: str) -> str:
    """The designation with these qualities instead of its own of the same kinds."""
    new = {_class(token) for token in _said(qualities)}
    kept, position = [], 0
    sizes = _size_words()
    for token in _said(designation):
        if _class(token) in new:
            before = sizes.sub("", designation[position : token.start]) if _class(token) else ""
            kept.append(before)
            position = token.end
    kept.append(designation[position:])
    return " ".join(f"{' '.join(kept)} {qualities}".split())


@cache
def _size_words() -> re.Pattern[str]:
    """« taille » in front of a size that goes."""
    return re.compile(rf"(?i)\b(?:{'|'.join(words('words')['size_words'])})\s*$")
