"""Text of a page that nobody is meant to see: not displayed, tiny, or in the colour of its background (S41).

It is taken out of the tree, so that no reader finds an order in it, and given back, so that a person is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

_OUT_OF_SIGHT = ("display", "visibility", "opacity", "max-height", "mso-hide")
_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all|opacity\s*:\s*0?\.?0(?![.\d])"
    r"|max-height\s*:\s*0(?![.\d])"
)
_TINY = re.compile(r"font-size\s*:\s*(?:0*[0-2](?:\.\d+)?|0*\.\d+)\s*(?:px|pt)|font-size\s*:\s*0(?![.\d])")
_SIZE = re.compile(r"font-size\s*:")
# no pattern begins with a look behind or a word's edge: the search for a literal beginning is many times faster
_COLOUR = re.compile(r"color\s*:\s*([^;!<>{}\"']+)")
_BACKGROUND = re.compile(r"background(?:-color)?\s*:\s*([^;!<>{}\"']+)")
_OF_TEXT, _OF_GROUND = re.compile(r"color=[\"']?([^\"'\s>]+)"), re.compile(r"bgcolor=[\"']?([^\"'\s>]+)")
_RULE = re.compile(r"([.#][\w-]+)\s*\{([^{}]*)\}")
_CONDITIONAL = re.compile(r"@[\w-]+[^{;]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_NAMED = {"white": (255, 255, 255), "black": (0, 0, 0), "snow": (255, 250, 250), "ivory": (255, 255, 240)}
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_ALIKE = 12  # steps of a channel between which nobody can tell two colours apart
# these write no text of the page
_SILENT = frozenset({"head", "script", "style", "title", "template", "noscript"})
# what an attribute says of the look, beside the style
_ATTRIBUTES = ("color", "bgcolor", "background", "hidden")

Colour = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """How the text of an element looks; a colour that cannot be told is None and hides nothing."""

    colour: Colour = _BLACK
    background: Colour = _WHITE
    shown: bool = True
    tiny: bool = False
    seen: bool = True


_PLAIN = _Look()


def taken_out(root: etree._Element, markup: str) -> str:
    """Remove the hidden text from the tree; returns it."""
    if not _may_hide(markup.lower()):
        return ""
    rules = _rules(root)
    hidden: list[str] = []
    waiting = [(root, _PLAIN)]
    while waiting:
        element, around = waiting.pop()
        if not isinstance(element.tag, str) or element.tag in _SILENT:
            continue
        look = _look(element, around, rules)
        if element.text and element.text.strip() and not look.seen:
            hidden.append(element.text)
            element.text = None
        for child in element:
            if child.tail and child.tail.strip() and not look.seen:
                hidden.append(child.tail)
                child.tail = " "
            waiting.append((child, look))
    return " ".join(" ".join(hidden).split())


def _may_hide(written: str) -> bool:
    """Whether a page hides anything, judged from its source alone: most do not, and are spared the walk."""
    if any(word in written for word in _OUT_OF_SIGHT) and _UNSEEN.search(written):
        return True
    if " hidden" in written or ("font-size" in written and _TINY.search(written)):
        return True
    if "color" not in written and "background" not in written:
        return False
    colours = {_BLACK, *map(_colour, {*_colours(written), *_OF_TEXT.findall(written)})}
    grounds = {_WHITE, *map(_colour, {*_BACKGROUND.findall(written), *_OF_GROUND.findall(written)})}
    return any(_alike(colour, ground) for colour in colours for ground in grounds)


def _colours(style: str) -> list[str]:
    """The colours of the text, not those of borders and backgrounds."""
    return [found[1] for found in _COLOUR.finditer(style) if style[found.start() - 1 : found.start()] != "-"]


def _rules(root: etree._Element) -> dict[str, str]:
    """The rules for classes and identifiers that hold on every screen."""
    found: dict[str, str] = {}
    for sheet in root.iter("style"):
        for name, declarations in _RULE.findall(_CONDITIONAL.sub("", sheet.text or "")):
            found[name] = f"{found.get(name, '')};{declarations}"
    return found


def _look(element: etree._Element, around: _Look, rules: dict[str, str]) -> _Look:
    said = dict(element.attrib)
    if not said:
        return around
    style = said.get("style", "")
    if rules:
        named = [f".{name}" for name in said.get("class", "").split()] + [f"#{said.get('id', '')}"]
        style = ";".join([*(rules[name] for name in named if name in rules), style])
    if not style and said.keys().isdisjoint(_ATTRIBUTES):
        return around
    return _changed(around, style, tuple((name, said[name]) for name in _ATTRIBUTES if name in said))


@lru_cache(2048)
def _changed(around: _Look, style: str, attributes: tuple[tuple[str, str], ...]) -> _Look:
    """The look inside an element; a page uses the same few styles over and over."""
    style, said = style.lower(), dict(attributes)
    colours = _colours(style) or [said[name] for name in ("color",) if name in said]
    backgrounds = _BACKGROUND.findall(style) or [said[name] for name in ("bgcolor",) if name in said]
    backgrounds = [written for written in backgrounds if written.strip() not in {"transparent", "none", "inherit"}]
    colour = _colour(colours[-1]) if colours else around.colour
    background = _colour(backgrounds[-1]) if backgrounds else around.background
    background = None if "background" in said else background
    shown = around.shown and not _UNSEEN.search(style) and "hidden" not in said
    tiny = bool(_TINY.search(style)) if _SIZE.search(style) else around.tiny
    return _Look(colour, background, shown, tiny, shown and not tiny and not _alike(colour, background))


def _alike(one: Colour, other: Colour) -> bool:
    return one is not None and other is not None and all(abs(a - b) <= _ALIKE for a, b in zip(one, other, strict=True))


@lru_cache(512)
def _colour(written: str) -> Colour:
    """Red, green and blue of a colour; None for one that we cannot tell, such as a picture."""
    text = written.strip().lower()
    if found := re.match(r"#([0-9a-f]{6})\b", text):
        return int(found[1][:2], 16), int(found[1][2:4], 16), int(found[1][4:], 16)
    if found := re.match(r"#([0-9a-f]{3})\b", text):
        red, green, blue = (int(letter * 2, 16) for letter in found[1])
        return red, green, blue
    if found := re.match(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})", text):
        return int(found[1]), int(found[2]), int(found[3])
    return _NAMED.get(text.split(" ")[0])
