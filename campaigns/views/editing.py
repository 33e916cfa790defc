"""The campaign editor: from the library or empty, its live preview, and saving with what waits in view."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from campaigns import previewing, replanning, sample, wording
from campaigns.enrolment import changes_of
from campaigns.entering import fitting
from campaigns.figures.counting import in_short
from campaigns.firing import comes_afterwards
from campaigns.forms import CampaignEditor
from campaigns.library import BY_SLUG, RECIPES
from campaigns.models import Campaign, Message
from campaigns.picker import PICKS
from campaigns.sample import Sample
from campaigns.views.listing import warn_of_doubles
from campaigns.views.testing import send_trial
from contacts.viewer import viewer_of

EMPTY = "empty"
CHOICES = ("move", "leave")


def campaign_new(request: HttpRequest) -> HttpResponse:
    """The library first; what is chosen there, or nothing, is what the editor starts with."""
    start = request.GET.get("from", "")
    if request.method == "POST" or start == EMPTY:
        return _edit(request, None)
    recipe = BY_SLUG.get(start)
    if recipe is None:
        return render(request, "campaigns/library.html", {"recipes": RECIPES})
    return _show(request, CampaignEditor.as_typed(None, recipe.typed()))


def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(Campaign, pk=pk))


def _edit(request: HttpRequest, stored: Campaign | None) -> HttpResponse:
    """Shows, takes a step more, sends a test, asks what becomes of what waits, or saves."""
    if request.method != "POST":
        return _show(request, CampaignEditor(stored))
    data = request.POST
    if "add_step" in data:
        is_after = data["add_step"] == "after"
        return _show_steps(request, CampaignEditor.with_another_step(stored, data, is_after=is_after))
    if "copy_step" in data:
        return _show_steps(request, CampaignEditor.with_copied_step(stored, data, data["copy_step"]))
    if "look" in data:
        return _show(request, CampaignEditor.as_typed(stored, data))
    if "try" in data:
        editor = CampaignEditor(stored, data)
        if editor.is_valid():
            send_trial(request, editor, _sample(request))
        return _show(request, editor)
    return _save(request, stored)


def _save(request: HttpRequest, stored: Campaign | None) -> HttpResponse:
    now, data = timezone.now(), request.POST
    editor = CampaignEditor(stored, data, switches_on=data.get("save") == "on")
    if not editor.is_valid():
        return _show(request, editor)
    if stored is not None and data.get("replan") not in CHOICES:
        follows = replanning.would_follow(stored, data, now)
        if follows:
            return _ask(request, stored, follows)
    was_on = editor.campaign.is_active
    saved = editor.save(now, moves_waiting=data.get("replan") != "leave")
    is_news = saved.is_active and not was_on
    messages.success(request, _told(saved, is_news=is_news))
    if is_news:
        warn_of_doubles(request, saved)
    return redirect(saved)


def _told(saved: Campaign, *, is_news: bool) -> str:
    if is_news:
        return f"“{saved.name}” is on. It takes {wording.takes(saved.trigger, changes_of(saved))}."
    return f"“{saved.name}” is saved{'.' if saved.is_active else ', and off: nobody enters it.'}"


def _ask(request: HttpRequest, stored: Campaign, follows: list[replanning.StepFollows]) -> HttpResponse:
    kept = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in ("csrfmiddlewaretoken", "replan")
    ]
    changes = any(each.moved or each.new for each in follows)
    context = {"campaign": stored, "follows": follows, "typed": kept, "has_choice": changes}
    return render(request, "campaigns/replan.html", context)


def _show(request: HttpRequest, editor: CampaignEditor) -> HttpResponse:
    return render(request, "campaigns/campaign.html", _page(request, editor))


def _show_steps(request: HttpRequest, editor: CampaignEditor) -> HttpResponse:
    part = "campaigns/_steps.html" if request.headers.get("HX-Request") else "campaigns/campaign.html"
    return render(request, part, _page(request, editor))


def _page(request: HttpRequest, editor: CampaignEditor) -> dict[str, object]:
    stored = editor.campaign if editor.campaign.pk else None
    return {
        "editor": editor,
        "campaign": stored,
        # As stored: what is typed may be empty or wrong, and not saved.
        "name": Campaign.objects.values_list("name", flat=True).get(pk=stored.pk) if stored else "",
        "is_on": stored is not None and stored.is_active,
        "takes_upcoming": stored is not None and not comes_afterwards(changes_of(stored)),
        "takes": wording.takes(stored.trigger, changes_of(stored)) if stored else "",
        "picks": PICKS,
        "waiting": _waiting(stored) if stored else 0,
        "fits": _fits(stored) if stored and stored.is_active and request.method == "GET" else 0,
        "doing": in_short(stored, timezone.now()) if stored else None,
        **_previewed(request, editor),
    }


def _fits(stored: Campaign) -> int:
    """How many upcoming appointments it would take that are not in it, as far as one page of them shows."""
    return len(fitting(stored, timezone.now()))


def _waiting(stored: Campaign) -> int:
    return Message.objects.filter(enrolment__campaign=stored, state=Message.State.WAITING).count()


def _sample(request: HttpRequest) -> Sample:
    now = timezone.now()
    offered = sample.upcoming(viewer_of(request), now)
    return sample.chosen(offered, request.POST.get("appointment", ""), now)


def _previewed(request: HttpRequest, editor: CampaignEditor) -> dict[str, object]:
    now = timezone.now()
    offered = sample.upcoming(viewer_of(request), now)
    chosen = sample.chosen(offered, request.POST.get("appointment", ""), now)
    shown = previewing.preview(editor, chosen, now)
    return {
        "offered": offered,
        "preview": shown,
        "has_sms": any(card.shown.is_sms for card in shown.cards),
        "has_email": any(not card.shown.is_sms for card in shown.cards),
        "test_number": request.POST.get("test_number", ""),
    }


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The preview of what is in the fields; nothing is stored, and nothing in the fields need be right."""
    asked = request.POST.get("campaign", "")
    stored = Campaign.objects.filter(pk=asked).first() if asked.isdecimal() else None
    editor = CampaignEditor(stored, request.POST)
    return render(request, "campaigns/_preview.html", {"is_part": True, **_previewed(request, editor)})
