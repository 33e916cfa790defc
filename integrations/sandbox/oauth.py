"""Grants, codes and tokens: what Google's OAuth endpoints remember and when they refuse (rules A1 to A11)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from integrations.sandbox import discovery
from integrations.sandbox.errors import ConsentError, Json, OAuthError
from integrations.sandbox.people import Person
from integrations.sandbox.signing import sign_id_token
from integrations.sandbox.store import Store

USERINFO = "https://www.googleapis.com/auth/userinfo."
# Google answers with the long names whatever was asked; oauthlib then sees a changed scope (A4).
LONG_NAMES = {"email": USERINFO + "email", "profile": USERINFO + "profile"}
SIGN_IN = frozenset({"openid", *LONG_NAMES.values()})
KNOWN_ARGUMENTS = frozenset(
    {
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "access_type",
        "include_granted_scopes",
        "prompt",
        "login_hint",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    }
)
REFRESH_TOKENS_KEPT = 100
CODE_LIFETIME = timedelta(minutes=5)
DEMO_REDIRECT = re.compile(
    r"http://(127\.0\.0\.1|localhost)(:\d+)?/(settings/integrations/|accounts/google/).*"
)


@dataclass(frozen=True)
class Client:
    """The one registered OAuth client. No `redirect_uris` means the demo rule: this project's pages on
    loopback."""

    id: str = "tandem-demo.apps.googleusercontent.com"
    secret: str = "sandbox-secret"  # noqa: S105 - a stand-in's own
    redirect_uris: tuple[str, ...] = ()

    def allows(self, redirect_uri: str) -> bool:
        if self.redirect_uris:
            return redirect_uri in self.redirect_uris
        return DEMO_REDIRECT.fullmatch(redirect_uri) is not None and not urlsplit(redirect_uri).fragment


@dataclass(frozen=True)
class AuthRequest:
    """A checked authorisation request."""

    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    is_offline: bool
    prompt: tuple[str, ...]
    login_hint: str
    nonce: str
    challenge: str
    includes_granted: bool
    client_id: str

    @property
    def optional_scopes(self) -> tuple[str, ...]:
        """Those a person may untick (A4)."""
        return tuple(scope for scope in self.scopes if scope not in SIGN_IN)


@dataclass(frozen=True)
class Token:
    token: str
    kind: str
    person: str
    client: str
    scopes: frozenset[str]
    expires_at: datetime | None = field(default=None)


class OAuth:
    def __init__(self, store: Store, client: Client) -> None:
        self.store = store
        self.client = client

    # The authorisation request

    def parse_request(self, arguments: list[tuple[str, str]]) -> AuthRequest:
        """Raises ConsentError for what Google shows as an error page of its own, not as a redirect."""
        given = dict(arguments)
        unknown = sorted(set(given) - KNOWN_ARGUMENTS)
        if unknown or len(given) != len(arguments):
            raise ConsentError(
                "invalid_request", f"Unknown or repeated parameter: {', '.join(unknown) or 'twice'}"
            )
        if given.get("client_id") != self.client.id:
            raise ConsentError("invalid_client", "The OAuth client was not found.")
        if not self.client.allows(given.get("redirect_uri", "")):
            message = f"The redirect URI is not registered: {given.get('redirect_uri', '(none)')}"
            raise ConsentError("redirect_uri_mismatch", message)
        if given.get("response_type") != "code":
            raise ConsentError("unsupported_response_type", "response_type must be code.")
        self._check_choices(given)
        return AuthRequest(
            redirect_uri=given["redirect_uri"],
            scopes=self._scopes(given.get("scope", "")),
            state=given.get("state", ""),
            is_offline=given.get("access_type") == "offline",
            prompt=tuple(given.get("prompt", "").split()),
            login_hint=given.get("login_hint", ""),
            nonce=given.get("nonce", ""),
            challenge=given.get("code_challenge", ""),
            includes_granted=given.get("include_granted_scopes") == "true",
            client_id=given["client_id"],
        )

    def _check_choices(self, given: dict[str, str]) -> None:
        choices = {
            "access_type": {"online", "offline"},
            "include_granted_scopes": {"true", "false"},
            "code_challenge_method": {"S256"},
        }
        for name, allowed in choices.items():
            if name in given and given[name] not in allowed:
                raise ConsentError("invalid_request", f"Invalid value for {name}: {given[name]}")
        if ("code_challenge" in given) != ("code_challenge_method" in given):
            raise ConsentError("invalid_request", "code_challenge needs code_challenge_method=S256.")
        if not set(given.get("prompt", "").split()) <= {"consent", "select_account"}:
            raise ConsentError("invalid_request", f"Invalid value for prompt: {given['prompt']}")

    def _scopes(self, text: str) -> tuple[str, ...]:
        scopes = tuple(dict.fromkeys(LONG_NAMES.get(scope, scope) for scope in text.split()))
        unknown = [scope for scope in scopes if scope not in SIGN_IN and scope not in discovery.scopes()]
        if unknown:
            raise ConsentError("invalid_scope", f"Some requested scopes were invalid: {' '.join(unknown)}")
        if not scopes:
            raise ConsentError("invalid_request", "Missing required parameter: scope")
        return scopes

    # Grants

    def granted(self, person: str) -> frozenset[str] | None:
        """What this person has given the client; None when nothing was ever given, or it was revoked."""
        query = "SELECT scopes FROM grants WHERE person = ? AND client = ?"
        found = self.store.db.execute(query, (person, self.client.id)).fetchone()
        return None if found is None else frozenset(json.loads(found["scopes"]))

    def grant(self, person: str, scopes: frozenset[str]) -> None:
        combined = sorted(scopes | (self.granted(person) or frozenset()))
        values = (person, self.client.id, json.dumps(combined))
        self.store.db.execute("INSERT OR REPLACE INTO grants VALUES (?, ?, ?)", values)

    def needs_consent(self, person: str, request: AuthRequest) -> bool:
        granted = self.granted(person)
        return granted is None or "consent" in request.prompt or not set(request.scopes) <= granted

    def approve(self, person: str, request: AuthRequest, ticked: frozenset[str]) -> str:
        """Records the consent; the code to redirect with. A refresh token is due at the first consent only
        (A1)."""
        is_first = self.granted(person) is None
        scopes = frozenset(scope for scope in request.scopes if scope in SIGN_IN or scope in ticked)
        self.grant(person, scopes)
        if request.includes_granted:
            scopes |= self.granted(person) or frozenset()
        body = {
            "person": person,
            "redirect_uri": request.redirect_uri,
            "scopes": sorted(scopes),
            "nonce": request.nonce,
            "challenge": request.challenge,
            "refresh": request.is_offline and (is_first or "consent" in request.prompt),
        }
        code = f"4/0Sandbox{secrets.token_urlsafe(32)}"
        expires_at = (self.store.now() + CODE_LIFETIME).isoformat()
        self.store.db.execute("INSERT INTO codes VALUES (?, ?, ?)", (code, expires_at, json.dumps(body)))
        return code

    # Tokens

    def issue(self, person: str, scopes: frozenset[str], kind: str) -> str:
        lifetime = self.token_lifetime if kind == "access" else None
        token = ("ya29.sandbox-" if kind == "access" else "1//sandbox-") + secrets.token_urlsafe(48)
        expires_at = (self.store.now() + timedelta(seconds=lifetime)).isoformat() if lifetime else None
        values = (
            token,
            kind,
            person,
            self.client.id,
            json.dumps(sorted(scopes)),
            expires_at,
            self.store.next_version(),
        )
        self.store.db.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        if kind == "refresh":
            self._drop_oldest(person)
        return token

    def _drop_oldest(self, person: str) -> None:
        """A7: of more than 100 live refresh tokens the oldest die without a word."""
        self.store.db.execute(
            "DELETE FROM tokens WHERE token IN (SELECT token FROM tokens WHERE kind = 'refresh'"
            " AND person = ? AND client = ? ORDER BY number DESC LIMIT -1 OFFSET ?)",
            (person, self.client.id, REFRESH_TOKENS_KEPT),
        )

    @property
    def token_lifetime(self) -> int:
        return int(self.store.option("token_lifetime"))

    def token(self, text: str) -> Token | None:
        """The live token; None when it was never issued, has expired by the sandbox's clock, or was
        revoked."""
        found = self.store.db.execute("SELECT * FROM tokens WHERE token = ?", (text,)).fetchone()
        if found is None:
            return None
        expires_at = datetime.fromisoformat(found["expires_at"]) if found["expires_at"] else None
        if expires_at is not None and expires_at <= self.store.now():
            return None
        scopes = frozenset(json.loads(found["scopes"]))
        return Token(found["token"], found["kind"], found["person"], found["client"], scopes, expires_at)

    def revoke_person(self, person: str) -> None:
        """Ends the whole grant: every token and every scope, sign-in included (A9)."""
        self.store.db.execute("DELETE FROM tokens WHERE person = ? AND client = ?", (person, self.client.id))
        self.store.db.execute("DELETE FROM grants WHERE person = ? AND client = ?", (person, self.client.id))

    def revoke(self, text: str) -> str:
        """Either token takes the other along; the person it belonged to. Raises invalid_token."""
        token = self.token(text)
        if token is None:
            raise OAuthError(400, "invalid_token", "Token expired or revoked")
        self.revoke_person(token.person)
        return token.person

    # The token endpoint

    def exchange(self, form: dict[str, str], authorization: str | None, people: dict[str, Person]) -> Json:
        """Answers POST /token; raises OAuthError in Google's own words."""
        form = form | _basic(authorization)
        if form.get("client_id") != self.client.id:
            raise OAuthError(401, "invalid_client", "The OAuth client was not found.")
        if not hmac.compare_digest(form.get("client_secret", "").encode(), self.client.secret.encode()):
            raise OAuthError(401, "invalid_client", "Unauthorized")
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange_code(form, people)
            case "refresh_token":
                return self._refresh(form)
        raise OAuthError(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")

    def _exchange_code(self, form: dict[str, str], people: dict[str, Person]) -> Json:
        code = form.get("code", "")
        found = self.store.db.execute("SELECT * FROM codes WHERE code = ?", (code,)).fetchone()
        if found is None:
            raise OAuthError(400, "invalid_grant", "Malformed auth code.")
        if datetime.fromisoformat(found["expires_at"]) <= self.store.now():
            raise OAuthError(400, "invalid_grant", "Bad Request")
        body: Json = json.loads(found["body"])
        if form.get("redirect_uri") != body["redirect_uri"]:
            raise OAuthError(400, "redirect_uri_mismatch", "Bad Request")
        _check_verifier(body["challenge"], form.get("code_verifier", ""))
        self.store.db.execute("DELETE FROM codes WHERE code = ?", (code,))
        scopes = frozenset(body["scopes"])
        answer = self._answer(body["person"], scopes)
        if body["refresh"]:
            answer["refresh_token"] = self.issue(body["person"], scopes, "refresh")
        if "openid" in scopes:
            answer["id_token"] = self._id_token(people[body["person"]], scopes, body["nonce"])
        return answer

    def _refresh(self, form: dict[str, str]) -> Json:
        token = self.token(form.get("refresh_token", ""))
        if token is None or token.kind != "refresh":
            raise OAuthError(400, "invalid_grant", "Token has been expired or revoked.")
        asked = {LONG_NAMES.get(scope, scope) for scope in form.get("scope", "").split()}
        if not asked <= token.scopes:
            raise OAuthError(400, "invalid_scope", "Bad Request")
        return self._answer(token.person, frozenset(asked) or token.scopes)

    def _answer(self, person: str, scopes: frozenset[str]) -> Json:
        return {
            "access_token": self.issue(person, scopes, "access"),
            "expires_in": self.token_lifetime,
            "scope": " ".join(sorted(scopes)),
            "token_type": "Bearer",
        }

    def _id_token(self, person: Person, scopes: frozenset[str], nonce: str) -> str:
        now = int(self.store.now().timestamp())
        claims: Json = {
            "iss": "https://accounts.google.com",
            "azp": self.client.id,
            "aud": self.client.id,
            "iat": now,
            "exp": now + self.token_lifetime,
            **profile(person, scopes),
        }
        return sign_id_token(self.store, claims | ({"nonce": nonce} if nonce else {}))


def profile(person: Person, scopes: frozenset[str]) -> Json:
    """What the sign-in scopes tell of a person."""
    told: Json = {"sub": person.sub}
    if LONG_NAMES["email"] in scopes:
        told |= {"email": person.email, "email_verified": True}
    if LONG_NAMES["profile"] in scopes:
        told |= {"name": person.name, "given_name": person.name.split()[0]}
    return told


def _basic(authorization: str | None) -> dict[str, str]:
    if not authorization or not authorization.startswith("Basic "):
        return {}
    try:
        name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
    except ValueError as error:
        raise OAuthError(401, "invalid_client", "Unauthorized") from error
    return {"client_id": unquote(name), "client_secret": unquote(secret)}


def _check_verifier(challenge: str, verifier: str) -> None:
    """A2: PKCE is checked whenever a challenge was sent, and a verifier without one is refused."""
    if not challenge and not verifier:
        return
    if not verifier:
        raise OAuthError(400, "invalid_grant", "Missing code verifier.")
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier) or not hmac.compare_digest(digest, challenge):
        raise OAuthError(400, "invalid_grant", "Invalid code verifier.")
