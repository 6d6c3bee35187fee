"""The HTTP API of Prometheus over the store: what Grafana and other clients of it call.

Map: ``parameters`` what was asked; ``backend`` the store, the objectives and the limits;
``execution`` a query that can be stopped; ``replies`` answers and errors in Prometheus's shape;
``numbers`` and ``rendering`` samples as JSON, quickly; ``queries``, ``listings``, ``status`` and
``rules`` the routes; ``objectives`` the counters of SLOs; ``syntax`` expressions as JSON.
https://prometheus.io/docs/prometheus/latest/querying/api/
"""
