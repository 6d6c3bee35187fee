"""What happened: receive, keep and read the telemetry of a mesh.

    otlp/        bytes -> columns, without I/O: decoders, JSON mapping, counter deltas, edges
    store/       DuckDB: the only place with SQL and a connection
    topology     edge counts over a window -> a Graph of services
    receiver/    the shell: OTLP over gRPC and HTTP, admission, answers
    semconv      every attribute, metric and tag name, once

All I/O is in ``store`` and ``receiver``. Import the modules themselves; this page exports nothing.
"""
