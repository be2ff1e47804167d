"""
What this installation is told: from the environment first, then from a running `taxiway up`.

    TAXIWAY_HOME            where state is kept (default .taxiway)
    TAXIWAY_DATABASE_URL    your own PostgreSQL instead of the embedded one
    PREFECT_API_URL         your own Prefect server instead of the one that `up` starts
    TAXIWAY_CRM_URL, TAXIWAY_CRM_TOKEN      your CRM instead of the sandbox
    TAXIWAY_HOOK_SECRETS    JSON: {"website": ["whsec_..."]}; several while keys are rotated
    TAXIWAY_LANES           how many cases run side by side in the worker
"""

import os
from functools import cache
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

STATE = "state.json"


class SettingsError(Exception):
    """The settings cannot be used; the message says which and how to mend them."""


class Settings(BaseSettings):
    """Everything that can be set, checked."""

    model_config = SettingsConfigDict(env_prefix="TAXIWAY_", extra="ignore")

    database_url: str = ""
    prefect_api_url: str = Field(
        default="", validation_alias=AliasChoices("PREFECT_API_URL", "prefect_api_url")
    )
    crm_url: str = ""
    crm_token: SecretStr = SecretStr("")
    hook_secrets: dict[str, list[SecretStr]] = {}
    work_pool: str = "taxiway"
    lanes: int = Field(default=2, ge=1, le=64)
    poll_seconds: float = Field(default=1.0, gt=0, le=60)
    observe_suspension: bool = False  #: let Prefect's own observer watch each run; slower
    max_reruns: int = Field(default=3, ge=0, le=20)
    lease_seconds: float = Field(default=15, gt=0)  #: longer than any one call may take
    http_timeout_seconds: float = Field(default=10, gt=0)
    search_quarantine_seconds: float = Field(default=14, ge=0)  #: timeout and index lag together

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
    return Path(os.environ.get("TAXIWAY_HOME", ".taxiway")).absolute()


@cache
def settings() -> Settings:
    """Read the settings, once for a process; raises `SettingsError`."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
        )
        raise SettingsError(f"the settings cannot be used: {wrong}") from None
    except ValueError as error:
        raise SettingsError(
            f"the settings cannot be read: {error}. Is {home() / STATE} damaged? "
            "`taxiway down` and `taxiway up` write it anew."
        ) from None


def database_url() -> str:
    """Give the database's address; raises `SettingsError` when nothing runs here."""
    url = settings().database_url
    if not url:
        raise SettingsError(
            f"no Taxiway is running in {home()}: start it with `taxiway up`, "
            "or set TAXIWAY_DATABASE_URL"
        )
    return url
