"""The demo: a small shop behind real sidecars, its load, and the truth about both.

    operation    the nouns: service, operation, call, route, service time
    shop         the one table of services; the mesh's routes and callers come from it
    plan         what one request will do, drawn at random; what its answers mean
    outbound     one call through the sidecar: trace context carried on, outcome recorded
    workload     the process of one workload
    journeys     who asks for what, and when: the load as a value
    load         the load generator
    ledger       what callers saw come back, counted; merged, compared, kept as JSON
    tally        the ledger while it is being written
    signals      SIGTERM and SIGINT as an event

``outbound``, ``workload``, ``load``, ``tally`` and ``signals`` touch the world; the rest is values.
"""
