"""URLs: ``api_collector``, ``api_topology``, ``api_services``, ``api_slos``, ``metrics``,
``health``, ``pages``, ``runbooks``.

``parameters`` holds what they share: the app's dependencies and the time range of a request.
"""
