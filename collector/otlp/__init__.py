"""OTLP bytes -> columns, and columns -> edges. Values in, values out: no I/O, no clock.

    batch         what one export request holds, as columns; ids are local to the batch
    attributes    AnyValue -> JSON
    traces, metrics, logs   decode_*(bytes) -> Batch
    json_mapping  OTLP/JSON -> protobuf bytes; json_direct does what is usual, by json_scalars
    slis          series of our SLI metrics -> canonical edges; histograms -> our buckets
    dialects/     the same for Istio, Linkerd, any Envoy, and the two ends of a call in spans
    histograms, exponential, exponential_rows   distributions as values
    exemplars     examples of what a point counted
    unparsed      metrics requests whose metrics stay bytes, metrics whose attributes do
    known_metrics metrics seen before, by their bytes; starts: which times can be
    cardinality, overflow, arrivals   limits of series, what is beyond them, what comes oddly
    counters      cumulative values -> deltas, under resets, splits and restarts
    errors        MalformedPayload

Spec: https://opentelemetry.io/docs/specs/otlp/
"""
