"""The settings: typed, read once from the environment and `.env`, wrong ones reported together.

`load_config()` gives an instance of the class that FLASK_ENV names; the instance, not the class,
goes to `app.config.from_object`: a pydantic class holds no values.
"""

import ipaddress
import os
import re
from pathlib import Path
from typing import ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from common import run_file
from common.config_words import sentences
from common.errors import ConfigurationError

ROOT = Path(__file__).resolve().parent.parent
DEVELOPMENT_SECRET = "development-only"
# Secrets that documents, tests or examples have shown are nobody's secret.
DOCUMENTED_SECRETS = frozenset(
    {
        DEVELOPMENT_SECRET,
        "una-clave-secreta-muy-larga-y-aleatoria",
        "put a SECRET_KEY of at least 32 characters into .env",
        "python3 -c 'import secrets; print(secrets.token_hex(32))'",
    }
)
SEED_DATABASE_URL = "postgresql://usuario:contraseña@localhost:5432/chatgpt_db"
# This machine, seen from a container (docker-compose.yml).
CONTAINER_HOST = "host.docker.internal"
SEED_REDIS_URL = "redis://localhost:6379/0"


# As SQLAlchemy reads it, which would be 11 MB for a process that asks no database, as Flower.
_POSTGRESQL_URL = re.compile(
    r"""postgresql(\+psycopg2)?://
    ([^:/]* (:[^@]*)? @)?  # user and password; what is special in a URL may stand in one
    (\[[^/?]+\] | [^/:?]+)?  # host
    (:(?P<port>[^/?]*))?""",
    re.VERBOSE,
)


