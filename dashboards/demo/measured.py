"""What meshscope counted, read from where any Prometheus would read it: ``/metrics/mesh``.

The comparison with the ledger is ``proxy.shop.ledger.difference``.
"""

import re
from collections import Counter

import httpx

from slo.client import shown

_SAMPLE = re.compile(r"^mesh_requests_total\{(?P<labels>.*)\} (?P<value>\S+)$")
_LABEL = re.compile(r'(?P<name>\w+)="(?P<value>(?:[^"\\]|\\.)*)"')

Counts = dict[tuple[str, str, str, int], int]


def parse_requests(exposition: str) -> Counts:
    """Return requests by (source, destination, route, status), summed over the other labels."""
    counts: Counter[tuple[str, str, str, int]] = Counter()
    for line in exposition.splitlines():
        sample = _SAMPLE.match(line)
        if sample is None:
            continue
        labels = {found["name"]: found["value"] for found in _LABEL.finditer(sample["labels"])}
        key = (labels["source"], labels["destination"], labels["route"], int(labels["code"]))
        counts[key] += int(float(sample["value"]))
    return {key: count for key, count in counts.items() if count}


def fetch_requests(web_url: str, token: str = "") -> Counts:
    """Return what the server at ``web_url`` has counted so far; httpx.HTTPError when it is away."""
    answer = httpx.get(f"{web_url}/metrics/mesh", headers=shown(token), timeout=10)
    answer.raise_for_status()
    return parse_requests(answer.text)
