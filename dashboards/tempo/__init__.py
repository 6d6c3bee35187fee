"""A part of Tempo's API, for Grafana's Tempo data source: traces by id, TraceQL search, tags.

``router`` has the URLs, ``otlp`` words a trace as protobuf and JSON, ``results`` words what a
search found.
"""
