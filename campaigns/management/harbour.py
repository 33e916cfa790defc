"""Harbour Physio, the made-up business of a local run.

Everyone is fiction: addresses end in example.com, numbers are those that Britain's regulator keeps for drama.
"""

import datetime
from dataclasses import dataclass

TIME_ZONE = "Europe/London"
DEMO_TAG = "Demo data"

REMINDER_BODY = """Hello {{ contact.first_name | default: "there" }},

this is a reminder of your appointment: {{ appointment.calendar }}, {{ appointment.starts_at }}.

Harbour Physio
"""
CONFIRMATION_BODY = """Hello {{ contact.first_name | default: "there" }},

your appointment: {{ appointment.calendar }}, {{ appointment.starts_at }}.
If that does not suit you, answer this message.

Harbour Physio
"""
TEXT_BODY = "Harbour Physio: your appointment, {{ appointment.starts_at }}. Answer STOP for no more texts."


@dataclass(frozen=True)
class SignIn:
    name: str
    address: str
    is_admin: bool = False


@dataclass(frozen=True)
class Person:
    """A contact. The address is made from the name; `phone` is the end of a drama number."""

    name: str
    company: str = ""
    phone: str = ""
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    second_address: str = ""
    no_email: bool = False

    @property
    def address(self) -> str:
        return f"{self.name.lower().replace(' ', '.').replace('’', '')}@example.com"


@dataclass(frozen=True)
class Diary:
    """A calendar that people book. `members` are first names in the order they are asked; without a team, `owner`."""

    name: str
    kind: str
    colour: str
    minutes: int
    members: tuple[str, ...] = ()
    location: str = ""
    seats: int = 1
    hours: tuple[tuple[range, int, int], ...] = ((range(5), 9, 17),)
    interval: int | None = None
    buffer: int = 0
    description: str = ""
    notice_hours: int = 4
    confirms: bool = False
    keeps_owner: bool = False
    guests: int = 1
    owner: str = ""


@dataclass(frozen=True)
class Visit:
    """An appointment `days` working days from today, at a local time of Harbour Physio."""

    days: int
    at: datetime.time
    diary: str
    contact: str
    owner: str
    status: str = ""
    guests: tuple[str, ...] = ()
    title: str = ""


# These three and their password stand in settings.DEMO_SIGN_INS too, for the sign-in page.
PASSWORD = "harbour-demo"  # noqa: S105 (known to everybody)
SIGN_INS = (
    SignIn("Dana Whitfield", "dana@example.com"),
    SignIn("Amir Castellan", "amir@example.com"),
    SignIn("Robin Ashdown", "admin@example.com", is_admin=True),
)

DIARIES = (
    Diary(
        "Dana – consultations",
        "personal",
        "#2f6fde",
        45,
        ("Dana",),
        "Room 1",
        interval=15,
        description="Forty-five minutes with Dana, for what we are working on together.",
        confirms=True,
    ),
    Diary(
        "First visit",
        "round_robin",
        "#0b6e55",
        45,
        ("Dana", "Amir"),
        "Reception",
        buffer=10,
        description="We listen, look and move, and agree on a plan. Bring reports and wear something comfortable.",
        notice_hours=24,
        keeps_owner=True,
    ),
    Diary(
        "Team assessment",
        "collective",
        "#8a4fd0",
        60,
        ("Dana", "Amir"),
        "Room 2",
        interval=30,
        description="Dana and Amir together, for what one pair of eyes would miss.",
        notice_hours=48,
    ),
    Diary(
        "Back class",
        "class",
        "#b04a12",
        50,
        ("Amir",),
        "Studio",
        seats=8,
        hours=((range(1, 5, 2), 17, 19),),
        interval=60,
        description="Strength and mobility for backs, eight people at most. Towels are here.",
        notice_hours=1,
        confirms=True,
        guests=2,
    ),
    Diary(
        "Treatment room",
        "unassigned",
        "#5b6b7f",
        30,
        (),
        "Room 3",
        hours=((range(5), 8, 18),),
        description="The quiet room with the shockwave device, by the half hour.",
        guests=0,
        owner="Dana",
    ),
)

