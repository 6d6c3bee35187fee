"""Answers of PromQL -> DataFrames: tidy (a row a sample) or wide (a column a series).

https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from meshscope.times import from_seconds

_OWN: Final = frozenset(("time", "value", "histogram"))

Series = tuple[dict[str, str], list[list[Any]], list[list[Any]]]


def tidy(data: Mapping[str, Any]) -> pd.DataFrame:
    """Return columns of labels, ``time`` and ``value``; a label that a series lacks is ''.

    ``histogram`` comes on top where there are native histograms, whose value is NaN.
    """
    every = list(_series(data))
    names = sorted({name for labels, _, _ in every for name in labels})
    columns: dict[str, list[Any]] = {_column(name): [] for name in names}
    times: list[float] = []
    values: list[float] = []
    histograms: list[Any] = []
    for labels, numbers, natives in every:
        rows = sorted([(float(at), _float(one), None) for at, one in numbers]
                      + [(float(at), float("nan"), one) for at, one in natives],
                      key=lambda row: row[0])  # fmt: skip
        times += [row[0] for row in rows]
        values += [row[1] for row in rows]
        histograms += [row[2] for row in rows]
        for name in names:
            columns[_column(name)] += [labels.get(name, "")] * len(rows)
    made = pd.DataFrame({name: pd.Series(cells, dtype="str") for name, cells in columns.items()})
    made["time"] = from_seconds(times)
    made["value"] = pd.Series(values, dtype="float64")
    if any(one is not None for one in histograms):
        made["histogram"] = pd.Series(histograms, dtype="object")
    return made


def wide(data: Mapping[str, Any]) -> pd.DataFrame:
    """Return a column a series over an index of times; NaN where a series has no sample.

    A column is named by the one label that tells the series apart, else by all labels.
    """
    every = list(_series(data))
    names = _names([labels for labels, _, _ in every])
    columns = {
        name: pd.Series(
            [_float(value) for _, value in numbers],
            index=from_seconds(float(at) for at, _ in numbers),
            dtype="float64",
        )
        for name, (_, numbers, _) in zip(names, every, strict=True)
    }
    made = pd.DataFrame(columns, index=None if columns else from_seconds(()))
    made.index.name = "time"
    return made.sort_index()


def _series(data: Mapping[str, Any]) -> Iterator[Series]:
    result = data["result"]
    match data["resultType"]:
        case "scalar":
            yield {}, [result], []
        case "string":
            yield {"string": result[1]}, [[result[0], "NaN"]], []
        case "vector":
            for one in result:
                yield one["metric"], _one(one, "value"), _one(one, "histogram")
        case _:
            for one in result:
                yield one["metric"], one.get("values", []), one.get("histograms", [])


def _one(element: Mapping[str, Any], key: str) -> list[list[Any]]:
    return [element[key]] if key in element else []


def _names(every: Sequence[Mapping[str, str]]) -> list[str]:
    labels = sorted({name for one in every for name in one})
    apart = [name for name in labels if len({one.get(name, "") for one in every}) > 1]
    if len(apart) == 1:
        return [one.get(apart[0], "") for one in every]
    return [_text(one) for one in every]


def _text(labels: Mapping[str, str]) -> str:
    pairs = ", ".join(f'{k}="{v}"' for k, v in sorted(labels.items()) if k != "__name__")
    name = labels.get("__name__", "")
    return f"{name}{{{pairs}}}" if pairs or name else "value"


def _column(label: str) -> str:
    return f"label_{label}" if label in _OWN else label


def _float(text: Any) -> float:
    return float(text)
