"""What is asked of a canary: how sure, how much worse it may be, and from how many requests on."""

from dataclasses import dataclass
from typing import Final

MAX_WINDOW_S: Final = 7 * 86_400
"""The counts of 10 s are kept for a week, and the tests need them."""
LOOKBACK_S: Final = 86_400
"""How far back the first request of a canary is looked for, when no start is named."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds of a verdict; a value that makes no sense is a ValueError that names it.

    With ``confidence`` 0.95 a canary that is no worse is rolled back at most once in 20 trials, and
    one that is worse by a margin or more is promoted at most once in 20, however often is asked.
    Margins are ratios: errors may be ``max_error_increase`` of all requests more (0.001: one in a
    thousand), the ``quantile`` of latency ``max_latency_increase`` higher (0.1: a tenth).
    Promotion and judging latency wait for ``min_requests`` of the canary; errors do not wait.
    """

    confidence: float = 0.95
    max_error_increase: float = 0.001
    max_latency_increase: float = 0.1
    quantile: float = 0.99
    min_requests: int = 200
    ignore_latency: bool = False

    def __post_init__(self) -> None:
        bounds = {
            "confidence": (0.5 <= self.confidence < 1, "in [0.5, 1)"),
            "max_error_increase": (0 < self.max_error_increase < 1, "in (0, 1)"),
            "max_latency_increase": (0 < self.max_latency_increase <= 100, "in (0, 100]"),
            "quantile": (0 < self.quantile < 1, "in (0, 1)"),
            "min_requests": (1 <= self.min_requests <= 10**9, "in [1, 1e9]"),
        }
        for name, (is_right, wanted) in bounds.items():
            if not is_right:
                raise ValueError(f"{name} must be {wanted}, got {getattr(self, name)}")

    @property
    def alpha(self) -> float:
        """The chance of a wrong verdict of each kind."""
        return round(1 - self.confidence, 12)
