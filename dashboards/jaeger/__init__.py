"""The Jaeger query API, for Grafana's Jaeger data source and for people's scripts.

``router`` has the URLs, ``parameters`` reads what they are asked, ``document`` words a trace.
"""