class BaseConfig(BaseSettings):
    """Settings that every environment shares. Durations are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )

    DEBUG: ClassVar[bool] = False
    TESTING: ClassVar[bool] = False

    FLASK_ENV: Literal["development", "testing", "production"] = "development"
    SECRET_KEY: str = DEVELOPMENT_SECRET
    DATABASE_URL: str = ""
    REDIS_URL: str = ""

    OPENAI_API_KEY: str = ""
    OPENAI_BASE_URL: str = "https://api.openai.com/v1"
    EPICODE_MODELS: Path | None = None
    EPICODE_DEFAULT_MODEL: str | None = None
    # A call of the model more for each conversation: its title.
    EPICODE_TITLES: bool = True

    EPICODE_AUTH: Literal["local", "accounts"] = "local"
    EPICODE_HOST: str = "127.0.0.1"
    EPICODE_PORT: int = Field(8000, ge=1, le=65535)
    # None: twice the processors and one more (gunicorn_conf.py).
    WEB_CONCURRENCY: int | None = Field(None, ge=1)
    EPICODE_PUBLISHED_ON_LOOPBACK: bool = False
    # With accounts: names beside this machine's own, with commas; ".example.org" is all below it.
    EPICODE_TRUSTED_HOSTS: str = ""
    # How many reverse proxies in front are believed what they say in X-Forwarded-For and -Proto.
    EPICODE_PROXIES: int = Field(0, ge=0, le=10)
    EPICODE_ALLOW_HTTP: bool = False
    EPICODE_SESSION_DAYS: int = Field(30, ge=1, le=365)
    EPICODE_SIGN_IN_ATTEMPTS: int = Field(10, ge=1)
    EPICODE_DATA: Path = run_file.default_folder()
    EPICODE_NOTICE: str | None = None
    EPICODE_LOG_FORMAT: Literal["text", "json"] | None = None
    EPICODE_LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # None: a worker has no metrics to scrape (worker/listener.py), /metrics no readers from afar.
    EPICODE_METRICS_PORT: int | None = Field(None, ge=1, le=65535)
    EPICODE_METRICS_HOST: str = "127.0.0.1"
    EPICODE_METRICS_TOKEN: str | None = Field(None, min_length=16)

    # How long a job may take, and who notices when its worker is gone.
    EPICODE_LEASE_SECONDS: float = Field(30, gt=0)
    EPICODE_RENEW_SECONDS: float = Field(5, gt=0)
    EPICODE_SWEEP_SECONDS: float = Field(5, gt=0)
    EPICODE_RING_SECONDS: float = Field(30, gt=0)
    EPICODE_MAX_FAILURES: int = Field(3, ge=1)
    EPICODE_BACKOFF_SECONDS: float = Field(1, ge=0)
    EPICODE_CONNECT_SECONDS: float = Field(5, gt=0)
    EPICODE_FIRST_TOKEN_SECONDS: float = Field(180, gt=0)
    EPICODE_SILENCE_SECONDS: float = Field(60, gt=0)
    EPICODE_ATTEMPT_SECONDS: float = Field(15 * 60, gt=0)
    EPICODE_JOB_SECONDS: float = Field(45 * 60, gt=0)
    EPICODE_WAITING_SECONDS: float = Field(24 * 3600, gt=0)
    EPICODE_HANDOVER_SECONDS: float = Field(20, gt=0)
    EPICODE_MAX_OUTPUT_BYTES: int = Field(1024 * 1024, ge=1024)

    # How much may wait, and how much one worker process does at once.
    EPICODE_WORKER_SLOTS: int = Field(1000, ge=1)
    EPICODE_MAX_WAITING_PER_USER: int = Field(1000, ge=1)
    EPICODE_MAX_WAITING: int = Field(20_000, ge=1)

    # What one user may do and spend, unless his own limits say otherwise. None: no limit.
    EPICODE_POSTS_PER_MINUTE: int | None = Field(None, ge=0)
    EPICODE_MAX_ACTIVE_PER_USER: int | None = Field(None, ge=0)
    EPICODE_TOKENS_PER_DAY: int | None = Field(None, ge=0)
    EPICODE_TOKENS_PER_MONTH: int | None = Field(None, ge=0)
    EPICODE_COST_PER_DAY: float | None = Field(None, ge=0)
    EPICODE_COST_PER_MONTH: float | None = Field(None, ge=0)

    @field_validator("EPICODE_DATA", "EPICODE_MODELS")
    @classmethod
    def expand_home(cls, path: Path | None) -> Path | None:
        """`~` in `.env`, where no shell expands it."""
        return path and Path(os.path.expanduser(path))

    @model_validator(mode="after")
    def complete_and_check(self) -> Self:
        """Fills in what is absent, then reports all that is wrong in one ValueError."""
        self._fill_addresses()
        wrong = self.contradictions()
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def contradictions(self) -> list[str]:
        """A sentence for every setting that is missing or contradicts another; none is good."""
        wrong = []
        if self.EPICODE_LEASE_SECONDS < 3 * self.EPICODE_RENEW_SECONDS:
            wrong.append(
                "EPICODE_LEASE_SECONDS must be at least three times EPICODE_RENEW_SECONDS, "
                "or one slow renewal loses the lease"
            )
        if self.EPICODE_JOB_SECONDS < self.EPICODE_ATTEMPT_SECONDS:
            wrong.append("EPICODE_JOB_SECONDS must not be shorter than EPICODE_ATTEMPT_SECONDS")
        wrong += self._wrong_addresses()
        wrong += self._wrong_doors()
        return wrong

    @property
    def trusted_hosts(self) -> list[str]:
        """The names of EPICODE_TRUSTED_HOSTS."""
        return [
            name.strip().lower() for name in self.EPICODE_TRUSTED_HOSTS.split(",") if name.strip()
        ]

    def _wrong_doors(self) -> list[str]:
        """What would let in whoever has no business here."""
        wrong = []
        is_open = not self.EPICODE_PUBLISHED_ON_LOOPBACK and not is_loopback(self.EPICODE_HOST)
        if is_open and self.EPICODE_AUTH == "local":
            wrong.append(
                f"EPICODE_HOST={self.EPICODE_HOST} would let other machines in without sign-in: "
                "use 127.0.0.1, or EPICODE_AUTH=accounts"
            )
        elif is_open and not self.trusted_hosts:
            wrong.append(
                f"EPICODE_TRUSTED_HOSTS must name the host that people open (EPICODE_HOST="
                f"{self.EPICODE_HOST} lets other machines in)"
            )
        elif is_open and self.DEBUG:
            wrong.append(
                f"FLASK_ENV=development must not be reached by other machines (EPICODE_HOST="
                f"{self.EPICODE_HOST}): use FLASK_ENV=production"
            )
        if self.EPICODE_AUTH == "local" and self.trusted_hosts:
            wrong.append(
                "EPICODE_TRUSTED_HOSTS would let other machines' names in without sign-in: "
                "use it with EPICODE_AUTH=accounts"
            )
        if not self.DEBUG and _is_on(os.environ.get("FLASK_DEBUG")):
            wrong.append(
                "FLASK_DEBUG must not be set outside FLASK_ENV=development: "
                "its error pages run code for whoever asks"
            )
        return wrong

    def _fill_addresses(self) -> None:
        """Without an address: the running stack's, else those of the original description."""
        running = run_file.read_running(self.EPICODE_DATA)
        if not self.DATABASE_URL:
            self.DATABASE_URL = running["postgres"]["url"] if running else SEED_DATABASE_URL
        if not self.REDIS_URL:
            self.REDIS_URL = running["redis"]["url"] if running else SEED_REDIS_URL

    def _wrong_addresses(self) -> list[str]:
        wrong = []
        if not _is_postgresql(self.DATABASE_URL):
            wrong.append(
                "DATABASE_URL must be like postgresql://USER:PASSWORD@HOST:5432/NAME "
                "(PostgreSQL is needed)"
            )
        if not _is_redis(self.REDIS_URL):
            wrong.append("REDIS_URL must be like redis://:PASSWORD@HOST:6379/0, or rediss://…")
        return wrong

    @property
    def model_server_is_local(self) -> bool:
        """Whether what is asked stays on this machine; from a container that has another name."""
        host = urlsplit(self.OPENAI_BASE_URL).hostname or ""
        return is_loopback(host) or host == CONTAINER_HOST

    @property
    def SQLALCHEMY_DATABASE_URI(self) -> str:
        from common.db import driver_url

        return driver_url(self.DATABASE_URL)


