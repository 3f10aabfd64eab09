"""The settings, in one file: read from the environment, and where that is silent, those of a fresh clone.

A fresh clone is in test mode: servers are embedded, secrets are made into `.wenshi/`, no real money moves, and
the clock can be moved. docs/settings.md names every variable.
"""

import hashlib
import hmac
import os
import sys
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from marketplace.local import broker, chain, house, postgres

BASE_DIR = house.BASE_DIR
HOUSE = house.default()
TESTING = sys.argv[1:2] == ["test"] or "pytest" in sys.modules  # not what tests start beside them


def listed(name: str, default: str = "") -> list[str]:
    """Return a variable that holds values with commas between them."""
    return [value.strip() for value in os.environ.get(name, default).split(",") if value.strip()]


def switched(name: str, default: bool) -> bool:
    """Return a variable that is on or off."""
    return os.environ.get(name, str(int(default))).lower() in ("1", "true", "yes", "on")


# The database: the one given, or the embedded one ---------------------------------------------------------

DATABASE_URL = os.environ.get("DATABASE_URL", "")
DATABASE_OWNER_URL = os.environ.get("DATABASE_OWNER_URL", "")
TEST_MODE = switched("TEST_MODE", default=not DATABASE_URL)
DEBUG = switched("DEBUG", default=False)


def login(url: str) -> dict:
    """Return the parts of a database address that say who logs in where."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    host = place[1 : place.index("]")] if place.startswith("[") else place.partition(":")[0]
    return {
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(host),  # as written: the folder of a socket is no host name, which has no case
        "PORT": str(parts.port or ""),
    }


def embedded_database() -> dict:
    """Return the database of a fresh clone, with its two logins."""
    place = {"HOST": str(HOUSE.sockets("postgres")), "PORT": ""}
    return {
        "NAME": postgres.DATABASE,
        "USER": postgres.APPLICATION,
        "PASSWORD": HOUSE.secrets["application_password"],
        **place,
        "OWNER": {"USER": postgres.OWNER, "PASSWORD": HOUSE.secrets["owner_password"], **place},
        "EMBEDDED": True,
    }


def given_database() -> dict:
    """Return the database that DATABASE_URL names, with the owner's login if that is given."""
    parts = urlsplit(DATABASE_URL)
    return {
        "NAME": unquote(parts.path.lstrip("/")),
        **login(DATABASE_URL),
        "OWNER": login(DATABASE_OWNER_URL) if DATABASE_OWNER_URL else {},
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def pooled() -> dict:
    """Return the options of a pool, where POOL_SIZE asks for one. A dead server is given up after 5 s, not 30."""
    size = int(os.environ.get("POOL_SIZE", "0"))
    return {"pool": {"min_size": 1, "max_size": size, "timeout": 5}} if size else {}


def unhurried() -> dict:
    """Return the options of tests, whose database nobody needs after a power cut; those that kill have their own."""
    return {"options": "-c synchronous_commit=off"} if TESTING else {}


DATABASE = given_database() if DATABASE_URL else embedded_database()
DATABASES = {
    "default": {
        "ENGINE": "marketplace.database",
        "CONN_MAX_AGE": 0 if os.environ.get("POOL_SIZE") else 60,
        "CONN_HEALTH_CHECKS": True,
        "APPLICATION": DATABASE["USER"],
        "TEST": {"NAME": f"test_{DATABASE['NAME']}_p{os.getpid()}"},
        **DATABASE,
        "OPTIONS": {**DATABASE.get("OPTIONS", {}), **pooled(), **unhurried()},
    }
}

# The house ------------------------------------------------------------------------------------------------

SECRET_KEY = os.environ.get("SECRET_KEY") or HOUSE.secrets["secret_key"]
SITE_URL = os.environ.get("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = listed("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]" if TEST_MODE else "")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "marketplace.views.errors.csrf_failed"
CLOCK_FILE = os.environ.get("CLOCK_FILE", str(HOUSE.state / "clock")) if TEST_MODE and not TESTING else ""
ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
TEST_RUNNER = "marketplace.runner.Runner"

INSTALLED_APPS = [
    "marketplace",
    "settlement",
    "licensing",
    "ledger",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "pgtrigger",
    "rest_framework",
]

# Benches see where the time of each answer went; other visitors do not.
SERVER_TIMING = TEST_MODE and switched("SERVER_TIMING", default=False)

MIDDLEWARE = [
    *(["marketplace.bench.timing.ServerTiming"] if SERVER_TIMING else []),
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "marketplace.views.context.page_frame",
            ]
        },
    }
]

