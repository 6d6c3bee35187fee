"""prometheus-api-client drives the API on a real socket, as notebooks and scripts do."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect

from tests.dashboards.web.seeded import NOW_S
from tests.dashboards.web.serving import serve

NOW = datetime.fromtimestamp(NOW_S, UTC)


@pytest.fixture(params=["GET", "POST"])
def client(app, request):
    with serve(app) as url:
        yield PrometheusConnect(url=url, method=request.param)


def test_it_connects(client):
    assert client.check_prometheus_connection()


def test_it_lists_metrics_labels_and_values(client):
    assert "app_orders_total" in client.all_metrics()
    assert "shop_name" in client.get_label_names()
    assert client.get_label_values("shop_name") == ["north"]
    assert client.get_metric_metadata(metric="app_orders_total")


def test_it_asks_for_the_current_value_by_labels(client):
    (one,) = client.get_current_metric_value("app_orders_total", {"shop_name": "north"})

    assert one["value"] == [NOW_S, "60"]


def test_it_asks_queries(client):
    (one,) = client.custom_query("sum(mesh_requests_total)")
    (over,) = client.custom_query_range(
        "sum(app_orders_total)", NOW - timedelta(seconds=45), NOW, "15"
    )

    assert one["value"][1] == "200"
    assert [value for _, value in over["values"]] == ["15", "30", "45", "60"]


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of the client, by pandas
def test_it_downloads_raw_samples_in_chunks(client):
    """Each chunk is an instant query of a range vector at its end."""
    chunks = client.get_metric_range_data(
        "app_orders_total",
        start_time=NOW - timedelta(seconds=60),
        end_time=NOW,
        chunk_size=timedelta(seconds=20),
    )

    values = [value for chunk in chunks for _, value in chunk["values"]]
    assert values == ["15", "30", "45", "60"], "no sample twice, none lost"
    assert len(MetricRangeDataFrame(chunks)) == 4


def test_it_aggregates(client):
    since = NOW - timedelta(seconds=20)

    found = client.get_metric_aggregation("sum(mesh_requests_total)", ["max"], since, NOW, "10")

    assert found == {"max": 200.0}


def test_it_reads_series_targets_and_pools(client):
    selected = {"match[]": "app_orders_total"}
    assert len(client.get_series(NOW - timedelta(hours=1), NOW, selected)) == 1
    assert client.get_targets()["activeTargets"] == []
    assert client.get_scrape_pools() == []
    assert client.get_target_metadata({"job": "x"}) == []
