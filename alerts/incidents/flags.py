"""What a response flag of Envoy says about a cause, in half a sentence.

https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
"""

from collections.abc import Mapping
from typing import Final

MEANINGS: Final[Mapping[str, str]] = {
    "UH": "no healthy upstream: the caller's proxy had no endpoint it could send to",
    "UF": "upstream connection failed: nobody accepted it, or TLS was refused",
    "UO": "circuit breaker open: the caller's proxy let no more through",
    "UT": "upstream timed out: the callee was reached and too slow",
    "UC": "upstream closed the connection while it answered",
    "UR": "upstream reset the request",
    "LR": "the caller's proxy reset the request",
    "LH": "the health check of the callee failed",
    "URX": "retries used up: every attempt failed",
    "NR": "no route: the caller's configuration has none for this request",
    "NC": "no such cluster: the configuration names one that is not there",
    "RL": "rate limited",
    "RLSE": "the rate limit service failed",
    "UAEX": "denied by authorization",
    "FI": "fault injected by configuration",
    "DI": "delay injected by configuration",
    "DC": "the client went away first",
    "DT": "the request took longer than its time limit",
    "SI": "no byte came within the idle timeout",
    "OM": "the proxy was overloaded and refused it",
    "UPE": "the callee broke the protocol",
    "DPE": "the client broke the protocol",
}


def meaning(flags: str) -> str:
    """Return what flags such as ``UF,URX`` say; '' for none and for unknown ones."""
    known = (MEANINGS.get(flag.strip(), "") for flag in flags.split(","))
    return "; ".join(filter(None, known))
