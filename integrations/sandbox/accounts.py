"""Google's sign-in and token endpoints over HTTP, with their pages: account chooser, consent, error (A1 to
A9)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from integrations.sandbox import discovery
from integrations.sandbox.errors import ApiError, ConnectionDropped, ConsentError, Json, OAuthError
from integrations.sandbox.faults import Fault
from integrations.sandbox.journal import LoggedRequest
from integrations.sandbox.oauth import LONG_NAMES, AuthRequest, profile
from integrations.sandbox.signing import key_set, seal, unseal
from integrations.sandbox.templates import Markup, fill, joined, page
from integrations.sandbox.wire import Request, Response, json_response, redirect

if TYPE_CHECKING:
    from integrations.sandbox.app import Sandbox

AUTH = "/o/oauth2/v2/auth"
TOLD = {
    "openid": "your account's number",
    LONG_NAMES["email"]: "your address",
    LONG_NAMES["profile"]: "your name",
}
METHODS = {
    ("POST", "/token"): "oauth.token",
    ("POST", "/revoke"): "oauth.revoke",
    ("GET", "/oauth2/v3/userinfo"): "oauth.userinfo",
    ("GET", "/v1/userinfo"): "oauth.userinfo",  # openidconnect.googleapis.com has it there
    ("GET", "/oauth2/v3/certs"): "oauth.certs",
}


def answer(sandbox: Sandbox, request: Request) -> Response | None:
    """None when the path is none of these."""
    if request.path == AUTH or request.path.startswith(f"{AUTH}/"):
        return _consent(sandbox, request)
    method = METHODS.get((request.method, request.path))
    return _endpoint(sandbox, request, method) if method else None


# The endpoints


def _endpoint(sandbox: Sandbox, request: Request, method: str) -> Response:
    status = 0
    person = ""
    try:
        fault = sandbox.api.faults.take(method, "")
        if fault is not None and fault.drop_before:
            raise ConnectionDropped
        if fault is not None and not fault.drop_after:
            raise _refusal(fault)
        with sandbox.store.transaction():
            person, value = _perform(sandbox, request, method)
        if fault is not None:
            raise ConnectionDropped
        response = json_response(value)
        status = response.status
    except OAuthError as error:
        status = error.status
        response = Response(status, error.body(), {"Content-Type": "application/json; charset=UTF-8"})
    except ApiError as error:
        status = error.status
        response = Response(status, error.body(), {"Content-Type": "application/json", **error.headers})
    finally:
        sandbox.journal.add(
            LoggedRequest(
                sandbox.control.now(), method, person, request.path, [], status, None, _logged(request)
            )
        )
    return response


def _refusal(fault: Fault) -> Exception:
    """OAuth endpoints refuse in their short form when the reason is one of OAuth's, else as any Google
    server."""
    if fault.reason.startswith("invalid_") or fault.reason == "admin_policy_enforced":
        return OAuthError(fault.status, fault.reason, fault.message or "Bad Request")
    return fault.error()


def _logged(request: Request) -> Json:
    """What was asked, without the secrets."""
    form = request.form() if request.method == "POST" else {}
    return {name: form[name] for name in ("grant_type", "client_id", "redirect_uri", "scope") if name in form}


def _perform(sandbox: Sandbox, request: Request, method: str) -> tuple[str, Json]:
    match method:
        case "oauth.token":
            return "", _token(sandbox, request)
        case "oauth.revoke":
            token = request.form().get("token") or request.argument("token")
            return sandbox.oauth.revoke(token), {}
        case "oauth.userinfo":
            return _userinfo(sandbox, request)
    return "", key_set(sandbox.store)


def _token(sandbox: Sandbox, request: Request) -> Json:
    pairs = request.form_pairs()
    form = dict(pairs)
    if len(form) != len(pairs) or request.query:
        raise OAuthError(400, "invalid_request", "Parameters belong in the body, each once.")
    people = {each.email: each for each in sandbox.people.all()}
    return sandbox.oauth.exchange(form, request.header("Authorization"), people)


def _userinfo(sandbox: Sandbox, request: Request) -> tuple[str, Json]:
    scheme, _, text = (request.header("Authorization") or "").partition(" ")
    token = sandbox.oauth.token(text) if scheme.lower() == "bearer" else None
    person = sandbox.people.find(token.person) if token else None
    if token is None or token.kind != "access" or person is None:
        raise OAuthError(401, "invalid_request", "Invalid Credentials")
    if not token.scopes & {"openid", *LONG_NAMES.values()}:
        raise OAuthError(403, "insufficient_scope", "The token has none of the sign-in scopes.")
    return person.email, profile(person, token.scopes)


# The pages


def _consent(sandbox: Sandbox, request: Request) -> Response:
    try:
        with sandbox.store.transaction():
            match (request.method, request.path.removeprefix(AUTH)):
                case ("GET", ""):
                    return _choose_account(sandbox, request)
                case ("POST", "/account"):
                    return _account_chosen(sandbox, request.form())
                case ("POST", "/consent"):
                    return _decided(sandbox, request)
        raise ConsentError("invalid_request", "No such page.")
    except ConsentError as error:
        body = fill("consent_error", message=error.message, error=error.error)
        return page("Access blocked", body, status=400)


def _choose_account(sandbox: Sandbox, request: Request) -> Response:
    wanted = sandbox.oauth.parse_request(request.query)
    people = sorted(sandbox.people.all(), key=lambda person: person.email != wanted.login_hint)
    accounts = [
        fill(
            "account",
            email=each.email,
            name=each.name,
            css="hinted" if each.email == wanted.login_hint else "",
        )
        for each in people
    ]
    known = any(each.email == wanted.login_hint for each in people)
    sealed = seal(sandbox.store, "consent", {"query": urlencode(request.query)})
    body = fill(
        "choose_account",
        client=sandbox.oauth.client.id,
        request=sealed,
        accounts=joined(accounts),
        hint="" if known else wanted.login_hint,
    )
    return page("Choose an account", body)


def _opened(sandbox: Sandbox, sealed: str) -> AuthRequest:
    value = unseal(sandbox.store, "consent", sealed)
    if value is None:
        raise ConsentError("invalid_request", "This page is out of date. Start again from the application.")
    return sandbox.oauth.parse_request(parse_qsl(value["query"], keep_blank_values=True))


def _account_chosen(sandbox: Sandbox, form: dict[str, str]) -> Response:
    sealed = form.get("request", "")
    wanted = _opened(sandbox, sealed)
    if "@" not in form.get("account", ""):
        raise ConsentError("invalid_request", "Enter an e-mail address.")
    person = sandbox.people.add(form["account"])
    if not sandbox.oauth.needs_consent(person.email, wanted):
        return _redirected(
            wanted, {"code": sandbox.oauth.approve(person.email, wanted, frozenset(wanted.scopes))}
        )
    identity = ", ".join(TOLD[scope] for scope in wanted.scopes if scope in TOLD) or "nothing"
    body = fill(
        "consent",
        client=sandbox.oauth.client.id,
        email=person.email,
        request=sealed,
        identity=identity,
        choices=_choices(wanted),
    )
    return page("Consent", body)


def _choices(wanted: AuthRequest) -> Markup:
    words = discovery.scopes()
    boxes = [
        fill("scope", scope=scope, words=words[scope], short=scope.rsplit("/", 1)[-1])
        for scope in wanted.optional_scopes
    ]
    return fill("scope_choices", scopes=joined(boxes)) if boxes else Markup("")


def _decided(sandbox: Sandbox, request: Request) -> Response:
    form = request.form()
    wanted = _opened(sandbox, form.get("request", ""))
    if form.get("decision") != "allow":
        return _redirected(wanted, {"error": "access_denied"})
    person = sandbox.people.find(form.get("account", ""))
    if person is None:
        raise ConsentError("invalid_request", "No account was chosen.")
    ticked = frozenset(value for name, value in request.form_pairs() if name == "scope")
    return _redirected(wanted, {"code": sandbox.oauth.approve(person.email, wanted, ticked)})


def _redirected(wanted: AuthRequest, told: dict[str, str]) -> Response:
    return redirect(redirect_address(wanted, told))


def redirect_address(wanted: AuthRequest, told: dict[str, str]) -> str:
    """Where Google sends the browser; `scope` comes along with a code, `state` always."""
    told = told | ({"state": wanted.state} if wanted.state else {})
    separator = "&" if urlsplit(wanted.redirect_uri).query else "?"
    return wanted.redirect_uri + separator + urlencode(told)
