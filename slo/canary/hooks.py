"""A verdict in the shape of Flagger's webhooks: the status code is the answer.

Flagger posts ``{name, namespace, phase, metadata}`` and goes on at 200 to 202; at anything else it
halts, counts a failed check and logs the body. A ``rollback`` hook is the other way round: at 200
the canary has failed. Spec: https://docs.flagger.app/usage/webhooks
"""

from collections.abc import Mapping
from typing import Final, Literal

from slo.canary.verdict import Verdict

Hook = Literal["rollout", "confirm-traffic-increase", "confirm-promotion", "rollback"]

GO_ON: Final = 200
HALT: Final = 409
"""The state of the canary stands against it."""

_GOES_ON: Final[Mapping[Hook, frozenset[Verdict]]] = {
    "rollout": frozenset({"promote", "hold"}),
    "confirm-traffic-increase": frozenset({"promote", "hold"}),
    "confirm-promotion": frozenset({"promote"}),
    "rollback": frozenset({"roll_back"}),
}
"""While nothing is proven the analysis goes on, but nothing is promoted."""


def hook_status(hook: Hook, verdict: Verdict) -> int:
    """Return the status code that tells Flagger what the verdict means for this hook."""
    return GO_ON if verdict in _GOES_ON[hook] else HALT
