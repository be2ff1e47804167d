"""
What this installation is told: from the environment first, then from a running `taxiway up`.

    TAXIWAY_HOME            where state is kept (default .taxiway)
    TAXIWAY_DATABASE_URL    your own PostgreSQL instead of the embedded one
    PREFECT_API_URL         your own Prefect server instead of the one that `up` starts
    TAXIWAY_CRM_URL, TAXIWAY_CRM_TOKEN      your CRM instead of the sandbox
    TAXIWAY_CRM_READ_TOKEN  a token that may only read, for cases that may not write
    TAXIWAY_CRM_TOKENS      JSON: {"lead-routing": {"limited": "..."}}; a workflow's own, by level
    TAXIWAY_CRM_PER_SECOND  how many calls the CRM takes
    TAXIWAY_HOOK_SECRETS    JSON: {"website": ["whsec_..."]}; several while keys are rotated
    TAXIWAY_HOOK_STYLES     JSON: {"crm": "hubspot-v3"}; how a source signs
    TAXIWAY_HOOKS_PUBLIC_URL    the receiver's address as senders see it
    TAXIWAY_MODEL_URL, TAXIWAY_MODEL_KEY, TAXIWAY_MODEL_NAME    a model instead of the scorer
    TAXIWAY_MODEL_PRICE_IN, TAXIWAY_MODEL_PRICE_OUT     minor units for a million tokens
    TAXIWAY_SYSTEMS         JSON: {"erp": {"url": "...", "secret": "whsec_..."}}; take handoffs
    TAXIWAY_SLACK_URL       a Slack channel's incoming webhook; whoever knows it can post there
    TAXIWAY_MAIL_URL        smtp://user:password@host:587, or smtps:// for TLS from the start
    TAXIWAY_MAIL_FROM       the sender's address
    TAXIWAY_AUDIT_HEADS     the file in which the ends of the ledger's chain are published
    TAXIWAY_LINK_KEY        signs the links by which people answer; another one ends all of them
    TAXIWAY_HEARTBEAT_URL   called every minute in which all went well
    TAXIWAY_RUN_SECONDS     how long a run may work before it is given up
    TAXIWAY_LANES           how many cases run side by side in the worker
"""

import base64
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

STATE = "state.json"
WEBHOOK_PREFIX = "whsec_"
HOOK_STYLES = ("standard", "hubspot-v3", "github", "slack", "stripe")
JSON_SETTINGS = {
    "hook_secrets": '{"website": ["whsec_..."]}',
    "hook_styles": '{"crm": "hubspot-v3"}',
    "systems": '{"erp": {"url": "https://...", "secret": "whsec_..."}}',
    "crm_tokens": '{"lead-routing": {"read": "...", "limited": "..."}}',
}
READS = "read"  #: the key of a workflow's token that may only read
LEVELS = (READS, "recommend", "limited", "full")
POSTGRES = ("postgres", "postgresql", "postgresql+psycopg")


class SettingsError(Exception):
    """The settings cannot be used; the message says which and how to mend them."""


class OutsideSystem(BaseModel):
    """Where work is handed to, and the key that our calls are signed with."""

    url: str
    secret: SecretStr

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("must begin with http:// or https://")
        return url


