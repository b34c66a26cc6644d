"""What a customer writes on the playground's page, and any mail as it is shown there."""

from datetime import UTC, datetime

from bot.playground import guide
from bot.playground.firm import words
from bot.playground.mails import NEVER, Attachment, Letter, Written

AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def test_an_answer_stands_in_the_thread_and_goes_where_the_mail_wants_answers() -> None:
    asked = Letter("out-1", b"From: a@b.example\r\nReply-To: commandes+x@b.example\r\nMessage-ID: <2@b>\r\n"
                            b"References: <1@b>\r\nSubject: =?utf-8?q?Re=C3=A7u?=\r\n\r\nBonjour")  # fmt: skip
    mail = Written(
        sender="c@d.example", to="commandes@b.example", subject="Re:\r\nBcc: x@y.example", words="Oui", at=AT,
        answers=asked, attachments=(Attachment("bon é.pdf", "application/pdf", b"%PDF"),),
    ).mail  # fmt: skip
    assert (mail["To"], mail["In-Reply-To"], mail["References"]) == ("commandes+x@b.example", "<2@b>", "<1@b> <2@b>")
    assert (mail["Subject"], mail["Bcc"]) == ("Re: Bcc: x@y.example", None)
    read = Letter("in-1", mail.as_bytes())
    assert (read.ours, read.at, read.body("plain").strip(), read.body("html")) == (False, AT, "Oui", "")
    assert read.attachments() == [Attachment("bon é.pdf", "application/pdf", b"%PDF")]


def test_a_mail_without_a_date_can_still_be_shown() -> None:
    assert Letter("out-1", b"Subject: x\r\n\r\ny").at == NEVER


def test_the_steps_that_are_shown_are_those_that_tick_themselves() -> None:
    shown = words()["steps"]
    panes = {player["key"] for player in words()["players"]} | {"clock", "mail"}
    assert [step["key"] for step in shown] == list(guide.STEPS)
    assert {step["pane"] for step in shown} <= panes
