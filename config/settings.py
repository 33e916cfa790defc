"""Every setting, all from the environment, each with a default that works locally.

`DEBUG` marks a local run: secrets are then generated into `.local/`, out of git. Without it a missing
secret stops the start with a line that says what to set.
"""

import os
import sys
from datetime import timedelta
from email.utils import formataddr
from pathlib import Path

import django_stubs_ext
import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from config.logs import logging_config
from config.palette import ADMIN_COLOURS
from config.secrets import local_secret
from config.variables import Variables

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = BASE_DIR / os.environ.get("TANDEM_LOCAL_DIR", ".local")

# Lets fields and admin classes take type parameters at run time.
django_stubs_ext.monkeypatch()

IS_TESTING = "pytest" in sys.modules

env = Variables()
if not IS_TESTING:
    environ.Env.read_env(BASE_DIR / ".env")
    # What `make run` runs with, so that `manage.py pull` in a second terminal meets the same sandbox. A
    # deployment always sets one of these three, and then the file counts for nothing.
    if not {"DEBUG", "SECRET_KEY", "DATABASE_URL"} & environ.Env.ENVIRON.keys():
        environ.Env.read_env(LOCAL_DIR / "run.env")

DEBUG = env.bool("DEBUG", default=False)
IS_LOCAL = DEBUG or IS_TESTING
PORT = env.int("PORT", default=8000)


def secret(name: str, *, make: str) -> str:
    """The secret `name`: from the environment, else (locally only) generated once and kept in `.local/`."""
    value: str = env.str(name, default="")
    if value:
        return value
    if not IS_LOCAL:
        raise ImproperlyConfigured(
            f"Set {name}: without DEBUG the start needs it. `.env.example` shows how to make one."
        )
    return local_secret(LOCAL_DIR / name.lower(), make=make)


SECRET_KEY = secret("SECRET_KEY", make="text")
TOKEN_ENCRYPTION_KEYS = [
    key.strip() for key in secret("TOKEN_ENCRYPTION_KEYS", make="fernet").split(",") if key.strip()
]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if IS_LOCAL else [])
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="").rstrip("/")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_BASE_URL] if PUBLIC_BASE_URL else [])

# Sign-in with Google is offered only when a client was configured on purpose, not by the local default.
GOOGLE_SIGN_IN = bool(env.str("GOOGLE_CLIENT_ID", default=""))

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    *(["allauth.socialaccount.providers.google"] if GOOGLE_SIGN_IN or IS_TESTING else []),
    "csp",
    "django_filters",
    "django_htmx",
    "phonenumber_field",
    "simple_history",
    "contacts",
    "integrations",
    "calendars",
    "campaigns",
    "anymail",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.policies.AdminContentPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "calendars.middleware.OwnTimeZone",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "integrations.context.attention",
                "campaigns.context.attention",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- admin ------------------------------------------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": "Tandem",
    "SITE_HEADER": "Tandem",
    "SITE_SUBHEADER": "Operations desk",
    "SITE_URL": "/agenda/",
    "SITE_ICON": lambda request: static("logo.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("favicon.svg")}
    ],
    "BORDER_RADIUS": "8px",
    "SIDEBAR": {"show_search": True, "show_all_applications": False},
    "COLORS": ADMIN_COLOURS,
}

# --- data ---------------------------------------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{LOCAL_DIR / 'tandem.sqlite3'}")}
# Opening one takes milliseconds of every page: SQLite reads its tables then, PostgreSQL starts a process.
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    LOCAL_DIR.mkdir(exist_ok=True)
    # A file for tests as well: threads that share a database in memory meet locks that no busy timeout waits for.
    DATABASES["default"]["TEST"] = {"NAME": str(LOCAL_DIR / f"test-{os.getpid()}.sqlite3")}
    # IMMEDIATE takes the write lock at BEGIN, so two writers wait for each other instead of failing half-way.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": env.cache("CACHE_URL", default="locmemcache://")}

# --- people -------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "contacts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
if IS_TESTING:
    # A hash that is slow on purpose would cost the tests minutes and prove nothing.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/agenda/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "config.accounts.AccountAdapter"
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "config.accounts.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
# allauth asks for a verified address lest someone signs up with another person's. Here an admin makes the accounts.
MFA_ALLOW_UNVERIFIED_EMAIL = True
SOCIALACCOUNT_ADAPTER = "config.accounts.SocialAccountAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_ONLY = False
# Whose tries are counted, for signing in and for booking: REMOTE_ADDR, or what the outermost of our own proxies wrote
# into X-Forwarded-For. What stands further left in it the visitor may have written.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

# --- Google -------------------------------------------------------------------------------------------------

