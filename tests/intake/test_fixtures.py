"""Every mail that others published passes through: no exception, no lost text, no machine that orders.

"No lost text" is measured on a second reading of the MIME tree that knows nothing of ours: each word of each text part
stands, as often as there, in what a person is shown (text, citation, inner mails, files); each other part's bytes are
those of a file or of an inner mail.
"""

from __future__ import annotations

import email
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path

import pytest

from intake.incoming import Incoming
from intake.mime import parse
from intake.mime.charsets import text_of
from intake.read_files import read_files
from intake.reading import Kind, Reading, read

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)

MAILS = ["mail-bounces", "mail-cpython-email", "mail-mime-tools", "mail-reply-talon", "emails-decisions"]
BODIES = [
    *("mail-french-replies", "mail-reply-crisp", "mail-reply-willdurand", "mail-reply-alfonsrv"),
    *("mail-forward-crisp", "mail-reply-talon"),
]
_MAIL_FILE = re.compile(r"\.(eml|msg)$|msg_\d+\w*\.txt$")
# a file that an old program wrote into the text; that its bytes are kept is tested by number (E47)
_UUENCODED = re.compile(r"^begin [0-7]{3} .*?^end$", re.MULTILINE | re.DOTALL)
_BODY_FILE = re.compile(r"\.(txt|html)$|_body$|_text$")
# how a file that holds only a body is sent: as a mail of its own, an answer, a forward
SENT_AS = {
    "first": b"Subject: Commande\r\n",
    "answer": b"Subject: RE: Commande\r\nIn-Reply-To: <a@b.example>\r\n",
    "forward": b"Subject: TR: Commande\r\n",
}


def files_of(folder: Path, wanted: re.Pattern[str]) -> list[Path]:
    found = [file for file in sorted(folder.rglob("*")) if file.is_file() and wanted.search(file.name)]
    assert found, f"{folder.name} holds no such file any more"
    return found


def everything(incoming: Incoming) -> list[Incoming]:
    return [incoming, *(deeper for inner in incoming.forwarded for deeper in everything(inner))]


def understood(incoming: Incoming) -> list[Reading]:
    """All that may ever be read of a mail: the mail and each message inside it."""
    return [read(one, today=TODAY) for one in everything(incoming)]


def words(text: str) -> Counter[str]:
    """Words in ASCII letters only, so that a charset that nobody knows does not decide the count."""
    return Counter(re.findall(r"[A-Za-z0-9]{2,}", text))


def shown(incoming: Incoming) -> str:
    """Everything that a person or the reader can find somewhere in what was made of the mail."""
    texts_of = []
    for one in everything(incoming):
        texts_of.append(f"{one.text}\n{one.quoted}\n{one.subject}\n{one.sender.email} {one.sender.name}")
        for attachment in one.attachments:
            if attachment.media_type == "message/rfc822":
                texts_of.append(shown(parse(attachment.content, received_at=NOW)))
            texts_of.append(text_of(attachment.content))
    return "\n".join(texts_of)


def lost(raw: bytes, incoming: Incoming) -> list[str]:
    """The words that were written and stand nowhere; a word that was cut or glued to another is not lost."""
    found = shown(incoming)
    run_together = "".join(found.split())
    return [word for word in written(raw) - words(found) if word not in run_together]


class Visible(HTMLParser):
    """The words between the tags, without those of styles, scripts and the head."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.unseen += tag in {"style", "script", "title"}

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in {"style", "script", "title"} and self.unseen > 0

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.texts.append(data)


def leaves(part: Message) -> Iterator[tuple[str, bytes]]:
    """Each leaf's type and bytes, as the standard library reads them."""
    children = part.get_payload()
    if isinstance(children, list):
        for child in children:
            assert isinstance(child, Message)
            yield from leaves(child)
        return
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError):
        return
    if isinstance(content, bytes):
        kind = part.get_content_type()
        named = part.get_filename() or part.get_content_disposition() == "attachment"
        yield ("file" if named else kind), content


def written(raw: bytes) -> Counter[str]:
    """The words of the text parts; of a page only those without a plain alternative, which says the same."""
    parts = list(leaves(email.message_from_bytes(raw)))
    total: Counter[str] = Counter()
    plain = [content for kind, content in parts if kind == "text/plain" and content.strip()]
    for kind, content in parts:
        if kind == "text/plain":
            charset = "iso2022_jp" if b"\x1b$" in content else "latin-1"
            total += words(_UUENCODED.sub("", content.decode(charset, "replace").replace("\x00", "")))
        elif kind == "text/html" and not plain:
            page = Visible()
            page.feed(text_of(content))
            total += words(" ".join(page.texts))
    return total


@pytest.mark.parametrize("folder", MAILS)
def test_no_published_mail_makes_us_fail_or_loses_a_word(folder: str, shared_case: Callable[[str], Path]) -> None:
    for file in files_of(shared_case(folder), _MAIL_FILE):
        raw = file.read_bytes()
        incoming = parse(raw, received_at=NOW)
        understood(incoming)
        assert lost(raw, incoming) == [], file.name


@pytest.mark.parametrize("sent_as", SENT_AS)
@pytest.mark.parametrize("folder", BODIES)
def test_no_published_body_makes_us_fail_or_loses_a_word(
    folder: str, sent_as: str, shared_case: Callable[[str], Path]
) -> None:
    for file in files_of(shared_case(folder), _BODY_FILE):
        content = file.read_bytes()
        kind = b"html" if file.suffix == ".html" else b"plain"
        head = SENT_AS[sent_as] + b"From: <a@b.example>\r\nContent-Type: text/" + kind + b"; charset=utf-8\r\n\r\n"
        incoming = parse(head + content, received_at=NOW)
        understood(incoming)
        assert lost(head + content, incoming) == [], file.name


