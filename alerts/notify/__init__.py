"""Alerts on their way to Alertmanagers.

``payload`` notices to JSON; ``outbox`` what waits for one Alertmanager; ``sender`` a thread that
posts it; ``notifier`` all of them and their counts.
https://prometheus.io/docs/alerting/latest/clients/
"""
