"""Settings → Integrations: the viewer's Google accounts, and the way to Google and back. Nobody sees
another's.
"""

import datetime

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from integrations import handshake
from integrations.cards import card_for, cards_for
from integrations.connecting import connect_account, list_for_the_first_time, refresh_calendars
from integrations.disconnecting import disconnect_account
from integrations.google.errors import GoogleError
from integrations.google.oauth import NO_ANSWER, depart, exchange, is_configured
from integrations.models import GoogleAccount
from integrations.syncing import request_sync

FOREIGN_ANSWER = (
    "This answer from Google belongs to no connection that you started here in the last ten minutes. "
    "Connect again."
)


@require_GET
@never_cache
def integrations(request: HttpRequest) -> HttpResponse:
    cards = cards_for(request.user, timezone.now())
    context = {"cards": cards, "is_configured": is_configured(), "callback_url": callback_address(request)}
    return render(request, "settings/integrations.html", context)


@require_GET
@never_cache
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """One card, which asks for itself again while a pull is under way."""
    card = card_for(_own(request, pk), timezone.now())
    return render(request, "settings/_account.html", {"card": card})


@require_POST
def connect(request: HttpRequest) -> HttpResponse:
    return _depart(request, None)


@require_POST
def reconnect(request: HttpRequest, pk: int) -> HttpResponse:
    return _depart(request, _own(request, pk))


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    # Before anything else: a code that somebody slipped us would connect their account to this user (A2).
    sent = handshake.take(request.session, request.user.pk or 0, request.GET.get("state", ""))
    if sent is None:
        messages.error(request, FOREIGN_ANSWER)
    elif request.GET.get("error"):
        messages.warning(request, _words_for(request.GET["error"]))
    elif not request.GET.get("code"):
        messages.error(request, NO_ANSWER)
    else:
        _complete(request, sent)
    return redirect("integrations:integrations")


@require_POST
def sync_now(request: HttpRequest, pk: int) -> HttpResponse:
    account = _own(request, pk)
    if not account.is_connected:
        messages.warning(request, f"{account.address} has to be reconnected first.")
    elif account.last_error and not account.calendars.all():
        if not _waits_until(account):
            return list_again(request, pk)
        messages.info(request, f"{account.last_error} Its calendars are asked for again by itself.")
    elif request_sync(account):
        # What Google's usage limit asked for stands: pressing against it would prolong it.
        account.refresh_from_db(fields=["not_before", "last_error"])
        if waits_until := _waits_until(account):
            until = timezone.localtime(waits_until)
            messages.info(
                request,
                f"We wait until {until:%H:%M}. {account.last_error} {account.address} is pulled then, by itself.",
            )
        else:
            messages.success(request, f"Pulling {account.address} now.")
    else:
        messages.info(request, "No calendar of this account is read yet. Choose one in Settings, Profile.")
    return redirect("integrations:integrations")


@require_POST
def list_again(request: HttpRequest, pk: int) -> HttpResponse:
    account = _own(request, pk)
    try:
        ask = refresh_calendars if account.calendars.all() else list_for_the_first_time
        count = ask(account)
        messages.success(request, f"Google lists {_calendars(count)} for {account.address}.")
    except GoogleError as error:
        messages.error(request, error.why)
    return redirect("integrations:integrations")


@require_POST
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    account = _own(request, pk)
    is_given_back = disconnect_account(account)
    messages.success(
        request,
        f"{account.address} is disconnected. Contacts and appointments stayed; imported blocks were lifted.",
    )
    if not is_given_back:
        messages.warning(
            request,
            "Google did not confirm that it took the permission back. To be sure, remove it in your Google Account, "
            "under Security, Third-party apps.",
        )
    return redirect("integrations:integrations")


def _waits_until(account: GoogleAccount) -> datetime.datetime | None:
    """When Google may be asked again; None: it may be now."""
    is_ahead = account.not_before is not None and account.not_before > timezone.now()
    return account.not_before if is_ahead else None


def callback_address(request: HttpRequest) -> str:
    """Where Google sends people back; it must stand in the Google project word for word (A2)."""
    path = reverse("integrations:callback")
    base = settings.PUBLIC_BASE_URL
    return f"{base}{path}" if base else request.build_absolute_uri(path)


def _own(request: HttpRequest, pk: int) -> GoogleAccount:
    return get_object_or_404(
        GoogleAccount.objects.prefetch_related("calendars__channels"), pk=pk, user_id=request.user.pk
    )


def _depart(request: HttpRequest, account: GoogleAccount | None) -> HttpResponseRedirect:
    """To Google's page. Consent is asked for unless a lasting token works already (A1, A7)."""
    if not is_configured():
        messages.error(request, "Google is not set up on this site yet.")
        return HttpResponseRedirect(reverse("integrations:integrations"))
    redirect_uri = callback_address(request)
    departure = depart(
        redirect_uri,
        login_hint=account.address if account else "",
        asks_consent=account is None or not account.is_connected or not account.refresh_token,
    )
    handshake.remember(
        request.session,
        request.user.pk or 0,
        departure,
        redirect_uri=redirect_uri,
        account_id=account.pk if account else None,
    )
    return HttpResponseRedirect(departure.url)


def _complete(request: HttpRequest, sent: handshake.Remembered) -> None:
    account = None
    if sent.account_id is not None:
        account = get_object_or_404(GoogleAccount, pk=sent.account_id, user_id=request.user.pk)
    try:
        grant = exchange(request.GET.get("code", ""), verifier=sent.verifier, redirect_uri=sent.redirect_uri)
        connected = connect_account(request.user, grant, account=account)  # type: ignore[arg-type]  # signed in
    except GoogleError as error:
        messages.error(request, error.why)
        return
    _tell(request, connected)


def _tell(request: HttpRequest, account: GoogleAccount) -> None:
    if account.state == GoogleAccount.State.MISSING:
        # Which one, and what to do, its card says.
        messages.warning(request, f"{account.address} is connected, but a permission is missing.")
    elif account.last_error:
        messages.warning(
            request,
            f"{account.address} is connected, but its calendars are not listed yet: {account.last_error}",
        )
    else:
        count = account.calendars.filter(gone_at=None).count()
        messages.success(request, f"{account.address} is connected, with {_calendars(count)}.")


def _calendars(count: int) -> str:
    return "1 calendar" if count == 1 else f"{count} calendars"


def _words_for(error: str) -> str:
    if error == "access_denied":
        return "Nothing was connected: it was not allowed on Google's page."
    if error == "admin_policy_enforced":
        return "Nothing was connected: your organisation's Google administrator does not allow it."
    return "Nothing was connected: Google stopped. Try again, or ask whoever runs this site."
