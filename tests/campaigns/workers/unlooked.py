"""`python -m tests.campaigns.workers.unlooked NUMBER`: bookings of which no campaign has heard, their signals lost."""

import sys
from datetime import timedelta

import django
from django.conf import settings
from django.utils import timezone


def main() -> None:
    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Models can be imported only after setup.
    from contacts import signals
    from contacts.models import AppointmentChange
    from tests.campaigns import rows

    signals.appointment_booked.disconnect(dispatch_uid="campaigns.on_change")
    rows.campaign(rows.at_once())
    owner, calendar = rows.user(), rows.calendar()
    for _ in range(int(sys.argv[1])):
        rows.book(owner=owner, calendar=calendar, starts_at=timezone.now() + timedelta(days=1))
    AppointmentChange.objects.update(at=timezone.now() - timedelta(minutes=1))


if __name__ == "__main__":
    main()
