"""Tests of a text to oneself, and the page behind the links in them."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_valid_number, parse

from campaigns import previewing
from campaigns.forms import CampaignEditor
from campaigns.sample import Sample
from campaigns.transports import Refused, Stopped, TryLater, Unclear
from campaigns.trial import DOES
from contacts.viewer import viewer_of

# Nobody's (kept for fiction), and of a form that the check takes: what is shown as an example has to pass.
EXAMPLE_NUMBER = "+44 20 7946 0958"
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
ALL = "all"


def send_trial(request: HttpRequest, editor: CampaignEditor, sample: Sample) -> None:
    """Sends what was asked for to whoever asks, and says what came of it. `editor` is checked."""
    typed = request.POST.get("test_number", "").strip()
    number = _number(typed)
    if typed and not number:
        messages.error(
            request, f"That is no phone number. Write it with its country, as in {EXAMPLE_NUMBER}."
        )
        return
    asked = request.POST["try"]
    to = previewing.Trial(viewer_of(request).email, number)
    try:
        sent = previewing.send_trial(editor, "" if asked == ALL else asked, sample, to)
    except (TryLater, Refused, Stopped, Unclear) as error:
        messages.error(request, f"The test was not sent. {error}")
    else:
        _tell(request, sent)


def _tell(request: HttpRequest, sent: list[str]) -> None:
    if not sent:
        messages.info(request, "Nothing was sent. For a text message, give a number to send it to.")
    elif settings.EMAIL_BACKEND == NO_MAIL and any("@" in each for each in sent):
        messages.info(
            request,
            "This run sends no e-mail (EMAIL_URL is not set); the preview shows what would leave.",
        )
    else:
        where = " and ".join(dict.fromkeys(sent))
        tests = "1 test" if len(sent) == 1 else f"{len(sent)} tests"
        messages.success(request, f"Sent {tests} to {where}. The links in it only say that it was a test.")


def _number(typed: str) -> str:
    """As carriers want it; "" where it is none."""
    try:
        number = parse(typed, settings.PHONENUMBER_DEFAULT_REGION)
    except NumberParseException:
        return ""
    return format_number(number, PhoneNumberFormat.E164) if is_valid_number(number) else ""


@csrf_exempt
@login_not_required
def trial(request: HttpRequest, what: str) -> HttpResponse:
    """Where the links of a test lead. Whoever presses them changes nothing."""
    if what not in DOES:
        raise Http404
    return render(request, "campaigns/trial.html", {"does": DOES[what]})
