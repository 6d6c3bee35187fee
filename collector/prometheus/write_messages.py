"""The messages of Prometheus remote write, both versions, made from their field numbers.

Only what is read is declared; a field that is not stays unread, as protobuf wants it. Labels of 1.0
are declared ``repeated bytes``, which is the same on the wire: labels that were seen before are not
parsed again. Never decodes a request.
Spec: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#protobuf-message
"""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field: Final = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final[Mapping[str, int]] = {
    "bytes": _Field.TYPE_BYTES,
    "string": _Field.TYPE_STRING,
    "double": _Field.TYPE_DOUBLE,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "sint32": _Field.TYPE_SINT32,
    "sint64": _Field.TYPE_SINT64,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}
_HISTOGRAM: Final[Mapping[int, tuple[str, str]]] = {
    1: ("count_int", "uint64 count"),
    2: ("count_float", "double count"),
    3: ("sum", "double"),
    4: ("schema", "sint32"),
    5: ("zero_threshold", "double"),
    6: ("zero_count_int", "uint64 zero_count"),
    7: ("zero_count_float", "double zero_count"),
    8: ("negative_spans", "BucketSpan*"),
    9: ("negative_deltas", "sint64*"),
    10: ("negative_counts", "double*"),
    11: ("positive_spans", "BucketSpan*"),
    12: ("positive_deltas", "sint64*"),
    13: ("positive_counts", "double*"),
    14: ("reset_hint", "int32"),
    15: ("timestamp", "int64"),
    16: ("custom_values", "double*"),
    17: ("start_timestamp", "int64"),
}
_SHARED: Final[Mapping[str, Mapping[int, tuple[str, str]]]] = {
    "BucketSpan": {1: ("offset", "sint32"), 2: ("length", "uint32")},
    "Histogram": _HISTOGRAM,
}
_FIRST: Final[Mapping[str, Mapping[int, tuple[str, str]]]] = {
    **_SHARED,
    "Label": {1: ("name", "string"), 2: ("value", "string")},
    "Sample": {1: ("value", "double"), 2: ("timestamp", "int64")},
    "Exemplar": {1: ("labels", "bytes*"), 2: ("value", "double"), 3: ("timestamp", "int64")},
    "TimeSeries": {
        1: ("labels", "bytes*"),
        2: ("samples", "Sample*"),
        3: ("exemplars", "Exemplar*"),
        4: ("histograms", "Histogram*"),
    },
    "MetricMetadata": {
        1: ("type", "int32"),
        2: ("metric_family_name", "string"),
        4: ("help", "string"),
        5: ("unit", "string"),
    },
    "WriteRequest": {1: ("timeseries", "TimeSeries*"), 3: ("metadata", "MetricMetadata*")},
}
_SECOND: Final[Mapping[str, Mapping[int, tuple[str, str]]]] = {
    **_SHARED,
    "Sample": {1: ("value", "double"), 2: ("timestamp", "int64"), 3: ("start_timestamp", "int64")},
    "Exemplar": {1: ("labels_refs", "uint32*"), 2: ("value", "double"), 3: ("timestamp", "int64")},
    "Metadata": {1: ("type", "int32"), 3: ("help_ref", "uint32"), 4: ("unit_ref", "uint32")},
    "TimeSeries": {
        1: ("labels_refs", "uint32*"),
        2: ("samples", "Sample*"),
        3: ("histograms", "Histogram*"),
        4: ("exemplars", "Exemplar*"),
        5: ("metadata", "Metadata"),
        6: ("created_timestamp", "int64"),
    },
    "Request": {4: ("symbols", "string*"), 5: ("timeseries", "TimeSeries*")},
}
"""Message -> number -> (name, type): ``*`` for repeated, a second word for its oneof."""


def _messages(package: str, messages: Mapping[str, Mapping[int, tuple[str, str]]]) -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto3"
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in fields.items():
            _add_field(message, package, number, field, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return lambda name: message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{package}.{name}")
    )


def _add_field(message: Any, package: str, number: int, name: str, kind: str) -> None:
    kind, _, oneof = kind.partition(" ")
    is_repeated, kind = kind.endswith("*"), kind.removesuffix("*")
    field = message.field.add(name=name, number=number)
    field.label = _Field.LABEL_REPEATED if is_repeated else _Field.LABEL_OPTIONAL
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{package}.{kind}"
    if oneof:
        names = [one.name for one in message.oneof_decl]
        if oneof not in names:
            message.oneof_decl.add(name=oneof)
            names.append(oneof)
        field.oneof_index = names.index(oneof)


_OF_FIRST: Final = _messages("meshscope.prometheus.v1", _FIRST)
_OF_SECOND: Final = _messages("meshscope.prometheus.v2", _SECOND)
WriteRequest: Final[Any] = _OF_FIRST("WriteRequest")
"""prometheus.WriteRequest; labels of series and of exemplars are bytes of ``Label``."""
Label: Final[Any] = _OF_FIRST("Label")
Request: Final[Any] = _OF_SECOND("Request")
"""io.prometheus.write.v2.Request."""