# What browsers are told -----------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not TEST_MODE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 0 if TEST_MODE else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if switched("BEHIND_PROXY", default=False) else None
)
SECURE_REFERRER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # whether browsers preload the name is for its owner to ask for
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF, NONCE],  # the nonce is for viewers only, and sent only where a page asks for it
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# Who signs in ---------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "marketplace.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if TESTING:  # a hash that is slow on purpose is slow in a thousand tests too
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ANONYMOUS_USER_NAME = None  # guardian's own anonymous user; a visitor who has not signed in is no user here
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SIGNUP_FORM_CLASS = "marketplace.forms.SignupForm"
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"


def mail(url: str) -> dict:
    """Return how mails are sent: by the server of an address like smtp://user:password@host:587, or into a folder."""
    if not url:
        folder = str(HOUSE.folder("mail"))
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": folder,
        }
    parts, server = urlsplit(url), login(url)
    return {
        "EMAIL_HOST": server["HOST"],
        "EMAIL_PORT": int(server["PORT"] or 587),
        "EMAIL_HOST_USER": server["USER"],
        "EMAIL_HOST_PASSWORD": server["PASSWORD"],
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme != "smtps",
    }


globals().update(mail(os.environ.get("EMAIL_URL", "")))
ADMINS = [("", address) for address in listed("ALARM_EMAIL")]
SERVER_EMAIL = DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", "Wenshi <wenshi@localhost>")

# Languages and times --------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# Files ----------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = None if TEST_MODE else os.environ.get("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "marketplace.staticfiles.LibraryFinder",
]
WHITENOISE_USE_FINDERS = TEST_MODE  # in production `manage.py collectstatic` has gathered them
WHITENOISE_AUTOREFRESH = DEBUG


def storage(url: str) -> dict:
    """Return where delivered files lie: in a bucket of s3://key:secret@bucket?endpoint_url=…, or in a folder."""
    if not url.startswith("s3://"):
        folder = unquote(urlsplit(url).path) or str(HOUSE.state / "files")
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    parts, keys = urlsplit(url), login(url)
    options = {"bucket_name": keys["HOST"], "access_key": keys["USER"], "secret_key": keys["PASSWORD"]}
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            **options,
            "location": parts.path.strip("/"),
            "querystring_auth": True,
            **dict(parse_qsl(parts.query)),
        },
    }


def log_storage(url: str) -> dict:
    """Return where the files of the log lie, which anybody may read: in a bucket, or in a folder."""
    found = storage(url)
    if not url.startswith("s3://"):
        folder = unquote(urlsplit(url).path) or str(HOUSE.state / "log")
        found = {"BACKEND": "ledger.gateways.storage.LogFiles", "OPTIONS": {"location": folder}}
    return found


