"""Every question of a notebook against a fed server: the numbers of the API, in typed columns."""

import math
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

import meshscope
from meshscope import figures
from meshscope.times import from_seconds
from tests.collector.exports import ENVOY_TIME_NS
from tests.dashboards.web.seeded import deps
from tests.dashboards.web.serving import serve
from tests.meshscope.shop import BAD_MINUTES, CART, FAILED, PAYMENT

NOW = datetime.fromtimestamp(ENVOY_TIME_NS // 10**9, UTC)


def test_topology_is_that_of_the_api(m, server):
    edges = m.topology("1h", service="frontend")

    asked = server.json("/api/topology?from=now-1h")
    counted = [one for one in asked["edges"] if one["source"] == "frontend"]
    for name in ("source", "destination", "requests", "errors", "rps", "error_ratio", "p99_ms"):
        assert edges[name].tolist() == [one[name] for one in counted], name
    assert edges["requests"].dtype == "int64"
    assert edges["requests"].tolist() == [CART, PAYMENT]
    assert edges.attrs["start"] == pd.Timestamp(asked["from_s"], unit="s", tz="UTC")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOW - timedelta(hours=1), NOW),
        ("1h", pd.Timestamp(NOW)),
        (pd.Timestamp(NOW).tz_localize(None) - pd.Timedelta("1h"), None),
        ((NOW - timedelta(hours=1)).isoformat(), "now"),
        ("60m", None),
    ],
)
def test_a_range_is_written_in_many_ways(m, start, end):
    assert m.topology(start, end, service="cart")["requests"].tolist() == [CART]


def test_an_empty_answer_has_the_same_types(m):
    old = NOW - timedelta(days=9)
    for full, empty in (
        (m.topology("1h"), m.topology("1h", old)),
        (m.traces("1h"), m.traces("1h", old)),
        (m.burn_rate(), m.burn_rate().head(0)),
    ):
        assert len(full)
        assert not len(empty)
        assert empty.dtypes.to_dict() == full.dtypes.to_dict()


def test_services_are_those_of_the_api(m, server):
    services = m.services("1h").set_index("service")

    asked = {one["service"]: one for one in server.json("/api/services?from=now-1h")}
    for name in ("cart", "payment", "frontend"):
        for column in ("requests", "errors", "rps", "callers"):
            assert services[column][name] == asked[name][column]
    assert math.isnan(services["error_ratio"]["frontend"]), "nothing arrived there"
    assert services["last_seen"].dtype == "datetime64[us, UTC]"
    heard = services["last_seen"]["frontend"]
    assert heard == pd.Timestamp(asked["frontend"]["last_seen_s"], unit="s", tz="UTC")


def test_objectives_are_those_of_the_api(m, server):
    status, burn = m.slo_status(), m.burn_rate()

    asked = server.json("/api/slos")
    assert status["slo"].tolist() == [one["name"] for one in asked]
    for name in ("good", "total", "bad", "sli_ratio", "budget_remaining_ratio", "state"):
        assert status[name].tolist() == [one[name] for one in asked], name
    tiers = [tier for one in asked for tier in one["burn_rates"]]
    assert burn["long_burn"].tolist() == [tier["long_burn"] for tier in tiers]
    assert burn["firing"].tolist() == [tier["firing"] for tier in tiers]
    assert m.slo_status(service="cart")["slo"].tolist() == ["cart-availability"]
    before = m.slo_status(NOW - timedelta(days=1))
    assert before["state"].tolist() == ["no_data"] * 3
    assert before["sli_ratio"].isna().all()


def test_an_objective_is_told_step_by_step(m, server):
    steps = m.sli("payment-availability")

    asked = server.json("/api/slos/payment-availability")["series"]
    assert steps.index.equals(pd.DatetimeIndex(from_seconds(asked["bucket_s"]), name="time"))
    assert steps["total"].tolist() == asked["total"]
    assert steps["budget_remaining_ratio"].tolist() == asked["budget_remaining"]
    assert (steps["total"].sum(), steps["bad"].sum()) == (PAYMENT, FAILED)
    assert steps["sli_ratio"].isna().tolist() == [total == 0 for total in asked["total"]]


