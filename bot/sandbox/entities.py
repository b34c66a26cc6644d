"""Formatted text as Telegram understands it: HTML to plain text and entities, and back.

Offsets and lengths count UTF-16 code units; error texts name byte offsets in the UTF-8 of what was sent, as the real
server does. MarkdownV2 is refused: this product writes HTML only.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.refusals import ApiError, bad_request

Entity = dict[str, Any]

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
TRIMMED = " \n\t"

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "pre": "pre",
    "code": "code",
    "blockquote": "blockquote",
}
ENTITY_TYPES = frozenset(TAGS.values()) | {
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
    "expandable_blockquote",
    "text_mention",
    "date_time",
}
_PLAIN_TAGS = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "spoiler": "tg-spoiler",
    "code": "code",
    "blockquote": "blockquote",
    "expandable_blockquote": "blockquote expandable",
}
_QUOTES = {"blockquote", "expandable_blockquote"}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]*)|#([0-9]*)|([A-Za-z]*));?")
_SPECIAL = re.compile(r"[<&]")
_SPACES = re.compile(r"\s*")
_TAG_NAME = re.compile(r"[^\s>]*")
_ATTRIBUTE = re.compile(r"[^\s=>]*")
_TOKEN = re.compile(r"[A-Za-z0-9.-]*")
_FOUND = re.compile(
    r"(?P<bot_command>(?<![\w/@.:])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)"
    r"|(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<url>https?://[^\s<>\"]*[^\s<>\".,;:!?)])"
)


def units(text: str) -> int:
    """Length in UTF-16 code units, which is what every limit of Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def clean(text: str) -> str:
    """Text as the server stores it: no carriage return, no control character but newline and tab."""
    text = text.replace("\r", "")
    return "".join(" " if char < " " and char not in "\n\t" else char for char in text)


def formatted(
    text: str, *, parse_mode: str | None, entities: list[Entity] | None, limit: int, what: str
) -> tuple[str, list[Entity]]:
    """Plain text and entities of what a bot sent, trimmed; too long (after parsing) or ill-formed is refused."""
    text = clean(text)
    if parse_mode:
        mode = parse_mode.lower()
        if mode in {"markdown", "markdownv2"}:
            raise bad_request("the sandbox does not support parse_mode Markdown, use HTML")
        if mode != "html":
            raise bad_request("unsupported parse_mode")
        text, found = parse_html(text)
    else:
        found = [_checked(entity, units(text)) for entity in entities or []]
    text, found = arrange(text, found)
    if units(text) > limit:
        raise bad_request(f"{what} is too long")
    return text, found


def detected(text: str) -> list[Entity]:
    """Commands, addresses and links that the server marks by itself in what a person types."""
    found = []
    for match in _FOUND.finditer(text):
        kind = match.lastgroup
        found.append({"type": kind, "offset": units(text[: match.start()]), "length": units(match[0])})
    return found


def _checked(entity: Entity, size: int) -> Entity:
    kind, start, length = entity["type"], entity["offset"], entity["length"]
    if kind not in ENTITY_TYPES:
        raise bad_request("can't parse MessageEntity: unsupported type specified")
    if start < 0 or length < 0 or start + length > size:
        raise bad_request(f"entity beginning at UTF-16 offset {start} ends after the end of the text")
    return dict(entity)


