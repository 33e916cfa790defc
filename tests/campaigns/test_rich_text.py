"""Formatted texts: what is kept of them, the plain text made from them, and what can never get into an e-mail."""

import pytest

from campaigns.rich_text import clean, finished, of_text, template_of, text_of

CONFIRM = '<a href="{{ appointment.confirm_url }}">Confirm</a>'


@pytest.mark.parametrize(
    ("markup", "kept"),
    [
        ("<div>Hi <strong>you</strong></div>", "<div>Hi <strong>you</strong></div>"),
        ('<div onclick="x()" style="color:red">Hi<script>bad()</script></div>', "<div>Hi</div>"),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>"),
        ('<a href="clinic.example/map">Map</a>', '<a href="https://clinic.example/map">Map</a>'),
        ('<a href="desk@clinic.example">Us</a>', '<a href="mailto:desk@clinic.example">Us</a>'),
        (CONFIRM, CONFIRM),
        ("<div>{{ contact.<strong>name</strong> }}</div>", "<div>{{ contact.name }}</div>"),
        ("<div>{{&nbsp;contact.name }}</div>", "<div>{{ contact.name }}</div>"),
        ("<div><br></div>", ""),
        ("<div>&nbsp;</div>", ""),
        ('<img src="x">', ""),
    ],
)
def test_only_what_the_toolbar_makes_is_kept(markup: str, kept: str) -> None:
    assert clean(markup) == kept
    assert clean(kept) == kept


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<div>Dear {{ contact.name }},<br><br>until <em>then</em>.</div>", "Dear {{ contact.name }},\n\nuntil then."),
        ("<div>One</div><div>two</div>", "One\ntwo"),
        ("<h1>Before you come</h1><div>Bring</div><ul><li>a towel</li><li>shoes</li></ul><div>See you</div>",
         "Before you come\n\nBring\n\n- a towel\n- shoes\n\nSee you"),
        ("<ol><li>Ring</li><li>Wait<ul><li>inside</li></ul></li></ol>", "1. Ring\n2. Wait\n  - inside"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<blockquote>Said<br>so</blockquote><div>Then</div>", "> Said\n> so\n\nThen"),
        ('<div>See <a href="https://x.example/">our page</a>.</div>', "See our page (https://x.example/)."),
        ('<div><a href="https://x.example/">Our page</a></div>', "Our page: https://x.example/"),
        ('<div><a href="https://x.example/">https://x.example/</a></div>', "https://x.example/"),
        ('<div><a href="tel:+442071234567">Ring us</a></div>', "Ring us: +442071234567"),
        (f"<div>{CONFIRM}</div>",
         '{% if appointment.confirm_url != "" %}Confirm: {{ appointment.confirm_url }}{% endif %}'),
        ("<div>Fish &amp; chips &lt;3</div>", "Fish & chips <3"),
        ('<div>{% if contact.name == "A &amp; B" %}Hi{% endif %}</div>',
         '{% if contact.name == "A & B" %}Hi{% endif %}'),
    ],
)  # fmt: skip
def test_the_plain_text_says_no_less(markup: str, text: str) -> None:
    assert text_of(markup) == text


def test_inside_merge_fields_nothing_is_escaped() -> None:
    assert template_of("<div>1 &lt; 2 {% if 1 &lt; 2 %}yes{% endif %}</div>") == (
        "<div>1 &lt; 2 {% if 1 < 2 %}yes{% endif %}</div>"
    )


@pytest.mark.parametrize(
    ("filled", "shown"),
    [
        ('<div>A <a href="">Confirm</a></div>', "<div>A </div>"),
        ('<a href="javascript:x()">Confirm</a>', ""),
        ("<div>At https://x.example/a?b=1&amp;c=2.</div>",
         '<div>At <a href="https://x.example/a?b=1&amp;c=2">https://x.example/a?b=1&amp;c=2</a>.</div>'),
        ('<a href="https://x.example/">https://x.example/</a>', '<a href="https://x.example/">https://x.example/</a>'),
        ("<div>a<br><br><br><br>b</div>", "<div>a<br><br>b</div>"),
    ],
)  # fmt: skip
def test_links_of_an_email_lead_somewhere(filled: str, shown: str) -> None:
    assert finished(filled) == shown


def test_a_plain_text_becomes_one_to_format_and_back() -> None:
    text = "Dear {{ contact.name }},\n\n1 < 2 & so on"
    assert text_of(of_text(text)) == text
    assert of_text("  ") == ""
