"""Messages of an Alertmanager, made by hand."""

import orjson

from alerts.incidents.message import read_message

T0 = 1_800_000_000
SECOND = 10**9


def iso(at_s):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")


def alert(name="ErrorBudgetBurn", service="cart", *, at=0, until=None, severity="page", **labels):
    """Return an alert that began ``at`` seconds after T0, and ended ``until``."""
    own = {"alertname": name, "severity": severity, **labels}
    if service:
        own["service"] = service
    return {
        "status": "firing" if until is None else "resolved",
        "labels": own,
        "annotations": {"summary": f"{name} of {service}", "runbook_url": "/runbooks/x"},
        "startsAt": iso(T0 + at),
        "endsAt": "0001-01-01T00:00:00Z" if until is None else iso(T0 + until),
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"{name}-{service}-" + "-".join(labels.values()),
    }


def body(*alerts, group="{}:{}", **changes):
    """Return a message as Alertmanager writes it."""
    firing = any(one["status"] == "firing" for one in alerts)
    return orjson.dumps({
        "receiver": "meshscope", "status": "firing" if firing else "resolved",
        "alerts": alerts, "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093", "version": "4", "groupKey": group,
        "truncatedAlerts": 0,
    } | changes)  # fmt: skip


def message(*alerts, **changes):
    return read_message(body(*alerts, **changes))
