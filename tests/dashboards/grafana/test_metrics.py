"""The table of names is what the server exposes and what the rules record."""

from contextlib import closing
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from collector.store.store import open_store
from dashboards.grafana.metrics import METRICS, RECORDED, series_names
from dashboards.web.mesh_metrics import mesh_families, slo_families
from slo.sources.edges import EdgeCountSource

RULES = Path(__file__).parents[3] / "deploy" / "rules" / "gateway.yaml"


def test_the_server_exposes_these_names_with_these_labels():
    with open_store() as store, closing(store.cursor()) as cursor:
        families = [
            *mesh_families(cursor, (), 0),
            *slo_families(EdgeCountSource(cursor), (), 0),
        ]
    exposed = {family.name: (family.type, tuple(family.label_names)) for family in families}
    assert exposed == {name: (metric.kind, metric.labels) for name, metric in METRICS.items()}


def test_the_rules_record_these_names_with_these_labels():
    groups = YAML(typ="safe").load(RULES)["groups"]
    records = {r["record"]: r for group in groups for r in group["rules"] if "record" in r}
    for name, labels in RECORDED.items():
        assert set(records[name]["labels"]) == set(labels)


@pytest.mark.parametrize(("name", "metric"), METRICS.items())
def test_a_name_tells_its_kind_and_unit(name, metric):
    assert name.startswith(("mesh_", "meshscope_"))
    assert name.endswith("_total") == (metric.kind == "counter")
    assert name.endswith(("_total", "_seconds", "_ratio", "_silent"))


def test_a_histogram_is_exposed_as_buckets_and_a_count():
    names = series_names()
    assert "le" in names["mesh_request_duration_seconds_bucket"]
    assert (
        names["mesh_request_duration_seconds_count"]
        == METRICS["mesh_request_duration_seconds"].labels
    )
    assert "mesh_request_duration_seconds" not in names
