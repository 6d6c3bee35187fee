"""Alerts on the mesh itself, which hold without any objective.

Map: ``alert`` the noun, and the series that prove it; ``services``, ``traffic``, ``telemetry``,
``proxies`` and ``controlplane`` the alerts by what they look at; ``groups`` all of them as rules.
"""
