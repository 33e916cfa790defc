"""Who answers an e-mail of ours is read by a person."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from campaigns.delivery import deliver_due
from campaigns.transports import EmailTransport, Letter
from contacts.models import User
from tests.campaigns import rows
from tests.campaigns.rows import NOW, at_once
from tests.campaigns.typed import step, typed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def without_host(host: User) -> None:
    host.is_active = False
    host.save(update_fields=["is_active"])


@pytest.mark.parametrize("works_here", [True, False])
def test_messages_and_notices_are_answered_to_the_host(works_here: bool) -> None:
    host = rows.user()
    rows.campaign(at_once())
    rows.booked(owner=host, calendar=rows.calendar(notices="all"))
    if not works_here:
        without_host(host)
    deliver_due(NOW)
    assert [letter.reply_to for letter in mail.outbox] == [[host.email] if works_here else []] * 2


def test_the_header_leaves_with_the_mail() -> None:
    EmailTransport().send(
        Letter("ada@example.com", "s", "t", "<p>t</p>", "<1@x>", reply_to="grace@example.com")
    )
    assert mail.outbox[0].message()["Reply-To"] == "grace@example.com"


def test_the_editor_says_where_answers_go_and_a_test_carries_it(desk: Client) -> None:
    host = rows.user()
    rows.book(owner=host)
    data = typed(step(0))
    told = f"Answers to the e-mails go to {host.email}."
    assert told in desk.post(reverse("campaigns:preview"), data).content.decode()
    desk.post(reverse("campaigns:campaign_new"), {**data, "try": "all"})
    assert [letter.reply_to for letter in mail.outbox] == [[host.email]]
    without_host(host)
    told = "go to no-reply@tandem.example, for its host no longer works here."
    assert told in desk.post(reverse("campaigns:preview"), data).content.decode()


def test_an_example_and_a_text_message_name_no_address(desk: Client) -> None:
    page = desk.post(reverse("campaigns:preview"), typed(step(0))).content.decode()
    assert "Answers to the e-mails go to the person whose appointment it is." in page
    page = desk.post(reverse("campaigns:preview"), typed(step(0, medium="sms"))).content.decode()
    assert "Answers to the e-mails" not in page
