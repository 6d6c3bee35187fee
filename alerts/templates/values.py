"""What flows through a template: Go's values as Python's, and what they are called and worth.

Never prints: ``printing`` does. A map of labels is a dict, a query's answer a list of Found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class TemplateError(ValueError):
    """A template cannot be read, or not with these data."""


class BadTemplate(TemplateError):
    """The text is no template."""


class FailedTemplate(TemplateError):
    """The template is right, but not for these data."""


@dataclass(frozen=True, slots=True)
class Found:
    """One element of a query's answer, as ``range`` and ``first`` give it."""

    Labels: Mapping[str, str]
    Value: float


@dataclass(frozen=True, slots=True)
class AlertData:
    """The dot of an alert's template; fields have the names that templates use."""

    Labels: Mapping[str, str]
    ExternalLabels: Mapping[str, str]
    ExternalURL: str
    Value: float


def is_true(value: Any) -> bool:
    """Tell whether ``if`` takes a value: not zero, not empty; a struct always."""
    match value:
        case None:
            return False
        case bool() | int() | float() | str() | Mapping() | Sequence():
            return bool(value)
        case _:
            return True


def type_name(value: Any) -> str:
    """Return the Go type of a value, for errors."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float64"
        case str():
            return "string"
        case Found():
            return "template.sample"
        case AlertData():
            return "struct"
        case Mapping():
            return "map[string]string"
        case Sequence():
            return "template.queryResult"
        case datetime():
            return "time.Time"
        case _:
            return "<nil>"
