"""The settings, in one file: read from the environment, and where that is silent, those of a fresh clone.

A fresh clone is in test mode: DEBUG is on, servers are embedded, secrets are made into `.wenshi/`, and no
real money moves. README.md names every variable.
"""

import os
import sys
from urllib.parse import parse_qsl, unquote, urlsplit

from django.utils.translation import gettext_lazy as _

from marketplace.local import broker, house, postgres

BASE_DIR = house.BASE_DIR
HOUSE = house.default()
TESTING = sys.argv[1:2] == ["test"] or "PYTEST_VERSION" in os.environ


def listed(name: str, default: str = "") -> list[str]:
    """Return a variable that holds values with commas between them."""
    return [value.strip() for value in os.environ.get(name, default).split(",") if value.strip()]


def switched(name: str, default: bool) -> bool:
    """Return a variable that is on or off."""
    return os.environ.get(name, str(int(default))).lower() in ("1", "true", "yes", "on")


# What is embedded -----------------------------------------------------------------------------------------

DATABASE_URL = os.environ.get("DATABASE_URL", "")
DATABASE_OWNER_URL = os.environ.get("DATABASE_OWNER_URL", "")
DEBUG = switched("DEBUG", default=not DATABASE_URL)


def login(url: str) -> dict:
    """Return the parts of a database address that say who logs in where."""
    parts = urlsplit(url)
    return {
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
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


DATABASE = given_database() if DATABASE_URL else embedded_database()
DATABASES = {
    "default": {
        "ENGINE": "marketplace.database",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "APPLICATION": DATABASE["USER"],
        "TEST": {"NAME": f"test_{DATABASE['NAME']}_p{os.getpid()}"},
        **DATABASE,
    }
}

# Test mode: the clock can be moved, the demo shows its mails on a page.
TEST_MODE = switched("TEST_MODE", default=DEBUG)
CLOCK_FILE = os.environ.get("CLOCK_FILE", str(HOUSE.state / "clock")) if TEST_MODE and not TESTING else ""

# The house ------------------------------------------------------------------------------------------------

SECRET_KEY = os.environ.get("SECRET_KEY") or HOUSE.secrets["secret_key"]
ALLOWED_HOSTS = listed("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1],testserver" if DEBUG else "")
SITE_URL = os.environ.get("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
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

MIDDLEWARE = [
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
            ]
        },
    }
]

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
ANONYMOUS_USER_NAME = None  # guardian's own anonymous user; a visitor who has not signed in is no user here
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

# Languages and times --------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# Files ----------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "marketplace.staticfiles.LibraryFinder",
]
WHITENOISE_USE_FINDERS = DEBUG
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(HOUSE.state / "files")},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The API --------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
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
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or broker.address(HOUSE)
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
BROKER_EMBEDDED = not os.environ.get("CELERY_BROKER_URL")
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": seconds, "options": {"expires": max(10, seconds * 2)}}
    for task, seconds in {
        "ledger.sequence": 1,
        "settlement.inbox": 2,
        "settlement.outbox": 5,
        "settlement.poll": 15,
        "settlement.refunds": 5,
        "settlement.expire": 60,
    }.items()
}
CELERY_BEAT_SCHEDULE_FILENAME = str(HOUSE.state / "beat")
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# Stripe, or its sandbox -----------------------------------------------------------------------------------

STRIPE_SECRET_KEY = os.environ.get("STRIPE_SECRET_KEY") or "sk_test_sandbox"
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE", "")
STRIPE_WEBHOOK_SECRETS = (
    listed("STRIPE_WEBHOOK_SECRETS")
    or listed("STRIPE_WEBHOOK_SECRET")
    or ["whsec_" + HOUSE.secrets["stripe_webhook_secret"]]
)
STRIPE_TEST_MODE = not STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))

# The log --------------------------------------------------------------------------------------------------

LEDGER_SIGNING_KEY = os.environ.get("LEDGER_SIGNING_KEY") or HOUSE.secrets["ledger_signing_key"]
LEDGER_ORIGIN = os.environ.get("LEDGER_ORIGIN", "wenshi.example/log")
ARK_NAAN = os.environ.get("ARK_NAAN", "99999")
ARK_SHOULDER = "w5"