class DevelopmentConfig(BaseConfig):
    """The default: readable logs, a known secret, the development server."""

    DEBUG: ClassVar[bool] = True


class TestingConfig(BaseConfig):
    """A throw-away PostgreSQL, named by whoever made it: tests must never reach a person's data."""

    __test__: ClassVar[bool] = False  # its name looks like a test's
    TESTING: ClassVar[bool] = True
    model_config = SettingsConfigDict(env_file=None)

    def _fill_addresses(self) -> None:
        """Nothing: a running stack's address is a person's data."""

    def _wrong_addresses(self) -> list[str]:
        if self.DATABASE_URL and self.REDIS_URL:
            return super()._wrong_addresses()
        return [
            "FLASK_ENV=testing needs DATABASE_URL and REDIS_URL of throw-away servers: "
            "./epicode test starts them"
        ]


class ProductionConfig(BaseConfig):
    """JSON logs, no debug, a secret of your own."""

    def contradictions(self) -> list[str]:
        wrong = super().contradictions()
        if not _is_secret(self.SECRET_KEY):
            wrong.append(
                "SECRET_KEY must be set, secret and at least 32 characters long: "
                "python3 -c 'import secrets; print(secrets.token_hex(32))' makes one"
            )
        return wrong


config_map: dict[str, type[BaseConfig]] = {
    "development": DevelopmentConfig,
    "testing": TestingConfig,
    "production": ProductionConfig,
}


def load_config() -> BaseConfig:
    """The settings of FLASK_ENV's environment.

    Raises ConfigurationError naming every missing or contradictory setting at once.
    """
    name = os.environ.get("FLASK_ENV") or _env_file_value("FLASK_ENV") or "development"
    if name not in config_map:
        raise ConfigurationError(
            f"FLASK_ENV={name} is unknown: use development, testing or production"
        )
    kind = config_map[name]
    try:
        return kind(FLASK_ENV=name)
    except ValidationError as error:
        wrong = sentences(error)
        # A value that can't be read hides the contradictions behind it: look again without it.
        unread = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
        if unread:
            defaults = {field: kind.model_fields[field].default for field in unread}
            try:
                kind(**{"FLASK_ENV": name} | defaults)
            except ValidationError as behind:
                wrong += sentences(behind)
        raise ConfigurationError("\n".join(wrong)) from None


def is_loopback(host: str) -> bool:
    """Whether a server bound to `host` can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_secret(key: str) -> bool:
    """Neither short nor documented, nor a word repeated."""
    return len(key) >= 32 and key not in DOCUMENTED_SECRETS and len(set(key)) >= 8


def _is_on(value: str | None) -> bool:
    return (value or "").strip().lower() not in ("", "0", "false", "no", "off")


def _is_postgresql(url: str) -> bool:
    read = _POSTGRESQL_URL.match(url)
    if read is None or read["port"] is None:
        return read is not None
    try:
        int(read["port"])
    except ValueError:
        return False
    return True


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("redis", "rediss") and parts.port != 0
    except ValueError:  # the port is no number
        return False


def _env_file_value(name: str) -> str | None:
    from dotenv import dotenv_values

    return dotenv_values(ROOT / ".env").get(name)
