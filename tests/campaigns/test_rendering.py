"""Texts with merge fields: what they become, what is refused at save, and what they can never do."""

import time

import pytest

from campaigns.mail_page import as_html, paragraphs
from campaigns.rendering import (
    FIELDS,
    NAMES,
    Fields,
    NotRenderable,
    fill,
    may_read_empty,
    render,
    used_in,
    validate,
)
from campaigns.rich_text import text_of


def fields(**contact: str) -> Fields:
    return Fields({**FIELDS, "contact": {**FIELDS["contact"], **contact}})


@pytest.mark.parametrize("name", NAMES)
def test_every_merge_field_is_known_and_filled(name: str) -> None:
    space, field = name.split(".")
    assert validate(f"{{{{ {name} }}}}") == []
    assert fill(f"{{{{ {name} }}}}", fields()) == FIELDS[space][field]


def test_fallback_stands_in_for_an_empty_value_and_for_a_missing_one() -> None:
    template = 'Hi {{ contact.first_name | default: "there" }}'
    assert fill(template, fields(first_name="")) == "Hi there"
    assert fill(template, fields(first_name="Ada")) == "Hi Ada"
    assert fill(template, Fields({"contact": {}})) == "Hi there"
    assert fill(template, Fields({})) == "Hi there"


def test_a_missing_value_without_fallback_is_refused_rather_than_sent_empty() -> None:
    with pytest.raises(NotRenderable, match=r"Line 2: contact\.first_name is undefined"):
        fill("Hello\n{{ contact.first_name }}", Fields({"contact": {}}))


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ contact.frist_name }}", "There is no field “contact.frist_name”."),
        ("Hi {{ contact.name | shout }}\n", "Unknown filter 'shout'."),
        (
            "Hi {{ contact.name }}\n{{ contact.frist_name }}",
            "Line 2: there is no field “contact.frist_name”.",
        ),
        ("{{ contact.frist_name }}\nBye", "Line 1: there is no field “contact.frist_name”."),
    ],
)
def test_a_line_is_named_only_where_there_are_several(template: str, words: str) -> None:
    (fault,) = validate(template)
    assert str(fault).startswith(words)


def test_the_name_of_a_missing_field_stays_as_it_is_written() -> None:
    with pytest.raises(NotRenderable, match=r"^contact\.first_name is undefined\.$"):
        fill("Hello {{ contact.first_name }}", Fields({"contact": {}}))


def test_text_can_be_left_out_when_a_field_is_empty() -> None:
    template = '{% if appointment.location != "" %}At {{ appointment.location }}{% endif %}'
    assert fill(template, Fields({"appointment": {"location": ""}})) == ""
    assert fill(template, fields()) == "At 12 High Street"


