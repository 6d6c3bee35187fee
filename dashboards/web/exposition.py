"""Prometheus text format 0.0.4: families of samples in, text out.

Never knows what it exposes. https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: the suffix after the family's name, label values in the family's order, a value."""

    labels: tuple[str, ...]
    value: float
    suffix: str = ""
    le: str | None = None
    """The bound of a histogram bucket; written as the last label."""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its type, its help and its label names."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    label_names: tuple[str, ...]
    samples: Sequence[Sample]


def expose(families: Iterable[Family]) -> str:
    """Return the text of all families, each with its HELP and TYPE, in the order given."""
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {family.help.translate(_HELP_ESCAPES)}"
    yield f"# TYPE {family.name} {family.type}"
    written: dict[tuple[str, ...], str] = {}  # all buckets of a histogram have the same labels
    for sample in family.samples:
        if sample.labels not in written:
            written[sample.labels] = _pairs(family.label_names, sample.labels)
        labels = written[sample.labels]
        if sample.le is not None:
            labels = ",".join(filter(None, (labels, f'le="{sample.le}"')))
        yield f"{family.name}{sample.suffix}{{{labels}}} {_number(sample.value)}"


def _pairs(names: Sequence[str], values: Sequence[str]) -> str:
    pairs = zip(names, values, strict=True)
    return ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in pairs)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
