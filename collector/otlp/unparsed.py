"""Metrics requests whose metrics stay bytes, and metrics whose attributes do.

So that what was seen before is not parsed again. Made from the descriptors of opentelemetry-proto:
only the fields that hold Metric and KeyValue messages are declared ``repeated bytes``, which is the
same on the wire. Never parses an attribute.
"""

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

_KEY_VALUE: Final = ".opentelemetry.proto.common.v1.KeyValue"
_METRIC: Final = ".opentelemetry.proto.metrics.v1.Metric"


def _messages() -> tuple[Any, Any]:
    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2, metrics_pb2, metrics_service_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        if module is metrics_pb2:
            for message in file.message_type:
                _leave_attributes(message)
        pool.Add(file)
    names = metrics_service_pb2.ExportMetricsServiceRequest.DESCRIPTOR.full_name, _METRIC[1:]
    request, metric = map(pool.FindMessageTypeByName, names)
    return message_factory.GetMessageClass(request), message_factory.GetMessageClass(metric)


def _leave_attributes(message: Any) -> None:
    for field in message.field:
        if field.type_name in (_KEY_VALUE, _METRIC):
            field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
    for nested in message.nested_type:
        _leave_attributes(nested)


_MESSAGES: Final = _messages()
MetricsRequest: Final[Any] = _MESSAGES[0]
"""ExportMetricsServiceRequest with metrics, and attributes of scopes, as bytes."""
Metric: Final[Any] = _MESSAGES[1]
"""Metric with attributes, filtered_attributes and metadata as bytes."""
