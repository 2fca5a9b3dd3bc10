"""Where S3 is and who asks: read from the environment, as `silencio.settings` is, and secrets from files as well."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from silencio.errors import ConfigError
from silencio.settings import PREFIX, EnvironmentSettings, not_set

_YES, _NO = ("1", "true", "yes"), ("0", "false", "no")
_SCHEMES = {"http://": False, "https://": True}
SECRETS_DIR = f"{PREFIX}SECRETS_DIR"


def _endpoint(value: object) -> str:
    if not value:
        raise not_set("an s3:// place needs it, such as 127.0.0.1:9000 or s3.amazonaws.com")
    host = str(value).removeprefix("https://").removeprefix("http://").rstrip("/")
    if not host or "/" in host or " " in host:
        raise PydanticCustomError("endpoint", "host and port are needed, such as 127.0.0.1:9000")
    return host


def _secure(value: object) -> bool:
    text = str(value).lower()
    if text not in _YES + _NO:
        raise PydanticCustomError("secure", "true (https) or false (http) is needed")
    return text in _YES


def _none_if_empty(value: object) -> object:
    return value or None


_Optional = Annotated[str | None, BeforeValidator(_none_if_empty)]


class S3Settings(EnvironmentSettings):
    """Settings of S3 in the environment; where it is silent, a folder of secrets (`SILENCIO_SECRETS_DIR`), a file each.

    Attributes:
        endpoint: Host and port (`SILENCIO_S3_ENDPOINT`); a URL is taken too, its scheme then decides `secure`.
        secure: https and not http (`SILENCIO_S3_SECURE`; default true).
        access_key: Access key (`SILENCIO_S3_ACCESS_KEY`); without it public buckets alone can be read.
        secret_key: The key's secret (`SILENCIO_S3_SECRET_KEY`).
        region: Region of the buckets (`SILENCIO_S3_REGION`; default: the server names it).

    Raises:
        ConfigError: The endpoint is not set, a value cannot be used, a key is without its secret, or there is no such
            folder of secrets.
    """

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}S3_")

    endpoint: Annotated[str, BeforeValidator(_endpoint)] = Field("", validate_default=True)
    secure: Annotated[bool, BeforeValidator(_secure)] = True
    access_key: _Optional = None
    secret_key: _Optional = Field(None, repr=False)
    region: _Optional = None

    @model_validator(mode="before")
    @classmethod
    def _a_scheme_is_nearer_than_secure(cls, data: dict[str, Any]) -> dict[str, Any]:
        for scheme, is_secure in _SCHEMES.items():
            if str(data.get("endpoint", "")).startswith(scheme):
                return data | {"secure": is_secure}
        return data

    @model_validator(mode="after")
    def _a_key_has_its_secret(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            raise PydanticCustomError(
                "pair", "SILENCIO_S3_ACCESS_KEY and SILENCIO_S3_SECRET_KEY belong together: one is not set"
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
        sources = super().settings_customise_sources(
            settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
        )
        folder = os.environ.get(SECRETS_DIR)
        if not folder:
            return sources
        if not Path(folder).is_dir():
            raise ConfigError(f"{SECRETS_DIR}={folder!r}: there is no such folder")
        return *sources, SecretsSettingsSource(settings_cls, folder)
