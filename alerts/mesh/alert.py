"""An alert that holds without any objective, and the series that prove it.

Its runbook is named after it: MeshTlsFailures has ``tls-failures``. Values only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from alerts import names
from alerts.rules import AlertingRule

STEP_S: Final = 30
"""Time between the values of a proof."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Values every 30 s, in promtool's notation, by series; the alert fires and ends over them.

    labels: of the alert, beyond those of its rule. value: of its expression when it fires.
    """

    series: Mapping[str, str]
    fires: str
    ends: str
    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MeshAlert:
    """One alert; ``page`` is the path of the dashboard that shows it.

    labels: the same for all of its elements, which others of this name have otherwise. service: a
    template that says which service an element is about, for routes and inhibitions.
    """

    name: str
    severity: Literal["page", "ticket"]
    expr: str
    summary: str
    description: str
    page: str
    proof: Proof
    for_: str = ""
    team: str = "platform"
    labels: Mapping[str, str] = field(default_factory=dict)
    service: str = ""

    @property
    def runbook(self) -> str:
        """The name of its runbook."""
        return runbook_of(self.name)

    def rule(self, base_url: str) -> AlertingRule:
        """Return the rule, with links to the dashboard at ``base_url``."""
        about = {names.SERVICE: self.service} if self.service else {}
        return AlertingRule(
            self.name,
            self.expr,
            {**self.labels, **about, names.SEVERITY: self.severity, names.TEAM: self.team},
            {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{base_url}/runbooks/{self.runbook}",
                "dashboard_url": f"{base_url}{self.page}",
            },
            self.for_,
        )


def runbook_of(alert: str) -> str:
    """Return the name of an alert's runbook: words in lower case, without the word Mesh."""
    words = re.findall(r"[A-Z][a-z]*", alert.removeprefix("Mesh"))
    return "-".join(words).lower()


def counted(selector: str, window: str, *, beside: str, on: str = "") -> str:
    """Return what counters counted in a window, the first value of a new one included.

    ``increase`` sees only what comes after the first value, and a counter with the code of a new
    failure is born with the failures of a whole scrape. Its value counts whole, unless ``beside``,
    a series that is always there, was not there before either: then everything is new.
    """
    born = f"({selector} unless {selector} offset {window})"
    return f"{born} and on ({on}) {beside} offset {window} or increase({selector}[{window}])"
