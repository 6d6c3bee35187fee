"""The intent of a mesh: services, workloads, routes and policy, as mesh.yaml says it.

Values only. Reading a file and finding the line of a mistake is ``proxy.mesh_file``; turning intent
into Envoy's configuration is ``proxy.resources``. The JSON Schema of the file comes from these
models: ``Mesh.model_json_schema()``.
"""

from ipaddress import AddressValueError, IPv4Address
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

NAME_PATTERN: Final = r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"
PATH_PATTERN: Final = r"^/"
RETRY_ON_PATTERN: Final = r"^[a-z0-9,-]+$"
TRUST_DOMAIN_PATTERN: Final = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise ValueError(f"must be an IPv4 address such as 127.0.1.2, got {text!r}") from None


def _ipv4_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    try:
        IPv4Address(host)
        if 1 <= int(port) <= 65535:
            return text
    except ValueError:
        pass
    raise ValueError(f"must be an IPv4 address and a port such as 127.0.0.1:4317, got {text!r}")


Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Address = Annotated[str, AfterValidator(_ipv4)]
HostPort = Annotated[str, AfterValidator(_ipv4_and_port)]
Seconds = Annotated[float, Field(ge=0.001, le=86_400)]
"""A duration; Envoy reads less than a millisecond as zero, which would mean none or for ever."""
Percent = Annotated[float, Field(ge=0, le=100)]
Limit = Annotated[int, Field(ge=0, le=4_294_967_295)]
"""A number in flight, as wide as Envoy's."""

OUTBOUND_PORT = 15001
INBOUND_PORT = 15006
ADMIN_PORT = 15000


class Intent(BaseModel):
    """Every part of a mesh: frozen, camelCase in YAML, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class Route(Intent):
    """One operation of a service; its name is the ``route`` of every SLI."""

    name: Name
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path_prefix: Annotated[str, Field(pattern=PATH_PATTERN)]


class Delay(Intent):
    """Hold a share of the requests back."""

    percent: Percent
    seconds: Seconds


class Abort(Intent):
    """Answer a share of the requests with a status of our own."""

    percent: Percent
    status: Annotated[int, Field(ge=400, le=599)]


class Fault(Intent):
    """Faults injected by the service's own proxies, before the service sees the request."""

    delay: Delay | None = None
    abort: Abort | None = None
    version: Name | None = None
    """Only the proxies of this version; None: all of the service."""

    def hits(self, version: str) -> bool:
        """Say whether the proxies of a version inject it."""
        return self.version in {None, version}


class Retries(Intent):
    """When the caller's proxy tries again. Only what is safe for a POST is retried by default."""

    attempts: Annotated[int, Field(ge=0, le=10)] = 1
    on: Annotated[str, Field(pattern=RETRY_ON_PATTERN)] = (
        "connect-failure,refused-stream,reset-before-request"
    )


class CircuitBreaker(Intent):
    """How much a caller's proxy may have in flight towards one version of the service."""

    max_requests: Limit = 1024
    max_pending_requests: Limit = 1024


class Workload(Intent):
    """One running copy of a service: an application and its sidecar on an address of their own."""

    name: Name
    version: Name = "v1"
    address: Address
    app_port: Annotated[int, Field(ge=1, le=65535)] = 8080


class Service(Intent):
    """A destination: its copies, its operations, who may call it and how."""

    name: Name
    workloads: Annotated[tuple[Workload, ...], Field(min_length=1)]
    routes: tuple[Route, ...] = ()
    callers: tuple[Name, ...] = ()
    """Services allowed in; everyone else is denied by SPIFFE identity."""
    ingress: bool = False
    """True: the inbound listener takes plain HTTP from outside the mesh."""
    weights: dict[Name, Annotated[int, Field(ge=0, le=100)]] | None = None
    """Share of the traffic by version; None: all to the first version."""
    timeout_seconds: Seconds = 5.0
    retries: Retries = Retries()
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    fault: Fault | None = None

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that run, in the order of the file."""
        return tuple(dict.fromkeys(workload.version for workload in self.workloads))

    def split(self) -> dict[str, int]:
        """Return the traffic share of each version that gets any; they sum to 100."""
        weights = self.weights or {self.versions[0]: 100}
        return {version: weight for version, weight in weights.items() if weight}

    @field_validator("weights")
    @classmethod
    def _weights_fit(
        cls, weights: dict[str, int] | None, info: ValidationInfo
    ) -> dict[str, int] | None:
        if weights is None:
            return None
        if "workloads" in info.data:
            unknown = sorted(
                set(weights) - {workload.version for workload in info.data["workloads"]}
            )
            if unknown:
                raise ValueError(f"name versions without a workload: {', '.join(unknown)}")
        if sum(weights.values()) != 100:
            raise ValueError(f"must sum to 100, and sum to {sum(weights.values())}")
        return weights


class Identity(Intent):
    """How long a certificate lives and whether it is renewed (at half of its life)."""

    ttl_seconds: Annotated[float, Field(ge=2, le=86_400)] = 3600
    """Not less than two seconds: a certificate knows only whole ones."""
    rotation: Literal["automatic", "paused"] = "automatic"
    max_connection_seconds: Seconds = 300
    """A connection is renewed after this, so that rotation and revocation take effect."""


class Telemetry(Intent):
    """What the proxies send, and where."""

    otlp: HostPort = "127.0.0.1:4317"
    flush_seconds: Annotated[float, Field(ge=0.001, lt=300)] = 5
    """Within Envoy's limits: a sidecar does not start with others."""
    trace_sampling_percent: Percent = 100


class Mesh(Intent):
    """One mesh: a trust domain, its services and what holds for all of them."""

    api_version: Literal["meshscope/v1"]
    kind: Literal["Mesh"]
    trust_domain: Annotated[str, Field(pattern=TRUST_DOMAIN_PATTERN)] = "mesh.local"
    namespace: Name = "default"
    identity: Identity = Identity()
    telemetry: Telemetry = Telemetry()
    services: Annotated[tuple[Service, ...], Field(min_length=1)]

    def service(self, name: str) -> Service:
        """Return a service by name; KeyError when the mesh has none."""
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)

    def find(self, node_id: str) -> tuple[Service, Workload] | None:
        """Return the service and workload whose proxy has this node id, or None."""
        for service in self.services:
            for workload in service.workloads:
                if workload.name == node_id:
                    return service, workload
        return None

    def spiffe_id(self, service: str) -> str:
        """Return the identity shared by all workloads of a service."""
        return f"spiffe://{self.trust_domain}/ns/{self.namespace}/sa/{service}"

    def callees(self, caller: str) -> tuple[Service, ...]:
        """Return the services that a caller is allowed to call."""
        return tuple(service for service in self.services if caller in service.callers)
