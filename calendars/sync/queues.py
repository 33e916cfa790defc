"""How much waits to be sent, for each account."""

from django.db.models import Count

from calendars.models import PushTarget
from integrations.models import GoogleAccount


def tell_queues() -> None:
    """Write each account's queue length on its row, where Settings → Integrations reads it. Two statements, and one
    for each length that is not zero.
    """
    # Counted by what waits: counting account by account took longer than all the rest of a sweep.
    behind = PushTarget.objects.behind().order_by()
    counted = dict(behind.values_list("google_calendar__account").annotate(number=Count("pk")))
    GoogleAccount.objects.filter(queue_length__gt=0).exclude(pk__in=counted).update(queue_length=0)
    for number in set(counted.values()):
        theirs = GoogleAccount.objects.filter(
            pk__in=[pk for pk, length in counted.items() if length == number]
        )
        theirs.exclude(queue_length=number).update(queue_length=number)