def test_traces_are_found_and_opened(m, server, trace_id):
    found = m.traces("1h", service="bank", error=True, min_duration="1ms", kind="server")

    assert found["trace_id"].tolist() == [trace_id]
    (line,) = server.json("/api/traces?from=now-1h")["traces"]
    assert found["duration_ns"].tolist() == [line["duration_ns"]]
    assert found["time"][0] == pd.Timestamp(line["start_us"], unit="us", tz="UTC")
    tagged = m.traces("1h", tags={"express": True, "peer.service": "bank"})
    assert tagged["trace_id"].tolist() == [trace_id]
    assert m.traces("1h", traceql="{ status = error }")["trace_id"].tolist() == [trace_id]
    spans = m.trace(trace_id)
    assert spans["service"].tolist() == ["shop", "shop", "bank"]
    assert spans["http_status"].tolist() == [pd.NA, pd.NA, 500]
    assert spans["attributes"][1]["amount"] == 12.5


def test_promql_is_tidy_or_wide(m):
    query = 'sum by (destination) (mesh_requests_total{source="frontend"})'

    tidy = m.promql(query, "1h", step="5m")
    wide = m.promql(query, "1h", step="5m", wide=True)
    now = m.promql(query, at="now")

    assert tidy.columns.tolist() == ["destination", "time", "value"]
    assert tidy["time"].dtype == "datetime64[us, UTC]"
    assert now.set_index("destination")["value"].to_dict() == {"cart": CART, "payment": PAYMENT}
    assert wide.columns.tolist() == ["cart", "payment"]
    assert wide["payment"].iloc[-1] == PAYMENT
    assert sorted(wide.melt()["value"].dropna()) == sorted(tidy["value"])
    assert m.promql("1 + 1", at=NOW)["value"].tolist() == [2.0]
    assert m.promql("nothing_here").empty
    assert len(set(m.promql("mesh_requests_total[5m]", at="now")["time"])) > 1


def test_sql_keeps_whole_numbers_whole(m):
    edges = m.sql(
        "SELECT destination, sum(requests) AS requests, sum(errors) AS errors FROM edges_1m"
        " WHERE source = 'frontend' GROUP BY destination ORDER BY 1"
    )
    odd = m.sql("SELECT NULL::INT AS i, true AS b, 'x' AS t, 9007199254740993 AS big, now() AS at")

    assert edges["requests"].tolist() == [CART, PAYMENT]
    assert edges["errors"].tolist() == [0, FAILED]
    assert edges["requests"].dtype == "int64"
    assert edges.attrs["read"][0]["view"] == "edges_1m"
    assert odd["big"][0] == 9007199254740993
    assert odd["i"].dtype == "Int64"
    assert odd["at"].dtype == "datetime64[us, UTC]"
    minutes = m.sql("SELECT count(DISTINCT time) AS n FROM edges_1m WHERE errors > 0", "1h")
    assert minutes["n"][0] == len(BAD_MINUTES)


def test_sql_warns_of_what_was_left_out(m):
    with pytest.warns(meshscope.TruncatedAnswer, match="first 3 rows"):
        assert len(m.sql("FROM range(10)", limit=3)) == 3