GOOGLE_CLIENT_ID = env.str("GOOGLE_CLIENT_ID", default="")
GOOGLE_CLIENT_SECRET = env.str("GOOGLE_CLIENT_SECRET", default="")
# The stand-in's client, both or neither: half of somebody's own is found by `integrations.checks`.
if IS_LOCAL and not (GOOGLE_CLIENT_ID or GOOGLE_CLIENT_SECRET):
    GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET = "tandem-demo.apps.googleusercontent.com", "sandbox-secret"
GOOGLE_AUTHORIZE_URL = env.str("GOOGLE_AUTHORIZE_URL", default="https://accounts.google.com/o/oauth2/v2/auth")
GOOGLE_TOKEN_URL = env.str("GOOGLE_TOKEN_URL", default="https://oauth2.googleapis.com/token")
GOOGLE_REVOKE_URL = env.str("GOOGLE_REVOKE_URL", default="https://oauth2.googleapis.com/revoke")
GOOGLE_USERINFO_URL = env.str(
    "GOOGLE_USERINFO_URL", default="https://openidconnect.googleapis.com/v1/userinfo"
)
GOOGLE_CERTS_URL = env.str("GOOGLE_CERTS_URL", default="https://www.googleapis.com/oauth2/v3/certs")
GOOGLE_CALENDAR_API_URL = env.str(
    "GOOGLE_CALENDAR_API_URL", default="https://www.googleapis.com/calendar/v3/"
)
# Google allows 600 a minute for one person and 10 000 for a project, in a window that slides. Tests freeze time, so
# that a minute never ends there.
GOOGLE_REQUESTS_A_MINUTE = env.int("GOOGLE_REQUESTS_A_MINUTE", default=400 if not IS_TESTING else 1_000_000)
GOOGLE_PROJECT_REQUESTS_A_MINUTE = env.int("GOOGLE_PROJECT_REQUESTS_A_MINUTE", default=8000)
GOOGLE_TIMEOUT_SECONDS = env.float("GOOGLE_TIMEOUT_SECONDS", default=15)

SOCIALACCOUNT_PROVIDERS = {
    "google": {
        "APPS": [{"client_id": GOOGLE_CLIENT_ID, "secret": GOOGLE_CLIENT_SECRET, "key": ""}]
        if GOOGLE_SIGN_IN
        else [],
        "SCOPE": ["openid", "email", "profile"],
        "OAUTH_PKCE_ENABLED": True,
        "FETCH_USERINFO": True,
        "AUTHORIZE_URL": GOOGLE_AUTHORIZE_URL,
        "ACCESS_TOKEN_URL": GOOGLE_TOKEN_URL,
        "USERINFO_URL": GOOGLE_USERINFO_URL,
        "CERTS_URL": GOOGLE_CERTS_URL,
    }
}

# --- sync ---------------------------------------------------------------------------------------------------

SYNC_WINDOW_PAST = timedelta(days=1)
SYNC_WINDOW_AHEAD = timedelta(days=env.int("SYNC_WINDOW_DAYS", default=400))
PULL_INTERVAL = timedelta(seconds=env.int("PULL_INTERVAL_SECONDS", default=300))
# While a push channel tells of changes; notices get lost, so asking stays as the floor.
PULL_INTERVAL_WITH_CHANNEL = timedelta(seconds=env.int("PULL_INTERVAL_WITH_CHANNEL_SECONDS", default=900))
LARGE_MEETING_GUESTS = env.int("LARGE_MEETING_GUESTS", default=20)
BRAKE_CANCELLATIONS = 10

# --- background work ----------------------------------------------------------------------------------------

CELERY_BROKER_URL = env.broker("CELERY_BROKER_URL", default="memory://")
CELERY_TASK_ALWAYS_EAGER = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 3600, "unacked_restore_interval": 10, "unacked_restore_throttle": 1}
    if CELERY_BROKER_URL.startswith("redis")
    else {}
)
CELERY_TIMEZONE = "UTC"


def every(seconds: float, task: str) -> dict[str, object]:
    """A beat entry that expires before its next run, so that a slow worker meets no heap of old ticks."""
    return {"task": task, "schedule": timedelta(seconds=seconds), "options": {"expires": seconds * 0.9}}


BEAT_SECONDS = env.float("BEAT_SECONDS", default=15)
CELERY_BEAT_SCHEDULE = {
    "pull_due": every(BEAT_SECONDS, "calendars.tasks.pull_due"),
    "reconcile_due": every(BEAT_SECONDS, "calendars.tasks.reconcile_due"),
    "push_due": every(BEAT_SECONDS, "calendars.tasks.push_due"),
    "list_due": every(BEAT_SECONDS, "calendars.tasks.list_due"),
    "renew_channels": every(600, "calendars.tasks.renew_channels"),
    "enrol_missing": every(BEAT_SECONDS, "campaigns.tasks.enrol_missing"),
    "deliver_due": every(BEAT_SECONDS, "campaigns.tasks.deliver_due"),
}

