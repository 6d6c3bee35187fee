"""What happened: receive, keep and read the telemetry of a mesh.

    otlp/        bytes -> columns, without I/O: decoders, JSON mapping, counter deltas, edges
    redaction/   secrets out of a batch, before anything is stored
    lined_yaml   settings that are files: a mapping that knows its lines
    telemetry    the collector's numbers about itself
    store/       DuckDB: the only place with SQL and a connection
    evidence     counts by reporter and signal -> why an edge is believed
    sampling     which stored traces are kept, and why; pure
    traces/      a trace's tree, clock skew and critical path; searches and TraceQL
    topology     edge counts over a window -> a Graph of services
    receiver/    the shell: OTLP over gRPC and HTTP, admission, answers
    semconv      every attribute, metric and tag name, once

All I/O is in ``store`` and ``receiver``. Import the modules themselves; this page exports nothing.
"""