@pytest.mark.parametrize(
    ("ask", "kind", "told"),
    [
        (lambda m: m.topology(service="paymnt"), meshscope.UnknownName, "Did you mean payment?"),
        (lambda m: m.traces(service="bnak"), meshscope.UnknownName, "Did you mean bank?"),
        (lambda m: m.sli("payment-availabilty"), meshscope.UnknownName, "payment-availability"),
        (lambda m: m.burn_rate("zzz"), meshscope.UnknownName, "There are: cart-availability"),
        (lambda m: m.trace("abcdef"), meshscope.UnknownName, "no trace abcdef"),
        (lambda m: m.topology("soon"), meshscope.BadTime, "expected '1h'"),
        (lambda m: m.topology(NOW, NOW - timedelta(hours=1)), meshscope.BadTime, "earlier"),
        (lambda m: m.promql("up", NOW, NOW), meshscope.BadTime, "earlier"),
        (lambda m: m.promql("sum(rate("), meshscope.BadQuery, "line 1, column 10"),
        (lambda m: m.sql("SELECT 1,\nnope"), meshscope.BadQuery, "line 2, column 1"),
        (lambda m: m.sql("DROP TABLE spans"), meshscope.BadQuery, "DROP is not allowed"),
        (lambda m: m.traces(traceql="{ nope"), meshscope.BadQuery, "TraceQL"),
    ],
)
def test_mistakes_are_told_with_what_would_do(m, ask, kind, told):
    with pytest.raises(kind) as caught:
        ask(m)
    assert told in str(caught.value)


def test_a_server_that_is_not_there_is_told_with_what_to_run():
    with pytest.raises(meshscope.ServerUnreachable, match="meshscope demo"):
        meshscope.connect("http://127.0.0.1:1")


def test_a_server_of_another_version_is_refused(server):
    from dashboards.web.app import create_app

    with serve(create_app(deps(server.store))) as url:
        with pytest.raises(meshscope.VersionMismatch, match=r"install meshscope 1\.2\.3 here"):
            meshscope.connect(url)
        with pytest.raises(meshscope.ServerUnreachable, match="no meshscope"):
            meshscope.connect(f"{url}/healthz?")


@pytest.mark.parametrize(
    ("draw", "ask"),
    [
        (figures.topology, lambda m: m.topology("1h")),
        (figures.services, lambda m: m.services("1h")),
        (figures.slo_status, lambda m: m.slo_status()),
        (figures.burn_rate, lambda m: m.burn_rate()),
        (figures.sli, lambda m: m.sli("payment-latency")),
        (figures.traces, lambda m: m.traces("1h")),
        (figures.trace, lambda m: m.trace(m.traces("1h")["trace_id"][0])),
        (figures.promql, lambda m: m.promql("mesh_requests_total")),
        (figures.promql, lambda m: m.promql("mesh_requests_total", wide=True)),
        (figures.sql, lambda m: m.sql("SELECT time, requests, errors FROM edges_1m ORDER BY 1")),
        (figures.sql, lambda m: m.sql("SELECT source, requests FROM edges_1m")),
    ],
)
def test_every_frame_has_a_figure_also_when_it_is_empty(m, draw, ask):
    frame = ask(m)

    figure, empty = draw(frame), draw(frame.head(0))

    assert figure.data
    assert not figure.layout.annotations
    assert empty.layout.annotations[0].text == "no data in this range"
    assert empty.to_json()


def test_a_figure_shows_the_numbers_of_its_frame(m):
    (flows,) = figures.topology(m.topology("1h", service="frontend")).data
    assert flows.link.value == (CART, PAYMENT)
    answered, failed = figures.services(m.services("1h").query("service == 'payment'")).data
    assert (answered.x, failed.x) == ((PAYMENT - FAILED,), (FAILED,))
    bad, _ = figures.sli(m.sli("payment-availability")).data
    assert sum(bad.y) == FAILED


def test_a_canary_is_that_of_the_api(m, server):
    found = m.canary("payment", "v2", "v1", "1h", max_error_increase=0.01)

    asked = server.json(
        "/api/canary?service=payment&canary=v2&baseline=v1&from=now-1h&max_error_increase=0.01"
    )
    assert found["role"].tolist() == ["canary", "baseline"]
    assert found["requests"].tolist() == [0, PAYMENT]
    assert found["errors"].tolist() == [0, FAILED]
    assert math.isnan(found["error_ratio"][0]), "v2 was not asked"
    assert (found.attrs["verdict"], found.attrs["reasons"]) == ("hold", asked["reasons"])
    assert found.attrs["errors"]["margin_ratio"] == 0.01
    with pytest.raises(meshscope.BadQuery, match="quantile must be in"):
        m.canary("payment", "v2", "v1", quantile=2)