PEOPLE = (
    Person("Maya Okafor", "Quayside Rowing Club", "123", ("Sports",), ("Prefers mornings before nine.",)),
    Person("Tom Ellery", "", "124", ("Back pain",), ("Referred by his GP in September.",)),
    # The stand-in's Dana has a consultation with her, at this second address.
    Person(
        "Priya Raman",
        "Raman & Hall",
        "125",
        ("Referral",),
        ("Works from home on Fridays.",),
        "priya.raman@example.net",
    ),
    Person("Jonas Lindqvist", "", "126", ("Sports",), second_address="jonas@example.org"),
    Person("Beth Carraway", "Carraway Interiors", "127", ("Back pain", "Class")),
    Person("Samuel Osei", "", "128", ("Class",)),
    Person("Grace Penhale", "", "129", ("Referral",), ("Knee, left; surgery planned in spring.",)),
    Person("Luca Bianchi", "Trattoria Porto", "130", ("Back pain",), ("On his feet all day.",)),
    Person("Hannah Frost", "", "131", ("Class",), no_email=True),
    Person(
        "Idris Vaughan",
        "Vaughan Scaffolding",
        "132",
        ("Back pain",),
        ("Shoulder; no lifting for six weeks.",),
    ),
    Person("Chloe Marchetti", "", "133", ("Sports",)),
    Person("Oliver Tran", "Pixelsmith", "134", ("Referral",), second_address="oliver.tran@example.net"),
    Person("Ruth Abernathy", "", "135", ("Class",), ("Comes with her sister.",)),
    Person("Nikhil Desai", "Harbour Academy", "136", ("Sports",)),
    Person("Eleanor Voss", "", "137", ("Back pain",)),
    Person("Patrick Doyle", "Doyle Marine", "138", (), ("Invoice to the company.",)),
    Person("Amara Nwosu", "", "139", ("Referral",)),
    Person("Felix Baumann", "", "140", ("Sports", "Class")),
    Person("Isla Macrae", "Macrae Veterinary", "141", ("Back pain",)),
    Person("Gareth Pugh", "", "142", ("Class",)),
    Person("Sofia Kowalska", "", "143", ("Referral",), ("Polish interpreter is not needed any more.",)),
    Person("Desmond Clarke", "Clarke & Daughters", "144", ("Back pain",)),
    Person("Yuki Tanabe", "", "145", ("Sports",)),
    Person("Miriam Adler", "", "", ("Class",)),
    Person("Rowan Fitzgerald", "", "147", (), ("Asked about gift vouchers.",)),
)


def _at(text: str) -> datetime.time:
    return datetime.time.fromisoformat(text)


VISITS = (
    Visit(-8, _at("09:30"), "Dana – consultations", "Tom Ellery", "Dana", "showed"),
    Visit(-7, _at("14:00"), "First visit", "Sofia Kowalska", "Amir", "showed"),
    Visit(-6, _at("10:00"), "First visit", "Patrick Doyle", "Dana", "no_show"),
    Visit(-5, _at("11:15"), "Dana – consultations", "Maya Okafor", "Dana", "showed"),
    Visit(-4, _at("15:00"), "Team assessment", "Grace Penhale", "Dana", "showed"),
    Visit(-3, _at("09:00"), "Dana – consultations", "Luca Bianchi", "Dana", "showed"),
    Visit(
        -2, _at("17:30"), "Back class", "Beth Carraway", "Amir", "showed", ("Samuel Osei", "Ruth Abernathy")
    ),
    Visit(-1, _at("13:30"), "First visit", "Yuki Tanabe", "Amir", "cancelled"),
    Visit(0, _at("09:30"), "Dana – consultations", "Priya Raman", "Dana", "confirmed"),
    Visit(0, _at("16:00"), "First visit", "Amara Nwosu", "Amir"),
    Visit(1, _at("10:00"), "Dana – consultations", "Idris Vaughan", "Dana", "confirmed"),
    Visit(1, _at("11:00"), "First visit", "Rowan Fitzgerald", "Dana"),
    Visit(
        1,
        _at("17:30"),
        "Back class",
        "Felix Baumann",
        "Amir",
        "",
        ("Gareth Pugh", "Miriam Adler", "Hannah Frost"),
    ),
    Visit(2, _at("10:30"), "Dana – consultations", "Eleanor Voss", "Dana"),
    Visit(2, _at("15:30"), "Team assessment", "Chloe Marchetti", "Dana", "confirmed"),
    Visit(3, _at("09:15"), "First visit", "Nikhil Desai", "Amir"),
    Visit(3, _at("15:30"), "Dana – consultations", "Isla Macrae", "Dana", "confirmed"),
    Visit(4, _at("12:00"), "Treatment room", "Desmond Clarke", "Amir", "", (), "Taping, ten minutes"),
    Visit(5, _at("10:00"), "Dana – consultations", "Tom Ellery", "Dana"),
    Visit(7, _at("13:00"), "First visit", "Oliver Tran", "Dana"),
    Visit(9, _at("11:00"), "Team assessment", "Jonas Lindqvist", "Amir", "confirmed"),
)