def arrange(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Trim the text and sort its entities; nothing nests in code, nor a kind in itself."""
    left = units(text) - units(text.lstrip(TRIMMED))
    text = text.strip(TRIMMED)
    size = units(text)
    moved = []
    for entity in entities:
        start = max(entity["offset"] - left, 0)
        end = min(entity["offset"] - left + entity["length"], size)
        if end > start:
            moved.append({**entity, "offset": start, "length": end - start})
    moved.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    kept: list[Entity] = []
    for entity in moved:
        around = [other for other in kept if other["offset"] + other["length"] > entity["offset"]]
        if not any(_swallows(other["type"], entity["type"]) for other in around):
            kept.append(entity)
    return text, kept


def _swallows(outer: str, inner: str) -> bool:
    return outer in {"code", "pre"} or outer == inner or (outer in _QUOTES and inner in _QUOTES)


@dataclass(slots=True)
class _Open:
    tag: str
    argument: str
    offset: int
    piece: int


class _Parser:
    """One pass over the HTML of one message."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.offset = 0
        self.pieces: list[str] = []
        self.entities: list[Entity] = []
        self.open: list[_Open] = []

    def parse(self) -> tuple[str, list[Entity]]:
        while (match := _SPECIAL.search(self.source, self.at)) is not None:
            self._add(self.source[self.at : match.start()])
            self.at = match.start()
            if match[0] == "<":
                self._tag()
            else:
                char, self.at = _decode(self.source, self.at)
                self._add(char)
        self._add(self.source[self.at :])
        if self.open:
            raise _ill(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')
        return "".join(self.pieces), self.entities

    def _add(self, text: str) -> None:
        self.pieces.append(text)
        self.offset += units(text)

    def _tag(self) -> None:
        begin = self.at
        closing = self.source.startswith("</", begin)
        self.at += 2 if closing else 1
        if closing and not self.open:
            raise _ill(f"Unexpected end tag at byte offset {self._bytes(begin)}")
        name = self._take(_TAG_NAME).lower()
        if closing:
            self._close(name, begin)
            return
        if self.at >= len(self.source):
            raise self._unclosed(begin)
        if name not in TAGS:
            raise _ill(f'Unsupported start tag "{name}" at byte offset {self._bytes(begin)}')
        argument = ""
        while True:
            self._take(_SPACES)
            if self.source.startswith(">", self.at):
                break
            attribute, value = self._attribute(name, begin)
            argument = _argument(name, attribute, value, argument)
        self.at += 1
        if name == "span" and argument != "spoiler":
            raise _ill(f'Tag "span" must have class "tg-spoiler" at byte offset {self._bytes(begin)}')
        self.open.append(_Open(name, argument, self.offset, len(self.pieces)))

    def _attribute(self, tag: str, begin: int) -> tuple[str, str]:
        if self.at >= len(self.source):
            raise self._unclosed(begin)
        attribute = self._take(_ATTRIBUTE)
        where = f'"{tag}" at byte offset {self._bytes(begin)}'
        if not attribute:
            raise _ill(f"Empty attribute name in the tag {where}")
        self._take(_SPACES)
        if not self.source.startswith("=", self.at):
            if (tag, attribute.lower()) == ("blockquote", "expandable"):
                return "expandable", ""
            raise _ill(f"Expected equal sign in declaration of an attribute of the tag {where}")
        self.at += 1
        self._take(_SPACES)
        quote = self.source[self.at : self.at + 1]
        if quote not in {'"', "'"}:
            token = self.at
            value = self._take(_TOKEN).lower()
            if not self.source[self.at : self.at + 1].isspace() and not self.source.startswith(">", self.at):
                raise _ill(f"Unexpected end of name token at byte offset {self._bytes(token)}")
            return attribute, value
        end = self.source.find(quote, self.at + 1)
        if end < 0:
            raise self._unclosed(begin)
        raw, self.at = self.source[self.at + 1 : end], end + 1
        return attribute, _decoded(raw)

    def _close(self, name: str, begin: int) -> None:
        self._take(_SPACES)
        if not self.source.startswith(">", self.at):
            raise _ill(f"Unclosed end tag at byte offset {self._bytes(begin)}")
        self.at += 1
        opened = self.open.pop()
        if name and name != opened.tag:
            raise _ill(
                f'Unmatched end tag at byte offset {self._bytes(begin)}, expected "</{opened.tag}>", found "</{name}>"'
            )
        length = self.offset - opened.offset
        if length:
            self._entity(opened, length)

    def _entity(self, opened: _Open, length: int) -> None:
        entity: Entity = {"type": TAGS[opened.tag], "offset": opened.offset, "length": length}
        if opened.tag == "a":
            url = link(opened.argument or "".join(self.pieces[opened.piece :]))
            if url is None:
                return
            entity["url"] = url
        elif opened.tag == "tg-emoji":
            if not opened.argument.isdecimal():
                raise _ill("Invalid custom emoji identifier specified")
            entity["custom_emoji_id"] = opened.argument
        elif opened.tag == "blockquote" and opened.argument:
            entity["type"] = "expandable_blockquote"
        elif opened.tag == "code" and opened.argument and self.open and self.open[-1].tag == "pre":
            entity["language"] = opened.argument
        elif opened.tag == "pre" and self.entities:
            last = self.entities[-1]
            if (last["type"], last["offset"], last["length"]) == ("code", opened.offset, length) and "language" in last:
                entity["language"] = self.entities.pop()["language"]
        self.entities.append(entity)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.source, self.at)
        taken = match[0] if match else ""
        self.at += len(taken)
        return taken

    def _bytes(self, position: int) -> int:
        return len(self.source[:position].encode())

    def _unclosed(self, begin: int) -> ApiError:
        return _ill(f"Unclosed start tag at byte offset {self._bytes(begin)}")


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Plain text and entities of Telegram's HTML; anything else is a 400 that says where."""
    return _Parser(source).parse()


def _argument(tag: str, attribute: str, value: str, before: str) -> str:
    """What an attribute adds to its tag; unknown attributes are ignored, as the real server does."""
    match tag, attribute:
        case ("a", "href") | ("tg-emoji", "emoji-id"):
            return value
        case "code", "class" if value.startswith("language-"):
            return value.removeprefix("language-")
        case "span", "class" if value.startswith("tg-"):
            return value.removeprefix("tg-")
        case "blockquote", "expandable":
            return "expandable"
    return before


def link(url: str) -> str | None:
    """The address a link really gets, or None when Telegram would drop the link and keep its text."""
    try:
        parts = urlsplit(url)
        if not parts.scheme and "." in url.split("/", 1)[0]:
            url = f"http://{url}"
            parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme in {"tg", "mailto", "tel"}:
        return url
    if parts.scheme not in {"http", "https"} or "." not in (parts.hostname or "").strip("."):
        return None
    return url if parts.path or parts.query or parts.fragment else f"{url}/"


def _decode(text: str, at: int) -> tuple[str, int]:
    """The character a reference stands for and the position after it; an unknown one stays as it is."""
    match = _REFERENCE.match(text, at)
    if match is None:
        return text[at], at + 1
    hexadecimal, decimal, name = match.groups()
    if name is not None:
        char = _NAMED.get(name, "")
    else:
        if len(match[0].rstrip(";")) >= 10:
            return text[at], at + 1
        code = int(hexadecimal, 16) if hexadecimal else int(decimal or 0)
        if 0xD800 <= code <= 0xDFFF:
            raise bad_request("strings must be encoded in UTF-8")
        char = chr(code) if 0 < code < 0x10FFFF else ""
    return (char, match.end()) if char else (text[at], at + 1)


def _decoded(text: str) -> str:
    out, at = [], 0
    while (found := text.find("&", at)) >= 0:
        out.append(text[at:found])
        char, at = _decode(text, found)
        out.append(char)
    return "".join([*out, text[at:]])


def _ill(text: str) -> ApiError:
    return bad_request(f"can't parse entities: {text}")


def to_html(text: str, entities: list[Entity]) -> str:
    """HTML of a formatted text, as a reader sees it; what the server marks by itself gets no tag."""
    cuts: list[tuple[int, int, str]] = []
    for rank, entity in enumerate(entities):
        before, after = _tags(entity)
        if before:
            end = entity["offset"] + entity["length"]
            cuts += [(entity["offset"], rank + 1, before), (end, -rank - 1, after)]
    raw = text.encode("utf-16-le")
    out, at = [], 0
    for position, _, tag in sorted(cuts):
        out += [html.escape(raw[at * 2 : position * 2].decode("utf-16-le"), quote=False), tag]
        at = position
    return "".join([*out, html.escape(raw[at * 2 :].decode("utf-16-le"), quote=False)])


def _tags(entity: Entity) -> tuple[str, str]:
    kind = entity["type"]
    if kind in _PLAIN_TAGS:
        tag = _PLAIN_TAGS[kind]
        return f"<{tag}>", f"</{tag.split()[0]}>"
    match kind:
        case "pre" if "language" in entity:
            return f'<pre><code class="language-{html.escape(entity["language"])}">', "</code></pre>"
        case "pre":
            return "<pre>", "</pre>"
        case "text_link":
            return f'<a href="{html.escape(entity["url"])}">', "</a>"
        case "custom_emoji":
            return f'<tg-emoji emoji-id="{html.escape(entity["custom_emoji_id"])}">', "</tg-emoji>"
    return "", ""
