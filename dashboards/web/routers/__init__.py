"""URLs: ``api_collector``, ``api_topology``, ``api_services``, ``api_slos``, ``api_traces``,
``metrics``, ``health``, ``pages``, ``runbooks``; beside them those of ``dashboards.jaeger`` and
``dashboards.tempo``.

``parameters`` holds what they share: the app's dependencies and the time range of a request.
"""
