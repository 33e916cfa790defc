"""What beat starts. Rows are the truth: each task may run twice, late, or never."""

from celery import shared_task

from campaigns import delivery, triggers


@shared_task(name="campaigns.tasks.enrol_missing")
def enrol_missing() -> None:
    triggers.enrol_missing()


@shared_task(name="campaigns.tasks.deliver_due")
def deliver_due() -> None:
    delivery.deliver_due()
