"""The text of a label or annotation with an alert's data filled in; a mistake becomes text.

Never evaluates an expression itself: ``query`` is given. A template is read once and remembered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from alerts.templates.builtins import BUILTINS
from alerts.templates.execution import Execution
from alerts.templates.functions import FUNCTIONS, functions_of
from alerts.templates.nodes import Nodes
from alerts.templates.parser import parse_template
from alerts.templates.values import AlertData, BadTemplate, FailedTemplate, Found

Query = Callable[[str], Sequence[Found]]
"""Evaluates an expression at the time of the alert; raises FailedTemplate."""
_PRELUDE: Final = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
_KNOWN: Final = frozenset({*BUILTINS, *FUNCTIONS, "query", "externalURL", "pathPrefix", "now"})


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when alerts are expanded."""

    query: Query
    at_ms: int
    external_url: str = ""
    external_labels: Mapping[str, str] | None = None


def expand(text: str, name: str, labels: Mapping[str, str], value: float, setting: Setting) -> str:
    """Return the text for one alert of a rule; ``<error expanding template: ...>`` if it fails."""
    if "{{" not in text:
        return text
    try:
        return _expanded(text, labels, value, setting)
    except BadTemplate as error:
        told = f"error parsing template __alert_{name}: template: __alert_{name}:{error}"
    except FailedTemplate as error:
        told = f"error executing template __alert_{name}: template: __alert_{name}: {error}"
    except RecursionError:
        told = f"error executing template __alert_{name}: nested too deeply"
    return f"<error expanding template: {told}>"


def check(text: str) -> None:
    """Raise BadTemplate if the text is no template."""
    if "{{" in text:
        _parsed(text)


def _expanded(text: str, labels: Mapping[str, str], value: float, setting: Setting) -> str:
    data = AlertData(labels, setting.external_labels or {}, setting.external_url, value)
    functions = {
        **BUILTINS,
        **FUNCTIONS,
        **functions_of(setting.external_url, setting.at_ms / 1000),
        "query": setting.query,
    }
    execution = Execution(functions, [("$", data)])
    execution.run(_parsed(text), data)
    return "".join(execution.out)


@lru_cache(maxsize=16_384)
def _parsed(text: str) -> Nodes:
    return parse_template(_PRELUDE + text, _KNOWN)
