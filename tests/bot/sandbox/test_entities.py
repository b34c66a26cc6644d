from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.entities import arrange, clean, detected, formatted, parse_html, to_html, units
from bot.sandbox.refusals import ApiError

PRINTED = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n") | st.sampled_from("&<>\"'#;/=ab "))


def plain(text: str) -> str:
    return text.strip(" \n\t")


@given(PRINTED)
def test_any_text_that_html_escape_escaped_comes_back_as_it_was(text: str) -> None:
    assert parse_html(html.escape(text)) == (text, [])


@given(
    PRINTED.filter(lambda text: plain(text) != ""), st.sampled_from(["b", "i", "u", "s", "code", "pre", "blockquote"])
)
def test_a_tag_around_any_text_covers_it_exactly_in_utf16_units(text: str, tag: str) -> None:
    shown, entities = formatted(
        f"<{tag}>{html.escape(text)}</{tag}>", parse_mode="HTML", entities=None, limit=10_000, what="message"
    )
    assert shown == plain(text)
    assert [(each["offset"], each["length"]) for each in entities] == [(0, len(plain(text).encode("utf-16-le")) // 2)]


@given(st.lists(st.tuples(PRINTED.filter(str.strip), st.sampled_from(["b", "i", "u", "s", "code", ""])), max_size=6))
def test_html_written_from_entities_parses_to_the_same_entities(parts: list[tuple[str, str]]) -> None:
    source = "".join(f"<{tag}>{html.escape(text)}</{tag}>" if tag else html.escape(text) for text, tag in parts)
    text, entities = arrange(*parse_html(source))
    assert arrange(*parse_html(to_html(text, entities))) == (text, entities)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_at_all_is_parsed_or_refused_in_telegrams_words(text: str) -> None:
    try:
        shown, entities = parse_html(text)
    except ApiError as error:
        assert error.code == 400  # noqa: PT017
        assert error.description.startswith("Bad Request: ")  # noqa: PT017
    else:
        assert all(0 <= e["offset"] < e["offset"] + e["length"] <= units(shown) for e in entities)


def test_offsets_count_utf16_units() -> None:
    text, entities = parse_html("Pâtisserie «Éclair» 🍰 <b>10 €</b>")
    assert text == "Pâtisserie «Éclair» 🍰 10 €"
    assert entities == [{"type": "bold", "offset": 23, "length": 4}]
    assert units("Pâtisserie «Éclair» 🍰") == 22


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("<strong>x</strong>", "bold"),
        ("<B>x</B>", "bold"),
        ("<em>x</em>", "italic"),
        ("<ins>x</ins>", "underline"),
        ("<strike>x</strike>", "strikethrough"),
        ("<del>x</del>", "strikethrough"),
        ('<span class="tg-spoiler">x</span>', "spoiler"),
        ("<tg-spoiler>x</tg-spoiler>", "spoiler"),
        ("<blockquote expandable>x</blockquote>", "expandable_blockquote"),
        ("<b >x</b >", "bold"),
        ("<i>x</>", "italic"),
        ("<b title='&lt;>'>x</b>", "bold"),
    ],
)
def test_every_spelling_of_a_tag_is_understood(source: str, kind: str) -> None:
    assert parse_html(source) == ("x", [{"type": kind, "offset": 0, "length": 1}])


def test_code_in_pre_gives_its_language() -> None:
    assert parse_html('<pre><code class="language-python">x = 1</code></pre>') == (
        "x = 1",
        [{"type": "pre", "offset": 0, "length": 5, "language": "python"}],
    )


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ('<a href="https://example.com/a?b=1&amp;c=2">x.y</a>', "https://example.com/a?b=1&c=2"),
        ("<a href='example.com'>x.y</a>", "http://example.com/"),
        ("<a href='tg://user?id=5'>x.y</a>", "tg://user?id=5"),
        ("<a>example.com</a>", "http://example.com/"),
    ],
)
def test_a_link_gets_the_address_telegram_would_open(source: str, url: str) -> None:
    assert [entity["url"] for entity in parse_html(source)[1]] == [url]


@pytest.mark.parametrize("href", ["javascript:alert(1)", "", "nowhere", "http://[broken", "ftp://example.com"])
def test_a_link_nobody_can_open_keeps_its_text_only(href: str) -> None:
    assert parse_html(f'<a href="{href}">voir</a>') == ("voir", [])


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("&lt;3 P&acirc;tisserie &amp; Fils&gt;", "<3 P&acirc;tisserie & Fils>"),
        ("&#39;&#x27;&quot;&apos;", "''\"&apos;"),
        ("&amp;lt; &lt &ampx &", "&lt; < &ampx &"),
        ("&#0; &#; &#xFFFFFFFF; &#99999999999999999999;", "&#0; &#; &#xFFFFFFFF; &#99999999999999999999;"),
    ],
)
def test_references_are_decoded_once_and_unknown_ones_stay(source: str, text: str) -> None:
    assert parse_html(source) == (text, [])


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("REF<br>", 'Unsupported start tag "br" at byte offset 3'),
        ("é <p>", 'Unsupported start tag "p" at byte offset 3'),
        ("<3 Pâtisserie>", 'Unsupported start tag "3" at byte offset 0'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("REF<b>", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<a href>x</a>", 'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0'),
        ("<a href=é>x</a>", "Unexpected end of name token at byte offset 8"),
        ('<a href="x>y</a>', "Unclosed start tag at byte offset 0"),
        ("<a =x>y</a>", 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<tg-emoji emoji-id='x'>👍</tg-emoji>", "Invalid custom emoji identifier specified"),
    ],
)
def test_ill_formed_html_is_refused_with_the_place(source: str, problem: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_html(source)
    assert refused.value.description == f"Bad Request: can't parse entities: {problem}"


def test_nothing_nests_in_code_nor_a_kind_in_itself() -> None:
    text, entities = arrange(*parse_html("<code>a<b>b</b></code><b>c<b>d</b><i>e</i></b>"))
    assert text == "abcde"
    assert [(e["type"], e["offset"], e["length"]) for e in entities] == [
        ("code", 0, 2),
        ("bold", 2, 3),
        ("italic", 4, 1),
    ]


def test_the_ends_are_trimmed_and_entities_move_along() -> None:
    assert arrange(*parse_html(" \n <b> 🍰 x </b> \n")) == ("🍰 x", [{"type": "bold", "offset": 0, "length": 4}])


def test_control_characters_do_not_survive() -> None:
    assert clean("a\r\nb\x00c\td") == "a\nb c\td"


def test_the_limit_counts_units_after_parsing() -> None:
    ampersands = "&amp;" * 1024
    assert formatted(ampersands, parse_mode="HTML", entities=None, limit=1024, what="message caption")[0] == "&" * 1024
    with pytest.raises(ApiError, match="message caption is too long"):
        formatted("🍰" * 513, parse_mode="HTML", entities=None, limit=1024, what="message caption")


def test_other_parse_modes_are_refused() -> None:
    with pytest.raises(ApiError, match="does not support parse_mode Markdown"):
        formatted("*x*", parse_mode="MarkdownV2", entities=None, limit=10, what="message")
    with pytest.raises(ApiError, match="unsupported parse_mode"):
        formatted("x", parse_mode="rtf", entities=None, limit=10, what="message")


def test_commands_addresses_and_links_of_a_person_are_marked() -> None:
    text = "🍰 /start a@b.fr https://x.fr/y. 1/2"
    assert detected(text) == [
        {"type": "bot_command", "offset": 3, "length": 6},
        {"type": "email", "offset": 10, "length": 6},
        {"type": "url", "offset": 17, "length": 14},
    ]