STATIC_STORAGE = "django.contrib.staticfiles.storage.StaticFilesStorage"
MANIFEST_STORAGE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": storage(os.environ.get("STORAGE_URL", "")),
    "ledger": {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    if TESTING
    else log_storage(os.environ.get("LEDGER_STORAGE_URL", "")),
    "staticfiles": {"BACKEND": STATIC_STORAGE if TEST_MODE or TESTING else MANIFEST_STORAGE},
}
# Where a web server stands in front: the internal location that it serves the files' folder under.
FILES_ACCEL_PREFIX = os.environ.get("FILES_ACCEL_PREFIX", "")
FILE_UPLOAD_PERMISSIONS = 0o644 if FILES_ACCEL_PREFIX else 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o755 if FILES_ACCEL_PREFIX else 0o700
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The API --------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["marketplace.api.access.BoundedJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["marketplace.api.access.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "EXCEPTION_HANDLER": "marketplace.api.problems.answer",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Wenshi",
    "DESCRIPTION": "A data supermarket for culture.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Work that waits ------------------------------------------------------------------------------------------

CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
BROKER_EMBEDDED = not os.environ.get("CELERY_BROKER_URL")
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or broker.address(HOUSE)
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": seconds, "options": {"expires": max(10, seconds * 2)}}
    for task, seconds in {
        "ledger.sequence": 0.2,
        "ledger.publish": 1,
        "ledger.look": 600,
        "ledger.inspect": 86_400,
        "ledger.anchor": 15,
        "settlement.inbox": 2,
        "settlement.outbox": 5,
        "settlement.poll": 15,
        "settlement.refunds": 5,
        "settlement.expire": 60,
        "marketplace.reports": 2,
        "marketplace.tidy": 3600,
    }.items()
}
CELERY_BEAT_SCHEDULE_FILENAME = str(HOUSE.state / "beat")
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# Stripe, or its sandbox -----------------------------------------------------------------------------------

STRIPE_SECRET_KEY = os.environ.get("STRIPE_SECRET_KEY") or "sk_test_sandbox"
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE", "")  # the sandbox's address; empty is Stripe's own
STRIPE_WEBHOOK_SECRETS = (
    listed("STRIPE_WEBHOOK_SECRETS")
    or listed("STRIPE_WEBHOOK_SECRET")
    or ["whsec_" + HOUSE.secrets["stripe_webhook_secret"]]
)
STRIPE_TEST_MODE = not STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))

# The log --------------------------------------------------------------------------------------------------

LEDGER_SIGNING_KEY = os.environ.get("LEDGER_SIGNING_KEY") or HOUSE.secrets["ledger_signing_key"]
LEDGER_ORIGIN = os.environ.get("LEDGER_ORIGIN", "wenshi.example/log")
LEDGER_MEMORY = os.environ.get("LEDGER_MEMORY") or str(HOUSE.state / "ledger" / "memory")
LEDGER_POLICY = os.environ.get("LEDGER_POLICY") or ("" if TESTING else str(HOUSE.state / "ledger" / "policy"))
ARK_NAAN = os.environ.get("ARK_NAAN", "99999")
ARK_SHOULDER = "w5"

# The chain that the log is anchored on: any EVM node, or the embedded test chain --------------------------

EVM_EMBEDDED = not os.environ.get("EVM_RPC_URL") and not TESTING
EVM_RPC_URL = "" if TESTING else os.environ.get("EVM_RPC_URL") or chain.address(HOUSE)
EVM_HOLD = "marketplace.chain.hold"  # starts the embedded chain
EVM_SECOND_RPC_URL = os.environ.get("EVM_SECOND_RPC_URL", "")
EVM_ANCHOR_KEY = (
    os.environ.get("EVM_ANCHOR_KEY")
    or hmac.new(SECRET_KEY.encode(), b"EVM_ANCHOR_KEY", hashlib.sha256).hexdigest()
)
EVM_ANCHOR_CONTRACT = os.environ.get("EVM_ANCHOR_CONTRACT", "")
# The embedded chain mines only what is sent, so no block would ever come to bury another.
EVM_CONFIRMATIONS = int(os.environ.get("EVM_CONFIRMATIONS") or (1 if EVM_EMBEDDED else 12))

# Logging --------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "WARNING").upper()},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.request": {"level": "ERROR"},  # that an address is not there is no event of the house
    },
}
