"""Whether a campaign may be on: what its texts need has to be there before anything can leave."""

from collections.abc import Iterable
from dataclasses import dataclass

from campaigns.models import Campaign, Step
from campaigns.rendering import used_in

NO_REVIEW_PAGE = "Say where people review you: a text of this campaign leads there."
NO_MESSAGE = "Every message is switched off: there is nothing to send."


@dataclass(frozen=True, slots=True)
class Unready:
    """`field`: where on the campaign it is put right; "" for the steps."""

    words: str
    field: str = ""


def why_not_ready(active_steps: Iterable[Step], review_url: str) -> Unready | None:
    """What keeps a campaign of these steps from being on; None when nothing does."""
    steps = list(active_steps)
    if not steps:
        return Unready(NO_MESSAGE)
    texts = [text for step in steps for text in (step.subject, step.body, step.rich)]
    if not review_url and "campaign.review_url" in used_in(*texts):
        return Unready(NO_REVIEW_PAGE, "review_url")
    return None


def of_campaign(campaign: Campaign) -> Unready | None:
    return why_not_ready(campaign.steps.filter(is_active=True), campaign.review_url)
