"""What is scraped at /metrics/mesh and what is queried are the same integers."""

import re

from tests.dashboards.web.seeded import NOW_S

LINE = re.compile(r"(?P<name>\w+)\{(?P<labels>.*)\} (?P<value>\S+)")
LABEL = re.compile(r'(\w+)="([^"]*)"')
STATEFUL = {"mesh_exporter_silent"}
"""Known from how often an exporter is heard, which only the running server knows."""


def test_every_sample_of_the_exposition_has_the_same_value_in_a_query(api):
    text = api.visitor.get("/metrics/mesh").text
    scraped = {}
    for line in text.splitlines():
        found = LINE.fullmatch(line)
        if found and found["name"] not in STATEFUL:
            labels = {key: value for key, value in LABEL.findall(found["labels"]) if value}
            key = (("__name__", found["name"]), *sorted(labels.items()))
            scraped[key] = float(found["value"])

    names = "|".join(sorted({key[0][1] for key in scraped}))
    answer = api.data("query", query=f'{{__name__=~"{names}"}}', time=NOW_S)["result"]

    queried = {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in answer}
    assert len(scraped) > 80
    assert queried == {tuple(sorted(key)): value for key, value in scraped.items()}


def test_an_increase_over_everything_counts_the_first_request_too(api):
    counted = 'mesh_requests_total{destination="cart"}[1h]'

    raw = api.data("query", query=counted, time=NOW_S)["result"]

    grown = [float(one["values"][-1][1]) - float(one["values"][0][1]) for one in raw]
    assert sum(grown) == 100


def test_the_ratio_of_an_objective_is_that_of_its_page(api):
    good, bad = (
        f'sum(meshscope_slo_events_total{{slo="cart-availability",result="{result}"}})'
        for result in ("good", "bad")
    )
    status = api.visitor.get("/api/slos/cart-availability").json()

    ratio = api.value(f"{good} / ({good} + {bad})")

    told = status.get("status", status)
    assert ratio == told["sli_ratio"] == 0.8


def test_objectives_have_a_past(api):
    found = api.data(
        "query_range",
        query='meshscope_slo_events_total{slo="cart-availability"}',
        start=NOW_S - 75,
        end=NOW_S,
        step=10,
    )["result"]

    values = {
        one["metric"]["result"]: [float(value) for _, value in one["values"]] for one in found
    }
    assert values["good"] == sorted(values["good"])
    assert (values["good"][0], values["good"][-1]) == (0, 80)
    assert (values["bad"][0], values["bad"][-1]) == (0, 20)
