"""Who may set calendars up, and whose hours a person may change. Words for those who may not."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from calendars.models import Calendar, Membership, WeeklyHours
from calendars.models.calendars import CalendarQuerySet
from contacts.models import User

NOT_YOURS = "Calendars are set up by people with the permission “Can change calendar”. Ask an admin for it."
NO_NEW_ONE = (
    "New calendars are made by people with the permissions “Can add calendar” and “Can change calendar”. "
    "Ask an admin for it."
)
NOT_YOUR_HOURS = (
    "You may change your own hours. Those of others are changed by people with the permission "
    "“Can change calendar”."
)
NOT_A_MEMBER = "You are not a member of this calendar, so you have no hours in it. Ask an admin to add you."


def may_set_up(user: User) -> bool:
    return user.has_perm("calendars.change_calendar")


def may_add(user: User) -> bool:
    """Both: who makes a calendar goes on to set it up."""
    return user.has_perms(["calendars.add_calendar", "calendars.change_calendar"])


def seen_by(user: User) -> CalendarQuerySet:
    """All calendars for who sets them up; else those the user is a member of, or owns."""
    everyone = Calendar.objects.all()
    if may_set_up(user):
        return everyone
    own = Q(pk__in=Membership.objects.filter(user=user).values("calendar"))
    return everyone.filter(own | Q(owner=user, kind=Calendar.Kind.UNASSIGNED))


def may_set_hours(user: User, owner: Membership | Calendar) -> bool:
    """Whether `user` may change the hours of a member, or of an unassigned calendar."""
    whose = owner.user_id if isinstance(owner, Membership) else owner.owner_id
    return whose == user.pk or may_set_up(user)


def members() -> QuerySet[Membership]:
    """Memberships with their users and whether each has weekly hours: without any, no time is offered."""
    hours = WeeklyHours.objects.filter(membership=OuterRef("pk"))
    return Membership.objects.select_related("user").annotate(has_hours=Exists(hours))
