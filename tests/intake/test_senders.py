"""Who sent it: only what our own server stamped counts, and whatever is unclear is no authentication."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from intake.incoming import Authentication
from intake.mime import parse
from intake.senders import authenticate

OURS = "mx.comptoir.example"
VICTIM = "achats@victim.example"
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def judged(*fields: str, sender: str = VICTIM, trusted: str | None = OURS) -> Authentication:
    headers = [(name, value.strip()) for name, _, value in (field.partition(":") for field in fields)]
    return authenticate(headers, trusted_authserv_id=trusted, from_email=sender)


def stamped(results: str, server: str = OURS) -> str:
    return f"Authentication-Results: {server}; {results}"


def test_s05_an_aligned_dmarc_pass_is_level_a() -> None:
    assert judged(stamped("dmarc=pass (p=reject) header.from=victim.example")) == Authentication.DMARC


@pytest.mark.parametrize(
    "results",
    [
        "dkim=pass header.d=victim.example header.s=k1",
        "dkim=pass header.i=@victim.example; spf=fail smtp.mailfrom=bounce.example",
        "spf=pass smtp.mailfrom=achats@victim.example",
        "dmarc=none header.from=victim.example; spf=pass smtp.mailfrom=victim.example",
    ],
)
def test_s05_an_aligned_dkim_or_spf_is_level_b(results: str) -> None:
    assert judged(stamped(results)) == Authentication.ALIGNED


def test_s05_a_parent_domain_vouches_for_those_below_it_and_never_the_other_way_round() -> None:
    assert judged(stamped("dkim=pass header.d=victim.example"), sender="a@shop.victim.example") == "B"
    assert judged(stamped("dkim=pass header.d=shop.victim.example")) == Authentication.NONE
    assert judged(stamped("dkim=pass header.d=example"), sender="a@victim.example") == Authentication.NONE


PROBES = {
    "1 forged From only": [stamped("spf=none; dkim=none")],
    "2 forged verdict below a real fail": [
        stamped("dmarc=fail header.from=victim.example"),
        stamped("dmarc=pass header.from=victim.example"),
    ],
    "3 forged verdict alone, our server stamps none": [
        stamped("dmarc=pass header.from=victim.example", "mx.evil.example")
    ],
    "4 the attacker's own domain passes": [
        stamped(
            "spf=pass smtp.mailfrom=evil.example; dkim=pass header.d=evil.example; dmarc=pass header.from=evil.example"
        )
    ],
    "5 smuggled in a quoted local part": [
        stamped('spf=pass smtp.mailfrom="x; dmarc=pass header.from=victim.example"@evil.example')
    ],
    "5 smuggled in a comment": [
        stamped("spf=pass (x; dmarc=pass header.from=victim.example) smtp.mailfrom=evil.example")
    ],
    "5 smuggled out of an unclosed quote": [
        stamped('spf=pass smtp.mailfrom=a"; dmarc=pass header.from=victim.example')
    ],
    "6 fail, then pass": [stamped("dmarc=fail header.from=victim.example; dmarc=pass header.from=victim.example")],
    "7 our key fails, the attacker's passes": [
        stamped("dkim=fail header.d=victim.example; dkim=pass header.d=evil.example")
    ],
}


@pytest.mark.parametrize("fields", PROBES.values(), ids=PROBES.keys())
def test_e63_forged_headers_authenticate_nobody(fields: list[str]) -> None:
    assert judged(*fields) == Authentication.NONE


@pytest.mark.parametrize("fields", PROBES.values(), ids=PROBES.keys())
def test_e63_nor_do_they_through_the_whole_parse(fields: list[str]) -> None:
    raw = "\r\n".join([*fields, f"From: {VICTIM}", "Subject: Commande", "", "10 cartons"]).encode()
    incoming = parse(raw, received_at=NOW, trusted_authserv_id=OURS)
    assert (incoming.sender.email, incoming.authentication) == (VICTIM, Authentication.NONE)
    assert incoming.text == "10 cartons"


def test_e63_a_forged_verdict_is_worth_nothing_where_our_server_has_no_name() -> None:
    assert judged(stamped("dmarc=pass header.from=victim.example"), trusted=None) == Authentication.NONE
    assert judged(stamped("dmarc=pass header.from=victim.example"), trusted="") == Authentication.NONE


def test_e63_a_verdict_among_the_authors_own_fields_is_the_authors() -> None:
    fields = ["Received: from evil by us", f"From: {VICTIM}", stamped("dmarc=pass header.from=victim.example")]
    assert judged(*fields) == Authentication.NONE


@pytest.mark.parametrize(
    "server", ["mx.comptoir.example.evil.example", "mx.comptoir.example-2", "evil-mx.comptoir.example"]
)
def test_s06_a_server_name_that_resembles_ours_is_not_ours(server: str) -> None:
    assert judged(stamped("dmarc=pass header.from=victim.example", server)) == Authentication.NONE


def test_s06_verdicts_of_other_servers_above_ours_are_passed_over() -> None:
    foreign = stamped("dmarc=fail header.from=victim.example", "relay.example")
    assert judged(foreign, stamped("dmarc=pass header.from=victim.example")) == Authentication.DMARC


@pytest.mark.parametrize(
    "value", ["", ";", "nonsense", f"{OURS}", f"{OURS}; dmarc", f"{OURS}; dmarc=pass header.from="]
)
def test_s06_a_verdict_that_cannot_be_read_is_none(value: str) -> None:
    assert judged(f"Authentication-Results: {value}") == Authentication.NONE


def test_the_name_of_our_server_may_be_folded_versioned_and_in_capitals() -> None:
    field = "Authentication-Results: MX.Comptoir.Example 1;\r\n\tdmarc=pass\r\n header.from=victim.example"
    assert judged(field) == Authentication.DMARC


@pytest.mark.parametrize(
    "author", [f"From: {VICTIM}, x@evil.example", f"From: x@evil.example\r\nFrom: {VICTIM}", "From: x"]
)
def test_a_mail_with_two_authors_or_none_authenticates_nobody(author: str) -> None:
    raw = f"{stamped('dmarc=pass header.from=victim.example')}\r\n{author}\r\n\r\n10 cartons\r\n".encode()
    assert parse(raw, received_at=NOW, trusted_authserv_id=OURS).authentication == Authentication.NONE


def test_a_mail_stamped_by_our_server_is_authenticated_through_the_whole_parse() -> None:
    raw = f"{stamped('dmarc=pass header.from=victim.example')}\r\nFrom: {VICTIM}\r\n\r\n10 cartons\r\n".encode()
    assert parse(raw, received_at=NOW, trusted_authserv_id=OURS).authentication == Authentication.DMARC
    assert parse(raw, received_at=NOW).authentication == Authentication.NONE


def test_s09_a_display_name_is_not_an_address_and_look_alike_letters_show() -> None:
    raw = b'From: "Boulangerie Martin <achats@victim.example>" <x@evil.example>\r\n\r\n'
    assert parse(raw, received_at=NOW).sender.email == "x@evil.example"
    cyrillic = "From: achats@vіctim.example\r\n\r\n".encode()  # noqa: RUF001 - the letter is the point
    assert parse(cyrillic, received_at=NOW).sender.email == "achats@xn--vctim-n2e.example"


@pytest.mark.parametrize(
    "results",
    [
        # a parenthesis inside a quoted local part opens no comment that could swallow the failure behind it
        'spf=pass smtp.mailfrom="("@e.example; dmarc=fail header.from=x.example; dkim=pass header.i=")"@victim.example',
        'dkim=fail header.d=victim.example (a "comment; dkim=pass header.d=victim.example)',
        "dkim=pass header.d=victim.example) x",
        "dkim=pass header.d=victim.example; spf",
        "dkim=passed header.d=victim.example",
        "dkim=pass header.d=victim.exampleheader.d=evil.example header.d=victim.example",
        'dkim=pass header.d="victim.example',
        "dkim=pass header.d=victim.example header.d=evil.example",
    ],
)
def test_e63_what_is_quoted_or_commented_is_never_taken_for_a_verdict(results: str) -> None:
    assert judged(stamped(results)) == Authentication.NONE


@pytest.mark.parametrize(
    "results",
    [
        "dkim=pass (2048 bits; unprotected) header.d=victim.example header.i=@victim.example header.b=Ab3=; arc=none",
        'dkim=pass reason="good signature" header.d=victim.example;',
        "dkim = pass (a (nested) comment) header.d = victim.example",
        'spf=softfail (mx: domain of "x"@evil.example) smtp.mailfrom=x@evil.example; dkim=pass header.d=victim.example',
    ],
)
def test_s05_the_fields_that_servers_really_write_are_read(results: str) -> None:
    assert judged(stamped(results)) == Authentication.ALIGNED
