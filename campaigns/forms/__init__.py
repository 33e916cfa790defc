"""The campaign editor's forms: the campaign, each step, and both checked and saved together."""

from campaigns.forms.campaign import CampaignForm
from campaigns.forms.editor import CampaignEditor
from campaigns.forms.steps import StepForm

__all__ = ["CampaignEditor", "CampaignForm", "StepForm"]
