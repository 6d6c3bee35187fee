"""Every setting of the server, from flags and ``MESHSCOPE_*`` variables; a flag wins.

The only place that reads the environment. Addresses are ``host:port``; port 0 takes a free one.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, ByteSize, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "MESHSCOPE_"
_WEB_OR_ASK = (
    f"; or ask who they are by a token: {PREFIX}WEB_TOKEN or --web-token-file for who may change, "
    f"{PREFIX}WEB_VIEWER_TOKEN or --web-viewer-token-file for who may look"
)
_OR_ASK = (
    "; or ask who they are by --otlp-tls-cert and --otlp-tls-key with --otlp-token-file or "
    "--otlp-client-ca"
)


class BadSetting(Exception):
    """A setting has a value that cannot be; names the flag, the variable and the reason."""


def _address(value: str) -> str:
    host, separator, port = value.rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"must be host:port, for example 127.0.0.1:8428, got {value!r}")
    return value


Address = Annotated[str, AfterValidator(_address)]


def _url_path(value: str) -> str:
    if not value.startswith("/") or not value.isprintable() or set(value) & set("?# %"):
        raise ValueError(f"must be a path such as /v1/traces, got {value!r:.100}")
    return value


UrlPath = Annotated[str, AfterValidator(_url_path)]


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"must be a URL such as http://127.0.0.1:9093, got {value!r:.100}")
    return value.rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_http_url)]


Token = Annotated[SecretStr | None, Field(min_length=16)]


class ServerSettings(BaseSettings):
    """What `meshscope serve` runs with."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    store: Path = Path("meshscope.duckdb")
    web: Address = "127.0.0.1:8428"
    web_tls_cert: Path | None = None
    web_tls_key: Path | None = None
    web_token_file: Path | None = None
    web_token: Token = None
    web_viewer_token_file: Path | None = None
    web_viewer_token: Token = None
    otlp_grpc: Address = "127.0.0.1:4317"
    otlp_http: Address = "127.0.0.1:4318"
    otlp_http_traces_path: UrlPath = "/v1/traces"
    otlp_http_metrics_path: UrlPath = "/v1/metrics"
    otlp_http_logs_path: UrlPath = "/v1/logs"
    slo: tuple[Path, ...] = ()
    slo_lenient: bool = False
    slo_corrections: Path | None = None
    evaluate: bool = False
    rules: tuple[Path, ...] = ()
    alertmanager: tuple[HttpUrl, ...] = ()
    external_url: HttpUrl | None = None
    external_labels: Mapping[str, str] = Field(default_factory=dict)
    grafana_url: str | None = None
    max_body_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024 * 1024
    allow_remote: bool = False
    store_memory: Annotated[ByteSize | None, Field(ge=64 * 2**20)] = None
    store_threads: Annotated[int | None, Field(ge=1)] = None
    store_max: Annotated[ByteSize | None, Field(ge=128 * 2**20)] = None
    keep_spans_days: Annotated[int, Field(ge=1)] = 7
    keep_metrics_days: Annotated[int, Field(ge=1)] = 7
    keep_logs_days: Annotated[int, Field(ge=1)] = 7
    keep_counts_days: Annotated[int, Field(ge=1)] = 400
    keep_incidents_days: Annotated[int, Field(ge=1)] = 400
    series_per_metric: Annotated[int, Field(ge=1)] = 10_000
    series_per_service: Annotated[int, Field(ge=1)] = 100_000
    edges_per_service: Annotated[int, Field(ge=1)] = 10_000
    checkpoint_wal: Annotated[ByteSize, Field(ge=2**20, le=128 * 2**20)] = ByteSize(128 * 2**20)
    disk_shed_below: ByteSize = ByteSize(2**30)
    disk_refuse_below: ByteSize = ByteSize(256 * 2**20)
    sealing: bool = True
    sealed_max: Annotated[ByteSize | None, Field(ge=2**20)] = None
    sampling: Path | None = None
    trace_skew_max_s: Annotated[float, Field(ge=0, le=86_400)] = 3600
    redaction: Path | None = None
    redaction_salt: Annotated[SecretStr | None, Field(min_length=16)] = None
    otlp_tls_cert: Path | None = None
    otlp_tls_key: Path | None = None
    otlp_client_ca: Path | None = None
    otlp_token_file: Path | None = None
    otlp_token: Token = None
    otlp_cors_origins: tuple[str, ...] = ()
    otlp_cors_max_age_s: Annotated[int, Field(ge=0)] = 7200
    otlp_max_message_bytes: Annotated[int, Field(ge=1024)] = 16 * 1024 * 1024
    otlp_max_requests: Annotated[int, Field(ge=1, le=4096)] = 256
    otlp_max_inflight_bytes: Annotated[int, Field(ge=1024)] = 256 * 1024 * 1024
    otlp_max_connection_age_s: Annotated[float, Field(gt=0)] | None = None
    webhook_token_file: Path | None = None
    webhook_token: Annotated[SecretStr | None, Field(min_length=16)] = None

    @property
    def asks_for_tokens(self) -> bool:
        """Whether a sender of telemetry must have a bearer token."""
        return self.otlp_token_file is not None or self.otlp_token is not None

    @property
    def web_asks_for_tokens(self) -> bool:
        """Whether who looks at the web port must have a token."""
        return any(
            one is not None
            for one in (
                *(self.web_token_file, self.web_token),
                *(self.web_viewer_token_file, self.web_viewer_token),
            )
        )

    @property
    def web_url(self) -> str:
        """Where the web port is, seen from here."""
        return f"http{'s' if self.web_tls_cert else ''}://{self.web}"

    @model_validator(mode="after")
    def _tells_signals_apart(self) -> Self:
        paths = (self.otlp_http_traces_path, self.otlp_http_metrics_path, self.otlp_http_logs_path)
        if len(set(paths)) < len(paths):
            raise ValueError(
                "--otlp-http-traces-path, --otlp-http-metrics-path and --otlp-http-logs-path must "
                f"differ, got {', '.join(paths)}"
            )
        return self

    @model_validator(mode="after")
    def _has_whole_credentials(self) -> Self:
        if (self.web_tls_cert is None) != (self.web_tls_key is None):
            raise ValueError("--web-tls-cert and --web-tls-key go together: give both")
        if (self.otlp_tls_cert is None) != (self.otlp_tls_key is None):
            raise ValueError("--otlp-tls-cert and --otlp-tls-key go together: give both")
        if self.otlp_client_ca and not self.otlp_tls_cert:
            raise ValueError("--otlp-client-ca needs --otlp-tls-cert and --otlp-tls-key")
        return self

    @model_validator(mode="after")
    def _stays_home(self) -> Self:
        for name in ("web", "otlp_grpc", "otlp_http"):
            host = getattr(self, name).rpartition(":")[0].strip("[]")
            if self.web_asks_for_tokens if name == "web" else self._knows_senders():
                continue
            if not self.allow_remote and not is_loopback(host):
                raise ValueError(
                    f"--{name.replace('_', '-')} {host} can be reached from other machines and "
                    "nothing here asks who they are: put an authenticating proxy before it and "
                    f"say so by --allow-remote or {PREFIX}ALLOW_REMOTE=true"
                    + (_WEB_OR_ASK if name == "web" else _OR_ASK)
                )
        return self

    def _knows_senders(self) -> bool:
        """A token without TLS can be read on the way, and so does not count."""
        return self.otlp_tls_cert is not None and (
            self.otlp_client_ca is not None or self.asks_for_tokens
        )


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


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine and no other."""
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
