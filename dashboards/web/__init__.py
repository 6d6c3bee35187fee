"""Show me, in a browser: the JSON API, the live stream, the pages and ``/metrics/mesh``.

    app          create_app(deps): the composition of everything below
    deps         what the app needs from outside: store, SLOs, clock
    timerange    ``from`` and ``to`` of a URL -> whole 10 s buckets
    topology     the graph of a time range, shared by every reader of one moment
    traces       a list of traces, and one trace in full; trace_parameters reads what is asked
    services     the graph turned into one row per service
    slos         statuses and burn-down of the declared SLOs
    mesh_metrics, exposition   counters of the mesh in Prometheus text
    self_metrics, collector_view   the server and its collector, in that text and as a page
    answers      JSON answers, errors, and the headers that every answer carries
    formatting   numbers as people read them, for the templates
    routers/     one file per group of URLs; they only translate between HTTP and the modules above
    templates/, static/   the pages; static/vendor comes from npm (``make vendor``)

Nothing here writes to the store, reads the environment or exits.
"""
