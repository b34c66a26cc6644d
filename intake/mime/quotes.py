"""What the sender wrote now, what he cites, what he forwards.

Conservative, since public reply strippers lose French order lines: a line is never dropped, it stands in one of the
three; answers between cited lines are new text; in doubt a line is new text.
"""

from __future__ import annotations

import importlib.resources
import re
import tomllib
from dataclasses import dataclass, replace
from textwrap import dedent

from intake.incoming import Address
from intake.mime.headers import written_addresses

_WORDS: dict[str, dict[str, list[str]]] = tomllib.loads(
    (importlib.resources.files("intake") / "vocabulary" / "citations.toml").read_text("utf-8")
)


def _any(part: str, name: str) -> str:
    return f"(?:{'|'.join(_WORDS[part][name])})"


_BLANKS = r"^[\s>*]{0,8}"
_FORWARDED = re.compile(
    rf"{_BLANKS}-{{3,}} ?{_any('markers', 'forwarded')} ?-{{3,}}\s*$"
    rf"|{_BLANKS}{_any('markers', 'forward_begins')}\s?:?[\s*]*$",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(rf"{_BLANKS}-{{3,}} ?{_any('markers', 'original')} ?-{{3,}}\s*$", re.IGNORECASE)
# what may stand above the fields: a rule, or a line that some webmails write
_RULE = re.compile(rf"^\s*[_\-=—]{{5,}}\s*$|{_BLANKS}{_any('markers', 'above_fields')}\s*$", re.IGNORECASE)
_ATTRIBUTION = re.compile(
    rf"^\W{{0,4}}(?:{_any('attributions', 'begin')}\b(?=.*\d).{{0,400}}?|.{{2,120}}?<[^<>\s]+@[^<>\s]+>.{{0,80}}?)"
    rf"\b{_any('attributions', 'verbs')}\b(?:.{{0,60}}|.{{0,100}}<[^<>\s]+@[^<>\s]+>):\s*$"
    r"|^\W{0,4}\d{4}-\d\d-\d\d.{0,200}<[^<>\s]+@[^<>\s]+>\s*:\s*$",
    re.IGNORECASE | re.DOTALL,
)
# what its first line has, so that the words of an order are never taken for the beginning of one
_ATTRIBUTION_BEGINS = re.compile(
    rf"^\W{{0,4}}{_any('attributions', 'begin')}\b|\d[:.h/-]\d\d|<[^<>\s]+@", re.IGNORECASE
)
# in whatever language: a time, an address and a colon, where the citation begins on the next line
_DATED = re.compile(r"^\W{0,4}(?=.*\d[:.h]\d\d).{4,300}<\s*[^<>\s]+@[^<>\s]+>[^<>]{0,40}:\s*$", re.DOTALL)
_NAMES = {name: _any("fields", name) for name in _WORDS["fields"]}
# a forward of Yahoo: the marker and all its fields run together in one line
_RUN_TOGETHER = re.compile(
    rf"^[ \t]*(-{{3,}} ?{_any('markers', 'forwarded')} ?-{{3,}}) *({_NAMES['from']}\s?:.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_RUN_FIELD = re.compile(
    "(?<=\\S) ?(?=(?:"
    + "|".join(
        word.capitalize()
        for name in ("to", "cc", "date", "subject")
        for word in _WORDS["fields"][name]
        if len(word) > 1
    )
    + "|À)\\s?:)"
)
_FIELD = {
    name: re.compile(rf"^[\s>*_]*{words}[\s*_]*:[\s*_]*(.*?)[\s*_]*$", re.IGNORECASE) for name, words in _NAMES.items()
}
_REPLY_SUBJECT = re.compile(rf"^\s*(?:\[[^\]]*\]\s*)?{_any('subjects', 'reply')}\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_FORWARD_SUBJECT = re.compile(rf"^\s*(?:\[[^\]]*\]\s*)?{_any('subjects', 'forward')}\s*:", re.IGNORECASE)
_LONGEST = 600  # no marker is longer: no pattern is tried on more
_MOST_LINES = 5000  # what stands below so many is new text: no mail is so long but to keep us busy
_WRAPPED = 4  # lines that an attribution may take
_MARKS = frozenset("-_=—dDbBaAiIíÍ")  # what a marker without a colon begins with


@dataclass(frozen=True, slots=True)
class Forward:
    """A message found inside the text of another; `sender` has no e-mail when the forward names none."""

    sender: Address
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Split:
    """A text in its parts; the markers and header lines of forwards stand in `quoted`."""

    text: str
    quoted: str = ""
    forwards: tuple[Forward, ...] = ()


def split(text: str, *, subject: str = "", answers: bool = False) -> Split:
    """Part a mail's text; `answers` says that the mail refers to another one (In-Reply-To)."""
    lines = _RUN_TOGETHER.sub(lambda m: "\n".join([m[1], *_RUN_FIELD.split(m[2])]), text).split("\n")
    parted = _parted(lines[:_MOST_LINES], subject, answers=answers)
    below = "\n".join(lines[_MOST_LINES:])
    return replace(parted, text=f"{parted.text}\n{below}".strip("\n")) if below else parted


def _parted(lines: list[str], subject: str, *, answers: bool) -> Split:
    forwarding = bool(_FORWARD_SUBJECT.match(subject))
    replying = not forwarding and (answers or bool(_REPLY_SUBJECT.match(subject)))
    closing = [i for i, line in enumerate(lines) if line.rstrip().endswith(":")]
    opening = {i - back for i in closing for back in range(_WRAPPED)}  # where an attribution may begin
    cites = replying or any(i >= 0 and _attribution_end(lines, i) for i in opening)
    new: list[str] = []
    quoted: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        anything_new = any(written.strip() for written in new)
        marks = ":" in line or line.lstrip(" \t>*")[:1] in _MARKS
        if marks and not (line.startswith(">") and cites):
            forward_at = _forward_start(lines, position, forwarding=forwarding or not (anything_new or replying))
            if forward_at:
                return _forwarded(lines, position, forward_at, new, quoted)
            if _original_start(lines, position, trusted=replying or anything_new):
                return _result(new, quoted + lines[position:])
        end = _attribution_end(lines, position) if position in opening else 0
        if end and _cited_below(lines, end):
            quoted += lines[position:end]
        elif end and forwarding:
            return _attributed(lines, position, end, new, quoted)
        elif end and anything_new:
            return _result(new, quoted + lines[position:])
        else:
            end = position + 1
            (quoted if line.startswith(">") and cites else new).append(line)
        position = end
    return _result(new, quoted)


def _result(new: list[str], quoted: list[str], forwards: tuple[Forward, ...] = ()) -> Split:
    return Split("\n".join(new).strip("\n"), "\n".join(quoted).strip("\n"), forwards)


def _forwarded(lines: list[str], start: int, fields_at: int, new: list[str], quoted: list[str]) -> Split:
    fields, body_at = _fields(lines, fields_at)
    body = lines[body_at:]
    while body and not body[0].strip(" >"):  # some mark the blank line behind the fields only
        body = body[1:]
    first = body[0] if body else ""
    after: list[str] = []
    if first.startswith(">"):
        length = next((i for i, line in enumerate(body) if line.strip() and not line.startswith(">")), len(body))
        body, after = body[:length], body[length:]
        body = [re.sub(r"^> ?", "", line) for line in body]
    written = fields.get("from", "")
    found = written_addresses(written)
    sender = found[0] if found else Address("", written.strip())
    forward = Forward(sender, fields.get("subject", ""), "\n".join(body).strip("\n"))
    return _result(new + after, quoted + lines[start:body_at], (forward,))


def _attributed(lines: list[str], start: int, end: int, new: list[str], quoted: list[str]) -> Split:
    """A forward in the manner of Outlook for Mac: a line says who wrote, and his text follows, indented."""
    found = written_addresses(" ".join(lines[start:end]))
    sender = Address(found[0].email, re.sub(r"^.*,", "", found[0].name).strip('"« »\u00a0')) if found else Address("")
    return _result(new, quoted + lines[start:end], (Forward(sender, "", dedent("\n".join(lines[end:])).strip("\n")),))


def _forward_start(lines: list[str], position: int, *, forwarding: bool) -> int:
    """Where the header lines of a forward that starts here begin, 0 when none starts here."""
    line = lines[position][:_LONGEST]
    if _FORWARDED.match(line) or (forwarding and _ORIGINAL.match(line)):
        begin = _next_written(lines, position + 1)
        fields, _ = _fields(lines, begin)
        return begin if "from" in fields else 0
    if not forwarding:
        return 0
    begin = _next_written(lines, position + 1) if _RULE.match(line) else position
    fields, _ = _fields(lines, begin)
    known = {"from", "date", "to", "subject"} & set(fields)
    if "from" in fields and len(known) >= 3 and written_addresses(fields["from"]):
        return begin or -1
    return 0


def _original_start(lines: list[str], position: int, *, trusted: bool) -> bool:
    """Whether a cited message in the manner of Outlook starts here: all that follows is cited."""
    if _ORIGINAL.match(lines[position][:_LONGEST]):
        return True
    begin = _next_written(lines, position + 1) if _RULE.match(lines[position]) else position
    fields, _ = _fields(lines, begin)
    return trusted and "from" in fields and len({"from", "date", "to", "subject"} & set(fields)) >= 3


def _next_written(lines: list[str], position: int) -> int:
    return next((i for i in range(position, min(position + 3, len(lines))) if lines[i].strip(" >")), position)


def _fields(lines: list[str], position: int) -> tuple[dict[str, str], int]:
    """The header lines that begin here, and where the text after them begins; a field may be wrapped once."""
    fields: dict[str, str] = {}
    position = max(position, 0)
    end = position
    last = ""
    for index in range(position, min(position + 14, len(lines))):
        written = lines[index].strip(" >")
        found = _field(lines[index])
        if found and found[0] not in fields:
            last, end = found[0], index + 1
            fields[last] = found[1]
        elif not fields or (written and (index > end or not _continues(lines, index))):
            break
        elif written:
            fields[last] += f" {written}"
            end = index + 1
    return fields, end


def _continues(lines: list[str], index: int) -> bool:
    return index + 1 < len(lines) and _field(lines[index + 1]) is not None


def _field(line: str) -> tuple[str, str] | None:
    """The name and the value of a header line."""
    if len(line) > _LONGEST or ":" not in line:
        return None
    return next(((name, found[1]) for name, rule in _FIELD.items() if (found := rule.match(line))), None)


def _attribution_end(lines: list[str], position: int) -> int:
    """The line after « Le … a écrit : », which may be wrapped over four lines; 0 when there is none here."""
    joined = ""
    if not _ATTRIBUTION_BEGINS.search(lines[position][:_LONGEST]):
        return 0
    for end in range(position, min(position + _WRAPPED, len(lines))):
        line = lines[end].lstrip("> ").rstrip()
        if not line or len(line) > _LONGEST or (end > position and line.startswith((">", "-"))):
            return 0
        joined = f"{joined} {line}".strip()
        if _ATTRIBUTION.match(joined) or (_DATED.match(joined) and _cited_next(lines, end + 1)):
            return end + 1
    return 0


def _cited_next(lines: list[str], position: int) -> bool:
    return next((line for line in lines[position : position + 3] if line.strip()), "").startswith(">")


def _cited_below(lines: list[str], position: int) -> bool:
    return any(line.startswith(">") for line in lines[position:])