class Settings(BaseSettings):
    """Everything that can be set, checked."""

    model_config = SettingsConfigDict(env_prefix="TAXIWAY_", extra="ignore")

    database_url: str = ""
    prefect_api_url: str = Field(
        default="", validation_alias=AliasChoices("PREFECT_API_URL", "prefect_api_url")
    )
    crm_url: str = ""
    crm_token: SecretStr = SecretStr("")
    crm_read_token: SecretStr = SecretStr("")  #: for what only reads
    crm_tokens: dict[str, dict[str, SecretStr]] = {}  #: by workflow and level
    model_url: str = ""  #: ends before /chat/completions
    model_key: SecretStr = SecretStr("")
    release_author: str = ""  #: who chose the model: does not sign for it
    challenger_name: str = ""  #: another model at the same address that watches beside
    model_name: str = ""
    model_price_in: float = Field(default=0, ge=0)  #: minor units for a million tokens
    model_price_out: float = Field(default=0, ge=0)
    model_timeout_seconds: float = Field(default=60, gt=0)
    model_per_second: float = Field(default=5, gt=0)
    systems: dict[str, OutsideSystem] = {}  #: what work can be handed to, by name
    slack_url: SecretStr = SecretStr("")
    mail_url: SecretStr = SecretStr("")
    mail_from: str = ""
    hook_secrets: dict[str, list[SecretStr]] = {}
    hook_styles: dict[str, str] = {}  #: how a source signs; default: standard
    hooks_url: str = ""  #: the receiver's own address
    link_key: SecretStr = SecretStr("")
    hooks_public_url: str = ""  #: the receiver's address as senders see it, behind a proxy
    audit_heads: str = ""
    heartbeat_url: str = ""  #: called by each watch in which all went well
    work_pool: str = "taxiway"
    lanes: int = Field(default=2, ge=1, le=64)
    poll_seconds: float = Field(default=1.0, gt=0, le=60)
    run_seconds: float = Field(default=600, gt=0)  #: a run that works longer is given up
    observe_suspension: bool = False  #: let Prefect's own observer watch each run; slower
    max_reruns: int = Field(default=3, ge=0, le=20)
    rerun_seconds: float = Field(default=60, gt=0)  #: until a run tries again after an outage
    lease_seconds: float = Field(default=15, gt=0)  #: a write that takes longer counts as lost
    crm_per_second: float = Field(default=15, gt=0)  #: calls; HubSpot takes 190 in ten seconds
    http_timeout_seconds: float = Field(default=10, gt=0)
    #: When a search shows what became of a lost write: lease, slowest acceptance and index lag.
    search_quarantine_seconds: float = Field(default=30, gt=0)

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in POSTGRES:
            raise ValueError("must begin with postgresql:// (no other database will do)")
        return url

    @field_validator("prefect_api_url", "crm_url", "model_url", "hooks_public_url", "heartbeat_url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("must begin with http:// or https://")
        return url

    @field_validator("hook_styles")
    @classmethod
    def _are_styles(cls, styles: dict[str, str]) -> dict[str, str]:
        for source, style in styles.items():
            if style not in HOOK_STYLES:
                raise ValueError(f"{source}: {style} is unknown; known: {', '.join(HOOK_STYLES)}")
        return styles

    @field_validator("crm_tokens")
    @classmethod
    def _are_levels(
        cls, tokens: dict[str, dict[str, SecretStr]]
    ) -> dict[str, dict[str, SecretStr]]:
        for workflow, own in tokens.items():
            if strange := set(own) - set(LEVELS):
                raise ValueError(
                    f"{workflow}: {', '.join(sorted(strange))} is no level; "
                    f"known: {', '.join(LEVELS)}"
                )
        return tokens

    @model_validator(mode="after")
    def _each_source_has_keys(self) -> Self:
        for source, keys in self.hook_secrets.items():
            words = [one.get_secret_value() for one in keys]
            standard = self.style_of(source) == "standard"
            if not all(words) or not words or (standard and not all(map(_is_key, words))):
                raise ValueError(
                    f"TAXIWAY_HOOK_SECRETS: {source} needs a list of keys"
                    + (", each whsec_ and base64" if standard else ", none of them empty")
                )
        return self

    def style_of(self, source: str) -> str:
        """Say how a source signs."""
        return self.hook_styles.get(source, "standard")

    @model_validator(mode="after")
    def _a_model_has_a_name_and_a_price(self) -> Self:
        if self.model_url and not (self.model_name and self.model_price_in):
            raise ValueError(
                "TAXIWAY_MODEL_URL needs TAXIWAY_MODEL_NAME, and its prices in "
                "TAXIWAY_MODEL_PRICE_IN and TAXIWAY_MODEL_PRICE_OUT: without them no cap can hold"
            )
        return self

    @model_validator(mode="after")
    def _search_waits_for_the_write(self) -> Self:
        if self.search_quarantine_seconds < self.lease_seconds:
            raise ValueError(
                "TAXIWAY_SEARCH_QUARANTINE_SECONDS must be at least TAXIWAY_LEASE_SECONDS"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over what a running `up` has written down."""
        written = JsonConfigSettingsSource(settings_cls, json_file=home() / STATE)
        return init_settings, env_settings, written


def home() -> Path:
    """Give the folder in which this installation keeps its state."""
    return Path(os.environ.get("TAXIWAY_HOME") or ".taxiway").absolute()


@cache
def settings() -> Settings:
    """Read the settings, once for a process; raises `SettingsError`."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(_complaints(error))
        raise SettingsError(f"the settings cannot be used: {wrong}") from None
    except (ValueError, TypeError, OSError) as error:  # TypeError: the file holds a list
        raise SettingsError(f"the settings cannot be read: {_unreadable(error)}") from None


def _complaints(error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_input=False):
        if not one["loc"]:
            yield one["msg"].removeprefix("Value error, ")
            continue
        field = str(one["loc"][0])
        variable = "PREFECT_API_URL" if field.lower() == "prefect_api_url" else f"TAXIWAY_{field}"
        where = (
            variable.upper() if variable.upper() in os.environ else f"{field} in {home() / STATE}"
        )
        yield f"{where}: {one['msg'].removeprefix('Value error, ')}"


def _unreadable(error: Exception) -> str:
    """Say what is damaged: a variable that should be JSON, or else the file."""
    for name, example in JSON_SETTINGS.items():
        if f"TAXIWAY_{name.upper()}" in os.environ and name in str(error):
            return f"TAXIWAY_{name.upper()} must be JSON, like {example}"
    return (
        f"{home() / STATE} is damaged or not ours ({type(error).__name__}). "
        "Move it away: `taxiway up` writes a new one, with new webhook keys."
    )


def _is_key(key: str) -> bool:
    """Whether it is a key by the Standard Webhooks specification."""
    coded = key.removeprefix(WEBHOOK_PREFIX)
    try:
        return len(base64.b64decode(f"{coded}==")) > 0 and key.startswith(WEBHOOK_PREFIX)
    except ValueError:
        return False


def database_url() -> str:
    """Give the database's address; raises `SettingsError` when nothing runs here."""
    url = settings().database_url
    if not url:
        raise SettingsError(
            f"no Taxiway is running in {home()}: start it with `taxiway up`, "
            "or set TAXIWAY_DATABASE_URL"
        )
    return url
