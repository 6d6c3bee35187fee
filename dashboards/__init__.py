"""Show me: everything a person or a tool looks at, and the place where the product is put together.

    web/         the dashboard and its JSON API, the Prometheus exposition of the mesh
    grafana/     Grafana dashboards as code
    jaeger/, tempo/   the query APIs that Grafana's trace data sources call
    demo/        `meshscope demo`: a real mesh on this machine, its load, its faults, its ledger
    settings     every setting, from flags and MESHSCOPE_* variables
    selfwatch, store_metrics   what the server tells of itself
    server       the composition root: settings -> store -> receivers -> web app
    cli          `meshscope`

The outermost package: it may import all others, and none imports it.
"""
