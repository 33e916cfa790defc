"""The merge fields as people pick them: in words, with what each puts into a text. Pure."""

from dataclasses import dataclass

from campaigns.rendering import FIELDS


@dataclass(frozen=True, slots=True)
class Pick:
    """`code` goes into a text; of a field with `link` words, a formatted text gets those words as a link to it."""

    words: str
    name: str
    fallback: str | None = None
    link: str = ""

    @property
    def code(self) -> str:
        stands_in = "" if self.fallback is None else f' | default: "{self.fallback}"'
        return f"{{{{ {self.name}{stands_in} }}}}"

    @property
    def example(self) -> str:
        space, _, field = self.name.partition(".")
        return FIELDS[space][field]


PICKS: dict[str, tuple[Pick, ...]] = {
    "The person": (
        Pick("First name", "contact.first_name", fallback="there"),
        Pick("Last name", "contact.last_name", fallback=""),
        Pick("Whole name", "contact.name", fallback="there"),
        Pick("E-mail address", "contact.email"),
        Pick("Company", "contact.company", fallback=""),
    ),
    "The appointment": (
        Pick("Date and time", "appointment.starts_at"),
        Pick("Date", "appointment.date"),
        Pick("Time", "appointment.time"),
        Pick("End", "appointment.ends_at"),
        Pick("What it is", "appointment.title"),
        Pick("Calendar", "appointment.calendar"),
        Pick("Length in minutes", "appointment.duration_minutes"),
        Pick("Place", "appointment.location", fallback="our practice"),
        Pick("Video link", "appointment.meeting_url", link="Join the video call"),
    ),
    "What they can do": (
        Pick("Confirm", "appointment.confirm_url", link="Confirm your appointment"),
        Pick("Move", "appointment.reschedule_url", link="Move it to another time"),
        Pick("Cancel", "appointment.cancel_url", link="Cancel it"),
        Pick("See the appointment", "appointment.manage_url", link="See your appointment"),
        Pick("Stop these messages", "contact.unsubscribe_url", link="Stop these messages"),
    ),
    "You": (
        Pick("Who they see", "host.name"),
        Pick("Their e-mail address", "host.email"),
        Pick("Your business", "business.name"),
        Pick("Review page", "campaign.review_url", link="Write a review"),
    ),
}
WORDS = {pick.name: pick.words for picks in PICKS.values() for pick in picks}
LINKS = tuple(pick for picks in PICKS.values() for pick in picks if pick.link)
