"""Grafana dashboards as code: three boards, one table of metric names, JSON that is committed.

metrics.py  the names and labels a query may use
queries.py  PromQL of the numbers that several panels share
panel.py    a panel as a value, and the Grafana JSON it becomes
board.py    rows of panels and template variables; ``render`` is the whole dashboard
boards/     executive, oncall, debug: what is shown, and what waits for a metric
catalog.py  every board and the file it is written to
cli.py      ``generate [--check]``
"""
