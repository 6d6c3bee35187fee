"""Metrics requests whose attributes stay bytes, so that attributes seen before are not parsed.

Made from the descriptors of opentelemetry-proto: only the fields that hold KeyValue messages are
declared ``repeated bytes``, which is the same on the wire. Never parses an attribute.
"""

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

_KEY_VALUE: Final = ".opentelemetry.proto.common.v1.KeyValue"


def _metrics_request() -> Any:
    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2, metrics_pb2, metrics_service_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        if module is metrics_pb2:
            for message in file.message_type:
                _leave_attributes(message)
        pool.Add(file)
    name = metrics_service_pb2.ExportMetricsServiceRequest.DESCRIPTOR.full_name
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def _leave_attributes(message: Any) -> None:
    for field in message.field:
        if field.type_name == _KEY_VALUE:
            field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
    for nested in message.nested_type:
        _leave_attributes(nested)


MetricsRequest: Final[Any] = _metrics_request()
"""ExportMetricsServiceRequest with attributes, filtered_attributes and metadata as bytes."""