@pytest.mark.parametrize(
    ("template", "line", "words"),
    [
        ("Hi\n{{ contact.frist_name }}", 2, "contact.frist_name”. Did you mean “contact.first_name”"),
        ('{{ contact.nickname | default: "you" }}', 1, "there is no field “contact.nickname”"),
        ("{{ contact }}", 1, "there is no field “contact”"),
        ("{{ contact.emails[0].address }}", 1, "there is no field"),
        ("{{ user.password }}", 1, "there is no field “user.password”"),
        ("{{ contact.__class__ }}", 1, "there is no field"),
        ("a\n\n{{ contact.name", 3, "expected '}}'"),
        ("a\n{% if contact.name %}\nb", 3, "expected tag endif"),
        ("{{ contact.name | shout }}", 1, "unknown filter 'shout'"),
        ("{% include 'x' %}", 1, "unexpected tag 'include'"),
        ("{{ 1 | divided_by: 0 }}", 1, "can't divide by 0"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_save_with_its_line(template: str, line: int, words: str) -> None:
    (fault, *_) = validate(template)
    assert fault.line == line
    assert words in fault.words


def test_every_unknown_field_is_named() -> None:
    faults = validate("{{ host.phone }}\n{{ contact.name }}\n{{ business.vat }}")
    assert [fault.line for fault in faults] == [1, 3]


def test_a_name_set_in_the_text_itself_is_no_unknown_field() -> None:
    assert validate('{% assign who = contact.first_name | default: "you" %}{{ who }}') == []


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        '{% assign x = "aaaaaaaa" %}{% for i in (1..400) %}{% assign x = x | append: x %}{% endfor %}',
        "{{ (1..3000000000) | join }}",
        '{{ "aaaaaaaaaa" | replace: "a", "aaaaaaaaaa" }}',
        "{% tablerow i in (1..100000000) %}{% endtablerow %}",
        "{% for i in (1..400) %}" + "x" * 1000 + "{% endfor %}",
    ],
)
def test_a_text_cannot_hang_or_flood_the_worker(template: str) -> None:
    begun = time.monotonic()
    assert validate(template)
    assert time.monotonic() - begun < 2


def test_values_are_text_and_never_markup() -> None:
    result = render(
        subject="For {{ contact.name }}\nBcc: all@example.com",
        body="Hi {{ contact.name }}",
        fields=fields(name='<script>alert("1")</script> {{ contact.email }}'),
    )
    assert "\n" not in result.subject
    assert "<script" not in result.html
    assert "{{ contact.email }}" in result.text


def test_html_holds_paragraphs_lines_and_links() -> None:
    assert paragraphs("One\ntwo\n\n\nSee https://x.example/a?b=1&c=2.") == (
        '<p>One<br>two</p><p>See <a href="https://x.example/a?b=1&amp;c=2">https://x.example/a?b=1&amp;c=2</a>.</p>'
    )


def test_styles_are_inlined_and_the_dark_ones_kept() -> None:
    page = as_html("Hello", title="T & U")
    assert 'class="sheet" style="' in page
    assert "prefers-color-scheme: dark" in page
    assert "T &amp; U" in page


def test_a_page_keeps_its_shape_in_readers_that_know_tables_only() -> None:
    page = as_html("Hello", unsubscribe_url="https://crm.example/u/1/")
    body = page[page.index("<body") :]
    # Word draws neither max-width nor the padding of a block: a table of that width, and cells, do.
    assert '<!--[if mso]><table role="presentation" width="560"' in body
    assert body.count("<table") == body.count('role="presentation"') == body.count("</table>")
    assert "<div" not in body
    assert not any(word in page for word in ("flex", "grid;", "float", "position:"))
    assert 'class="foot"' in body.partition('class="sheet"')[2]


def test_a_long_address_of_a_page_breaks_inside_the_sheet() -> None:
    sheet = as_html("Hello").partition('class="sheet" style="')[2].partition('"')[0]
    assert "word-break: break-word" in sheet


def test_both_parts_carry_the_unsubscribe_link() -> None:
    result = render(subject="s", body="b", fields=fields(), unsubscribe_url="https://crm.example/u/1/")
    assert result.text.endswith("Stop these e-mails: https://crm.example/u/1/\n")
    assert 'href="https://crm.example/u/1/"' in result.html


def test_a_formatted_text_is_the_html_part_and_values_in_it_are_text() -> None:
    result = render(
        subject="s",
        body="Hi {{ contact.name }}",
        rich='<div>Hi <strong>{{ contact.name }}</strong>, <a href="{{ host.email }}">us</a></div>',
        fields=fields(name='<a href="x">Ada & "Co"</a>'),
    )
    assert '<strong>&lt;a href="x"&gt;Ada &amp; "Co"&lt;/a&gt;</strong>' in result.html
    assert result.text == 'Hi <a href="x">Ada & "Co"</a>\n'


def test_a_value_that_stands_as_an_address_can_run_nothing() -> None:
    result = render(
        subject="s",
        body="b",
        rich='<div>x <a href="{{ contact.company }}">us</a></div>',
        fields=fields(company="javascript:alert(1)"),
    )
    assert "javascript" not in result.html


def test_what_cannot_be_done_is_left_out_of_both_parts() -> None:
    rich = '<div>Hi<br><br><a href="{{ appointment.cancel_url }}">Cancel</a><br><br>Bye</div>'
    empty = Fields({**FIELDS, "appointment": {**FIELDS["appointment"], "cancel_url": ""}})
    result = render(subject="s", body=text_of(rich), rich=rich, fields=empty)
    assert result.text == "Hi\n\nBye\n"
    assert "Cancel" not in result.html
    assert "Hi<br><br>Bye" in result.html


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("Hi {{ contact.first_name }}, {{ appointment.time }}", ["contact.first_name"]),
        ('Hi {{ contact.first_name | default: "there" }}', []),
        ("{{ contact.company | upcase }}", ["contact.company"]),
        ('{% if appointment.location != "" %}At {{ appointment.location }}{% endif %}', []),
        ("{% if contact.name %}{{ contact.company }}{% endif %}", ["contact.company"]),
    ],
)
def test_a_field_that_may_be_empty_is_named_unless_something_stands_in(
    template: str, names: list[str]
) -> None:
    assert may_read_empty(template) == names


def test_the_fields_of_a_text_are_known_and_a_broken_text_has_none() -> None:
    texts = ("{{ contact.name }} {% if campaign.review_url %}x{% endif %}", "{{ host.name")
    assert used_in(*texts) == {"contact.name", "campaign.review_url"}
