"""A campaign made from another: copy()."""

from django.db import transaction

from campaigns.models import Campaign, Step

LONGEST_NAME = 100


@transaction.atomic
def copy(campaign: Campaign) -> Campaign:
    """The same filters and steps under a name of its own. It is off, and nobody is in it."""
    twin = Campaign.objects.create(
        name=f"Copy of {campaign.name}"[:LONGEST_NAME],
        is_active=False,
        trigger=campaign.trigger,
        on_changes=campaign.on_changes,
        recurring=campaign.recurring,
        made_by=campaign.made_by,
        review_url=campaign.review_url,
    )
    twin.calendars.set(campaign.calendars.all())
    twin.tags.set(campaign.tags.all())
    twin.owners.set(campaign.owners.all())
    steps = list(campaign.steps.filter(removed_at=None))
    for step in steps:
        step.pk, step.campaign = None, twin
    Step.objects.bulk_create(steps)
    return twin
