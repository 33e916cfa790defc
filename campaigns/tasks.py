"""What beat and the web start. Rows are the truth: each task may run twice, late, or never."""

from celery import shared_task

from campaigns import delivery, passing_on, triggers


@shared_task(name="campaigns.tasks.enrol_missing")
def enrol_missing() -> None:
    triggers.enrol_missing()


@shared_task(name="campaigns.tasks.deliver_due")
def deliver_due() -> None:
    delivery.deliver_due()


@shared_task(name="campaigns.tasks.pass_on")
def pass_on(number: str, text: str, sid: str) -> None:
    """Not found again if lost: what somebody wrote stands on their timeline as well."""
    passing_on.pass_on(number, text, sid)