# Between the tries at one further page of a list. Tests do not wait.
GOOGLE_PAGE_PAUSES = [timedelta(seconds=seconds if not IS_TESTING else 0) for seconds in (1, 4)]

# --- messages -----------------------------------------------------------------------------------------------

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://" if not IS_LOCAL else "dummymail://")
vars().update(EMAIL_CONFIG)
# A mail service by its API, through django-anymail. What it reports comes to /carriers/mail/<service>/tracking/ with
# this user:password.
ANYMAIL = {
    **EMAIL_CONFIG.get("ANYMAIL", {}),
    "REQUESTS_TIMEOUT": 15,
    "WEBHOOK_SECRET": env.list("EMAIL_WEBHOOK_SECRET", default=[]),
}
# The business that messages speak for.
BUSINESS_NAME = env.str("BUSINESS_NAME", default="Tandem")
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default=formataddr((BUSINESS_NAME, "no-reply@tandem.example"))
)
SMS_URL = env.sms_url("SMS_URL")
TWILIO_API_URL = env.str("TWILIO_API_URL", default="https://api.twilio.com")
# How many may leave a second; 0: as fast as they are taken. Amazon SES starts at 14 for an account out of its sandbox
# (https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas.html), most others name no rate. Twilio queues what
# exceeds one segment a second from a long code in North America, ten elsewhere
# (https://www.twilio.com/docs/messaging/guides/understanding-twilio-rate-limits-and-message-queues).
EMAIL_MOST_A_SECOND = env.float("EMAIL_MOST_A_SECOND", default=0)
SMS_MOST_A_SECOND = env.float("SMS_MOST_A_SECOND", default=1 if SMS_URL.startswith("twilio:") else 0)
# How late one may still leave (a step can say otherwise).
MESSAGE_LATENESS = timedelta(minutes=env.int("MESSAGE_LATENESS_MINUTES", default=60))
# How long what a move by staff sends waits for an undo. Tests look at once, unless it is the wait they test.
NOTICE_GRACE = timedelta(seconds=env.int("NOTICE_GRACE_SECONDS", default=30 if not IS_TESTING else 0))
ADD_TO_GOOGLE_URL = env.str("ADD_TO_GOOGLE_URL", default="https://calendar.google.com/calendar/render")

# Sites that may frame booking pages; how often in ten minutes one network address may book, move or cancel; how many
# appointments one e-mail address may have ahead on one calendar, and how often it may move one of them.
BOOKING_FRAME_ORIGINS = env.list("BOOKING_FRAME_ORIGINS", default=[])
BOOKING_TRIES = env.int("BOOKING_TRIES", default=20)
# Nobody types a name and an address in less.
BOOKING_QUICKEST_SECONDS = env.int("BOOKING_QUICKEST_SECONDS", default=2)
# How long one drawing of a month serves everybody who looks at it.
BOOKING_LOOK_SECONDS = env.int("BOOKING_LOOK_SECONDS", default=2 if not IS_TESTING else 0)
BOOKING_MOST_AHEAD = env.int("BOOKING_MOST_AHEAD", default=5)
BOOKING_MOST_MOVES = env.int("BOOKING_MOST_MOVES", default=5)

# --- pages --------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = LOCAL_DIR / "static"
if IS_LOCAL:
    # WhiteNoise warns when it is not there, though a local run serves from the sources.
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
WHITENOISE_USE_FINDERS = IS_LOCAL
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if IS_LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
PHONENUMBER_DEFAULT_REGION = env.str("PHONENUMBER_DEFAULT_REGION", default="GB")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF, NONCE],
        "script-src": [SELF, NONCE],
        "object-src": [NONE],
        "base-uri": [NONE],
        # A sign-in form may end in a redirect to Google's pages, wherever the environment says they are.
        "form-action": [SELF, "https://accounts.google.com", GOOGLE_AUTHORIZE_URL],
        "frame-ancestors": [NONE],
    }
}

if not IS_LOCAL:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOGGING = logging_config(debug=DEBUG)

# Shown on the sign-in page of a local run; `manage.py seed` makes these people.
DEMO_SIGN_INS = (
    [
        ("dana@example.com", "harbour-demo", "Dana Whitfield, physiotherapist"),
        ("amir@example.com", "harbour-demo", "Amir Castellan, physiotherapist"),
        ("admin@example.com", "harbour-demo", "Administrator"),
    ]
    if DEBUG
    else []
)
