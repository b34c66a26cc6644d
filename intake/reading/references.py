"""Numbers of papers that a message names: the purchase order's own, a quote's; and the total that a paper states."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

from core.money import Money
from intake.reading.words import plain, words

_CODE = r"(?P<code>(?=[\w/.-]{0,24}\d)[\w][\w/.-]{0,24})"
_DATE = re.compile(r"\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?|\d{1,2}h\d{0,2}")


@cache
def _labelled(name: str) -> re.Pattern[str]:
    labels = words("documents")["labels"]
    named = "|".join(sorted(labels[name], key=len, reverse=True))
    between = "|".join(labels["no"])
    return re.compile(rf"(?<!\w)(?:{named})(?!\w)(?P<no>[\s.:]*(?:{between})?[\s.:#]*){_CODE}")


@cache
def _numbered() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:n°|nº)\s?{_CODE}")


def order_reference(papers: str, subject: str, text: str) -> str | None:
    """The purchase order's own number: in the paper, then in the subject and the text; a strong label first."""
    for written in (papers, subject, text):
        for label in ("order_strong", "order"):
            found = _first(_labelled(label), written, sure=label == "order_strong")
            if found:
                return found
    return _first(_numbered(), text, sure=False)


def former_order(subject: str, text: str) -> str | None:
    """The number of the order that a change or a cancellation speaks of."""
    found = order_reference("", subject, text)
    return found or next(
        (code for said in (subject, text) if (code := _first(_labelled("former"), said, sure=False))), None
    )


def quote_reference(written: str) -> str | None:
    """The quote that the message refers to."""
    found = _first(_labelled("quote"), written, sure=False)
    if found is not None:
        return found.upper()
    code = re.search(r"(?<![\w-])DV-\d{4}-\d{3,}(?![\w-])", written, re.IGNORECASE)
    return code[0].upper() if code else None


def _first(pattern: re.Pattern[str], written: str, *, sure: bool) -> str | None:
    flat = plain(written)
    for match in pattern.finditer(flat):
        code = written[match.start("code") : match.end("code")].rstrip("./-")
        if _DATE.fullmatch(code) or _is_quote(flat[max(0, match.start() - 30) : match.start("code")], pattern):
            continue
        numbered = bool(match.groupdict().get("no", "").strip(" .:\n\t"))
        if sure or numbered or re.search(r"[A-Za-z]", code) or "-" in code or len(code) >= 5:
            return code
    return None


def _is_quote(before: str, pattern: re.Pattern[str]) -> bool:
    others = "|".join(words("documents")["labels"]["other_paper"])
    return pattern is _numbered() and bool(re.search(rf"(?<!\w)(?:{others})\s*$", before.rsplit("n", 1)[0]))


def total_net(papers: str) -> Money | None:
    """The total without VAT that the paper states."""
    return _total(papers, "total")


def total_vat(papers: str) -> Money | None:
    """The VAT in all that the paper states."""
    return _total(papers, "vat_total")


def total_gross(papers: str) -> Money | None:
    """The total with VAT that the paper states."""
    return _total(papers, "gross_total")


def _total(papers: str, kind: str) -> Money | None:
    labels = "|".join(words("documents")["labels"][kind])
    found = re.search(rf"(?<!\w)(?:{labels})[\s:]{{0,5}}(\d[\d ]{{0,9}}[.,]\d{{1,2}})(?!\d)", plain(papers))
    return Money.of(Decimal(found[1].replace(" ", "").replace(",", "."))) if found else None


def consents(papers: str) -> bool:
    """The paper bears a consent (« bon pour accord ») that somebody filled in."""
    flat = plain(papers)
    return any(consent in flat for consent in words("documents")["words"]["consent"])
