"""The published tables of alert windows, read from the data files in ``slo/windows/``.

Never computes a factor: ``slo.burnrate`` does, from the part of the budget that the table gives.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Final

from ruamel.yaml import YAML

from slo.burnrate import Tier, unfireable
from slo.durations import parse_duration
from slo.model import Slo

DEFAULT: Final = "google_30d"
"""The table of an objective that names none."""


@cache
def google_30d() -> tuple[Tier, ...]:
    """Return the four tiers of the Site Reliability Workbook."""
    return load_tiers(DEFAULT)


def tiers_of(slo: Slo, default: tuple[Tier, ...] | None = None) -> tuple[Tier, ...]:
    """Return the alerts of an objective: its own, or the default, or those of the workbook."""
    if slo.tiers is not None:
        return slo.tiers
    return google_30d() if default is None else default


def profiles() -> tuple[str, ...]:
    """Return the names of the tables, sorted."""
    files = (resources.files("slo") / "windows").iterdir()
    names = (file.name for file in files)
    return tuple(sorted(n.removesuffix(".yaml") for n in names if n.endswith(".yaml")))


def load_tiers(name: str) -> tuple[Tier, ...]:
    """Read one table by the stem of its file; a missing file is a FileNotFoundError."""
    text = (resources.files("slo") / "windows" / f"{name}.yaml").read_text(encoding="utf-8")
    table = YAML(typ="safe", pure=True).load(text)
    return tuple(_tier(row) for row in table["tiers"])


def never_firing(
    slos: Iterable[Slo], tiers: tuple[Tier, ...] | None = None
) -> list[tuple[str, str]]:
    """Name the objectives with tiers that not even a full outage fires, and those tiers."""
    named = (
        (slo.name, ", ".join(unfireable(told, slo.objective.target, slo.window.seconds)))
        for slo in slos
        for told in (tiers_of(slo, tiers),)
    )
    return [(name, unable) for name, unable in named if unable]


def _tier(row: dict[str, Any]) -> Tier:
    return Tier(
        severity=row["severity"],
        long_s=parse_duration(row["long"]),
        short_s=parse_duration(row["short"]),
        budget_ratio=Decimal(str(row["budget_percent"])) / 100,
    )
