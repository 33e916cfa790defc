"""Good campaigns to start from. What is here is written into an editor, never stored or sent by itself."""

from dataclasses import dataclass

from django.http import QueryDict

from campaigns.forms.editor import put_step
from campaigns.models import Kind, Step
from campaigns.rich_text import text_of
from contacts.models import AppointmentChange

What = AppointmentChange.What
Anchor, Medium, WhenLate = Step.Anchor, Step.Medium, Step.WhenLate
HELLO = 'Hello {{ contact.first_name | default: "there" }},<br><br>'
BYE = "<br><br>{{ host.name }}<br>{{ business.name }}"
WHEN = "<strong>{{ appointment.calendar }}</strong><br>{{ appointment.starts_at }}"
WHERE = '<br>{{ appointment.location | default: "" }}'
CONFIRM = '<a href="{{ appointment.confirm_url }}">Confirm that you are coming</a>'
JOIN = '<a href="{{ appointment.meeting_url }}">Join the video call</a>'
CHANGE = (
    "If it does not suit you any more, please tell us early, so that somebody else can have the time.<br>"
    '<a href="{{ appointment.reschedule_url }}">Move it to another time</a><br>'
    '<a href="{{ appointment.cancel_url }}">Cancel it</a>'
)
DAYTIME = ("09:00", "18:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One step. An e-mail has `rich`, an SMS `text`. `hours`: from and until."""

    anchor: str
    amount: int = 0
    unit: str = "hours"
    subject: str = ""
    rich: str = ""
    text: str = ""
    when_late: str = WhenLate.SKIP
    hours: tuple[str, str] = ("", "")

    def fields(self) -> dict[str, list[str]]:
        medium = Medium.EMAIL if self.rich else Medium.SMS
        one = {
            "anchor": self.anchor,
            "amount": str(self.amount),
            "unit": self.unit,
            "medium": medium,
            "subject": self.subject,
            "rich": self.rich,
            "body": self.text or text_of(self.rich),
            "when_late": self.when_late,
            "window_starts": self.hours[0],
            "window_ends": self.hours[1],
            "is_active": "on",
        }
        return {field: [str(value)] for field, value in one.items()} | {
            "window_days": [str(day) for day in range(7)]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`does` is read on its card: what people get, and when."""

    slug: str
    name: str
    icon: str
    does: str
    steps: tuple[Draft, ...]
    note: str = ""
    on_changes: tuple[str, ...] = (What.BOOKED,)

    def typed(self) -> QueryDict:
        """The editor's fields as if somebody had typed it."""
        data = QueryDict(mutable=True)
        data.update({"name": self.name, "trigger": Kind.APPOINTMENT, "recurring": ""})
        data.setlist("on_changes", list(self.on_changes))
        data.update({"steps-TOTAL_FORMS": str(len(self.steps)), "steps-INITIAL_FORMS": "0"})
        for number, step in enumerate(self.steps):
            put_step(data, number, step.fields())
        return data


CONFIRMATION = Draft(
    anchor=Anchor.AT_ONCE,
    subject="Your appointment: {{ appointment.date }}, {{ appointment.time }}",
    rich=f"<div>{HELLO}thank you, your appointment is arranged:<br><br>{WHEN}{WHERE}<br><br>{JOIN}<br><br>"
    f"{CHANGE}{BYE}</div>",
)
DAY_BEFORE = Draft(
    anchor=Anchor.BEFORE_START,
    amount=24,
    subject="Reminder: {{ appointment.date }}, {{ appointment.time }}",
    rich=f"<div>{HELLO}we look forward to seeing you:<br><br>{WHEN}{WHERE}<br><br>{CONFIRM}<br><br>{JOIN}"
    f"<br><br>{CHANGE}{BYE}</div>",
)
HOUR_BEFORE = Draft(
    anchor=Anchor.BEFORE_START,
    amount=1,
    subject="See you at {{ appointment.time }}: {{ appointment.calendar }}",
    rich=f"<div>{HELLO}see you soon:<br><br>{WHEN}{WHERE}<br><br>{JOIN}{BYE}</div>",
)
TEXT_BEFORE = Draft(
    anchor=Anchor.BEFORE_START,
    amount=24,
    text="{{ business.name }}: see you on {{ appointment.date }} at {{ appointment.time }}. "
    "Change or cancel: {{ appointment.manage_url }}",
)

RECIPES = (
    Recipe(
        slug="reminders",
        name="Appointment reminders",
        icon="bell",
        does="An e-mail 24 hours before, in which people confirm, move or cancel, and one an hour before.",
        note="The best one to start with.",
        steps=(DAY_BEFORE, HOUR_BEFORE),
    ),
    Recipe(
        slug="confirmation",
        name="Confirmation and reminders",
        icon="calendar-check",
        does="An e-mail as soon as an appointment is made, then one 24 hours and one an hour before.",
        note="Calendars can confirm by themselves, with a calendar file (Settings → Calendars). Use one of the two.",
        steps=(CONFIRMATION, DAY_BEFORE, HOUR_BEFORE),
    ),
    Recipe(
        slug="texts",
        name="Reminder by text",
        icon="chat-left-text",
        does="A text message 24 hours before, with a link to change or cancel.",
        note="Needs a carrier for text messages. With the link it mostly counts as two SMS; without it as one.",
        steps=(TEXT_BEFORE,),
    ),
    Recipe(
        slug="no-show",
        name="After a missed appointment",
        icon="person-x",
        does="A friendly e-mail once you mark somebody as not having come, in the daytime, to find another time.",
        on_changes=(What.NO_SHOW,),
        steps=(
            Draft(
                anchor=Anchor.AT_ONCE,
                subject="We missed you on {{ appointment.date }}",
                rich=f"<div>{HELLO}we had kept {{{{ appointment.starts_at }}}} for you and did not see you. "
                "We hope that all is well.<br><br>Shall we find another time? Answer this message, or ring us."
                f"{BYE}</div>",
                when_late=WhenLate.SEND,
                hours=DAYTIME,
            ),
        ),
    ),
    Recipe(
        slug="review",
        name="Ask for a review",
        icon="star",
        does="An e-mail the day after a visit, once you mark that they came. It asks you for your review page first.",
        on_changes=(What.SHOWED,),
        steps=(
            Draft(
                anchor=Anchor.AFTER_END,
                amount=24,
                subject="How was it?",
                rich=f"<div>{HELLO}thank you for coming. Would you tell others how it was? It takes a minute, and "
                'helps people to find us.<br><br><a href="{{ campaign.review_url }}">Write a review</a><br><br>'
                f"If anything was not right, please answer this message: we would like to know.{BYE}</div>",
                when_late=WhenLate.SEND,
                hours=DAYTIME,
            ),
        ),
    ),
)
BY_SLUG = {recipe.slug: recipe for recipe in RECIPES}
