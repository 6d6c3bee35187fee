"""Notices of alerts -> the body of POST /api/v2/alerts.

Pure. A notice always tells all: what is left out of a later one, Alertmanager takes to be empty.
https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from alerts.evaluation.sending import Notice

DASHBOARD: Final = "dashboard_url"
"""The annotation with the page of an alert."""


def payload(
    notices: Iterable[Notice], *, external_url: str, external_labels: Mapping[str, str]
) -> bytes:
    """Return the body; an external label never replaces one of the alert."""
    return orjson.dumps([_alert(one, external_url, external_labels) for one in notices])


def _alert(notice: Notice, external_url: str, external_labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "labels": {**external_labels, **dict(notice.labels)},
        "annotations": dict(notice.annotations),
        "startsAt": rfc3339(notice.starts_ms),
        "endsAt": rfc3339(notice.ends_ms),
        "generatorURL": generator_url(notice, external_url),
    }


def generator_url(notice: Notice, external_url: str) -> str:
    """Return where to look: the page that the alert names, else the answer to its expression."""
    page = dict(notice.annotations).get(DASHBOARD)
    return page or f"{external_url}/api/v1/query?{urlencode({'query': notice.expr})}"


def rfc3339(at_ms: int) -> str:
    """Return a time in UTC with milliseconds."""
    seconds, part = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{part:03d}Z"
