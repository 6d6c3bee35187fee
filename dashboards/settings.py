"""Every setting of the server, from flags and ``MESHSCOPE_*`` variables; a flag wins.

The only place that reads the environment. Addresses are ``host:port``; port 0 takes a free one.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "MESHSCOPE_"


class BadSetting(Exception):
    """A setting has a value that cannot be; names the flag, the variable and the reason."""


def _address(value: str) -> str:
    host, separator, port = value.rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"must be host:port, for example 127.0.0.1:8428, got {value!r}")
    return value


Address = Annotated[str, AfterValidator(_address)]


class ServerSettings(BaseSettings):
    """What `meshscope serve` runs with."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    store: Path = Path("meshscope.duckdb")
    web: Address = "127.0.0.1:8428"
    otlp_grpc: Address = "127.0.0.1:4317"
    otlp_http: Address = "127.0.0.1:4318"
    slo: tuple[Path, ...] = ()
    grafana_url: str | None = None
    max_body_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024 * 1024
    allow_remote: bool = False

    @model_validator(mode="after")
    def _stays_home(self) -> Self:
        for name in ("web", "otlp_grpc", "otlp_http"):
            host = getattr(self, name).rpartition(":")[0].strip("[]")
            if not self.allow_remote and not _is_loopback(host):
                raise ValueError(
                    f"--{name.replace('_', '-')} {host} can be reached from other machines and "
                    "nothing here asks who they are: put an authenticating proxy before it and "
                    f"say so by --allow-remote or {PREFIX}ALLOW_REMOTE=true"
                )
        return self


def server_settings(**flags: Any) -> ServerSettings:
    """Return the settings; flags that are None are not given. BadSetting names what is wrong."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return ServerSettings(**given)
    except ValidationError as error:
        raise BadSetting("\n".join(_say(dict(item)) for item in error.errors())) from error


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of a checked address."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _say(item: dict[str, Any]) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:
        return message
    name = str(item["loc"][0])
    return f"--{name.replace('_', '-')} (or {PREFIX}{name.upper()}): {message}"
