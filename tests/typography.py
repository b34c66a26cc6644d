"""How French and English are set: faults of a text as it is written in a file, and as people read it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NB, THIN = "\u00a0", "\u202f"
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")


@dataclass(frozen=True, slots=True)
class Rule:
    """What must not be found in a line, and how to mend it."""

    wrong: re.Pattern[str]
    mend: str


def _rule(wrong: str, mend: str) -> Rule:
    return Rule(re.compile(wrong), mend)


#: On visible words; `\x00` stands for what a program fills in.
BOTH = (
    _rule(r"\.\.\.", "write the one character …"),
    _rule(r"\x00[ \u00a0\u202f]?€|€ ?\x00", "an amount comes through the money or price filter, which sets its sign"),
    _rule(r"  +\S", "one space"),
    _rule(r"\t", "no tabulator"),
)
FRENCH = (
    _rule(r"\w[?!;](?=\s|$|\))", "a space before ? ! ; (it becomes one that does not break)"),
    _rule(r"[\w\x00»)]:(?=\s|$)", "a space before the colon"),
    _rule(r"[^\s«]»|«[^\s]", "a space inside « »"),
    _rule(r"\d%|\d€", "a space before % and €"),
    _rule('["\u201c\u201d]', "« » are our quotes"),
    _rule(r"\b\d{4,}(?:,\d\d)? €", "thousands in groups: 1 234,50 €"),
    _rule(r"\d\.\d\d €", "a decimal comma"),
    _rule(
        r"^(?!.*(?:[Ee]xemple|Écrivez)).*\b\d{1,2}/\d{1,2}/\d{2,4}\b", "a day in words: mar. 1 déc. (or what to type)"
    ),
)
ENGLISH = (
    _rule(r"[^\s•|] [:;?!%](?=\s|$)", "no space before : ; ? ! %"),
    _rule("[«»]", "“ ” are our quotes"),
    _rule(r"\d,\d\d(?!\d)", "a decimal point"),
    _rule(f"[{NB}{THIN}][:;?!%€]", "no French space"),
)
#: A text as people read it: what typesetting must have done.
SET_IN_FRENCH = (
    _rule(r"\S [:;?!€%»](?=\s|$|[.,)])", "this space must not break"),
    _rule(r"« ", "the space behind « must not break"),
    _rule(rf"\d\.\d\d[ {NB}]€|\d,\d[ {NB}]€", "an amount is written 1 234,50 €"),
    _rule(rf"(?<![\d,.{THIN}])\d{{4,}},\d\d{NB}€", "thousands are grouped by U+202F"),
    _rule(r"\d{4}-\d\d-\d\d", "a day in words: mar. 1 déc."),
    _rule(r"\b(?:None|True|False|Decimal|Undefined)\b|[{}]|<[^@\s]{1,20}>", "a value of the program shows"),
    _rule(r"  +", "one space"),
    *BOTH[:1],
)


def _visible(line: str) -> str:
    """The words of a template's line: tags of Jinja and HTML taken out, a NUL for each value."""
    line = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", line)
    line = re.sub(r"\{\{.*?\}\}", "\x00", line)
    return re.sub(r"<[^<>]*>", "", line)


def _quoted(line: str) -> Iterator[str]:
    """The words that a template's line chooses between: `{{ "s" if … }}`."""
    for code in re.findall(r"\{[{%](.*?)[%}]\}", line):
        yield from re.findall(r'"([^"]*\s[^"]*)"', code)


def _values(path: Path) -> Iterator[tuple[int, str]]:
    """The sentences of a table of texts, with the line on which each stands."""
    lines = path.read_text("utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        found = re.match(r'\s*[\w"-]+\s*=\s*(".*"|\'.*\'|\[.*\]|\{.*\})\s*(?:#.*)?$', line)
        if found is None:
            continue
        try:
            value = tomllib.loads(f"x = {found[1]}")["x"]
        except tomllib.TOMLDecodeError:
            continue
        for text in _texts(value):
            yield number, re.sub(r"\{[^}]*\}", "\x00", text)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def faults(path: Path, language: str) -> Iterator[str]:
    """What is wrong in a file, each with its line and how to mend it."""
    rules = (*BOTH, *(FRENCH if language == "fr" else ENGLISH))
    if path.suffix == ".toml":
        read = list(_values(path))
    else:
        source = re.sub(r"<style.*?</style>", "", path.read_text("utf-8"), flags=re.DOTALL)
        lines = list(enumerate(source.splitlines(), 1))
        read = [(number, _visible(line).strip()) for number, line in lines]
        read += [(number, text.strip()) for number, line in lines for text in _quoted(line)]
    for number, text in read:
        for rule in rules:
            if found := rule.wrong.search(text):
                shown = text.replace("\x00", "{…}")
                yield f"{path.name}:{number}: {found[0]!r}: {rule.mend} — {shown}"


def badly_set(text: str) -> list[str]:
    """What is wrong in a French text as people read it."""
    return [
        f"{found[0]!r}: {rule.mend} — {line}"
        for line in text.splitlines()
        for rule in SET_IN_FRENCH
        if (found := rule.wrong.search(line.strip())) is not None
    ]
