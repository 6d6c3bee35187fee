"""What a query tells beside its answer: warnings and infos in Prometheus's words.

Never decides; whoever computes does. Each text comes once, in the order of its first mention.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Annotations:
    """Filled while a query is evaluated."""

    _warnings: dict[str, None] = field(default_factory=dict)
    _infos: dict[str, None] = field(default_factory=dict)

    def warn(self, text: str, *, metric: str = "") -> None:
        """Tell that the answer may be wrong; the metric's name is added if there is one."""
        self._warnings[f"PromQL warning: {text}{_named(metric)}"] = None

    def inform(self, text: str, *, metric: str = "", detail: str = "") -> None:
        """Tell that the query may not mean what it says; ``detail`` comes last."""
        self._infos[f"PromQL info: {text}{_named(metric)}{detail}"] = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings so far."""
        return tuple(self._warnings)

    @property
    def infos(self) -> tuple[str, ...]:
        """All infos so far."""
        return tuple(self._infos)


def _named(metric: str) -> str:
    return f" for metric name {quoted(metric)}" if metric else ""


def quoted(text: str) -> str:
    """Quote a text as Go does for plain texts."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