def test_no_bounce_becomes_an_order(shared_case: Callable[[str], Path], tmp_path: Path) -> None:
    """Neither the mail nor what it carries, by the same path as `comptoir read`."""
    files = files_of(shared_case("mail-bounces/bsd"), _MAIL_FILE)
    assert len(files) > 600
    catalogue, customers = tmp_path / "catalogue.csv", tmp_path / "customers.csv"
    catalogue.write_text("sku,name,unit,packagings\nLAIT-1,Lait entier,litre,carton=6\n")
    customers.write_text("code,name,emails\nC1,Client,c@client.example\n")
    for answer in read_files(files, catalogue=catalogue, customers=customers, today=TODAY):
        assert answer["kind"] not in {"order", "order_change", "cancellation", "quote_request"}, answer["source"]
        assert answer["lines"] == [], answer["source"]


def test_nearly_every_bounce_is_known_for_a_machine(shared_case: Callable[[str], Path]) -> None:
    files = files_of(shared_case("mail-bounces/bsd"), _MAIL_FILE)
    kinds = [read(parse(file.read_bytes(), received_at=NOW), today=TODAY).kind for file in files]
    machines = sum(kind in {Kind.BOUNCE, Kind.AUTO_REPLY} for kind in kinds)
    assert machines >= 0.98 * len(files)


def test_an_ordinary_mail_is_no_machine(shared_case: Callable[[str], Path]) -> None:
    for file in files_of(shared_case("mail-bounces/not-bounces"), _MAIL_FILE):
        incoming = parse(file.read_bytes(), received_at=NOW)
        kind = read(incoming, today=TODAY).kind
        if "auto-submitted" in incoming.headers:  # it calls itself a machine
            assert kind in {Kind.BOUNCE, Kind.AUTO_REPLY}, file.name
        else:
            assert kind not in {Kind.BOUNCE, Kind.AUTO_REPLY, Kind.ORDER}, file.name


def test_e59_each_french_reply_orders_its_lines_and_no_old_one(shared_case: Callable[[str], Path]) -> None:
    file = shared_case("mail-french-replies/expected.json")
    for name, expected in json.loads(file.read_text()).items():
        head = b"From: <a@b.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        incoming = parse(head + (file.parent / f"{name}.txt").read_bytes(), received_at=NOW)
        asked = [" ".join(line.text.split()) for one in understood(incoming) for line in one.lines]
        for wanted in expected["ordered"]:
            said = [word for word in wanted.split() if word != "de"]
            assert sum(all(word in line for word in said) for line in asked) == 1, (name, wanted, asked)
        for unwanted in expected["must_not_be_ordered"]:
            assert not any(unwanted in line for line in asked), (name, unwanted)


def test_replies_of_thirteen_mail_programs_give_only_what_is_new(shared_case: Callable[[str], Path]) -> None:
    folder = shared_case("mail-reply-talon/fixtures/standard_replies")
    for file in files_of(folder, re.compile(r"\.eml$")):
        expected = folder / f"{file.stem}_reply_text"
        new = expected.read_text().strip() if expected.exists() else "Hello"
        incoming = parse(file.read_bytes(), received_at=NOW)
        assert incoming.text.split() == new.split(), file.name


def test_pages_of_eight_mail_programs_give_only_what_is_new(shared_case: Callable[[str], Path]) -> None:
    for file in files_of(shared_case("mail-reply-talon/fixtures/html_replies"), re.compile(r"\.html$")):
        if file.stem == "windows_mail":  # its fields are in Russian: all of it is new, nothing is lost
            continue
        head = SENT_AS["answer"] + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
        incoming = parse(head + file.read_bytes(), received_at=NOW)
        assert "".join(incoming.text.split()) == "Hi.Iamfine.Thanks,Alex", file.name


@pytest.mark.parametrize("language", ["fr", "en", "de", "es", "it", "nl", "pt"])
def test_e60_forwards_of_every_mail_program_in_french_english_and_the_neighbours_languages(
    language: str, shared_case: Callable[[str], Path]
) -> None:
    files = files_of(shared_case("mail-forward-crisp/fixtures"), re.compile(rf"_{language}_body\.txt$"))
    for file in files:
        incoming = parse(SENT_AS["forward"] + b"Content-Type: text/plain\r\n\r\n" + file.read_bytes(), received_at=NOW)
        assert [inner.sender.email for inner in incoming.forwarded] == ["john.doe@acme.com"], file.name
        assert "Aenean quis diam urna" in incoming.forwarded[0].text, file.name
        assert "Aenean quis diam urna" not in incoming.text, file.name


DECIDED = {
    "email-01-complete": {Kind.ORDER},
    "email-02-missing-qty": {Kind.ORDER},
    "email-04-ambiguous": {Kind.ORDER},
    "email-09-cascade-fuzzy": {Kind.ORDER},
    "email-13-html-only": {Kind.ORDER},
    "email-15-special-chars": {Kind.ORDER},
    "email-16-long-order": {Kind.ORDER},
    "email-18-phishing": {Kind.OTHER},
    "email-19-cancellation": {Kind.CANCELLATION},
    "email-20-amendment": {Kind.ORDER_CHANGE},
    "email-22-rush-order": {Kind.ORDER},
    "email-23-repeat-order": {Kind.ORDER},
}


@pytest.mark.parametrize("name", DECIDED)
def test_a_published_order_mail_is_taken_for_what_it_is(name: str, shared_case: Callable[[str], Path]) -> None:
    incoming = parse(shared_case(f"emails-decisions/emails/{name}.eml").read_bytes(), received_at=NOW)
    assert read(incoming, today=TODAY).kind in DECIDED[name]
