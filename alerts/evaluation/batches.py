"""Samples of rules -> a Batch for the writer, stored as those of a remote write are (ADR 9).

Labels are kept as they are, a stale marker is a gap. All belong to one resource that is no
exporter and no service of the mesh. Pure.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import orjson
import pyarrow as pa

from alerts.evaluation.series import Sample
from collector import semconv
from collector.otlp.batch import POINTS, Batch, BatchBuilder, Resource, Series
from collector.promql.samples import Labels, is_stale

JOB: Final = "meshscope/rules"
_RESOURCE: Final = Resource(
    f"prometheus:{JOB}",
    "",
    "",
    "",
    orjson.dumps({"job": JOB, semconv.ORIGIN: semconv.REMOTE_WRITE}).decode(),
)
_NS_PER_MS: Final = 10**6


def batch_of(samples: Sequence[Sample]) -> Batch:
    """Return the samples as a batch; of none it is empty."""
    builder = BatchBuilder()
    resource = builder.resource(_RESOURCE)
    series = [builder.series(_stream(sample.labels, resource)) for sample in samples]
    values = np.array([sample.value for sample in samples], np.float64)
    times = np.array([sample.at_ms for sample in samples], np.int64) * _NS_PER_MS
    columns = {
        "series": pa.array(series, pa.int32()),
        "time_ns": pa.array(times),
        "start_ns": pa.array(np.zeros(len(samples), np.int64)),
        "value_int": pa.nulls(len(samples), pa.int64()),
        "value_double": pa.array(values, mask=is_stale(values), from_pandas=False),
    }
    points = pa.table(columns, schema=POINTS)
    return replace(builder.build(points.nbytes), points=points, signal="metrics")


def _stream(labels: Labels, resource: int) -> Series:
    own = dict(labels)
    name = own.pop("__name__")
    document = orjson.dumps(own, option=orjson.OPT_SORT_KEYS).decode()
    return Series(resource, semconv.REMOTE_WRITE, name, "", "gauge", 0, False, document)
