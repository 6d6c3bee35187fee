"""Specs of Sloth and Pyrra become objectives, and what is missing is told with its line."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from typer.testing import CliRunner

from slo.burnrate import Tier
from slo.cli import app
from slo.errors import OpenSloError
from slo.importing.readers import read_spec
from slo.importing.specs import UnknownSpec
from slo.importing.windowed import counted_query
from slo.model import QuerySli, RawSli, ThresholdSli
from slo.openslo import parse_openslo

SLOTH = """\
version: "prometheus/v1"
service: "shop"
labels: {owner: web, tier: "2"}
slos:
  - name: "answers"
    objective: 99.9
    description: Requests that are answered.
    labels: {kind: http}
    sli:
      events:
        error_query: |
          sum(rate(http_seconds_count{job="shop",code=~"(5..|429)"}[{{.window}}]))
        total_query: sum(rate(http_seconds_count{job="shop"}[{{ .window }}]))
    alerting:
      name: ShopFails
      annotations: {runbook: "https://runbooks.example/shop", summary: Fails}
      page_alert: {labels: {severity: pageteam}}
      ticket_alert: {disable: true}
"""
CRD = """\
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: {name: rules, namespace: monitoring}
spec:
  service: wifi
  slos:
    - name: satisfied
      objective: 95
      sli:
        events:
          errorQuery: sum_over_time((count(quality < 0.75))[{{.window}}:]) OR on() vector(0)
          totalQuery: sum_over_time((count(quality))[{{.window}}:])
      alerting: {name: Wifi}
    - name: raw
      objective: 90
      sli: {raw: {errorRatioQuery: "1 - avg(avg_over_time(quality[{{.window}}]))"}}
    - name: plugged
      objective: 99
      sli: {plugin: {id: some/plugin}}
"""
PYRRA = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata:
  name: api-errors
  namespace: web
  labels: {prometheus: k8s, pyrra.dev/team: front, pyrra.dev/service: api}
spec:
  target: '99.5'
  window: 4w
  description: Answers.
  indicator:
    ratio:
      errors: {metric: 'requests_total{job="api",code=~"5.."}'}
      total: {metric: 'requests_total{job="api"}'}
      grouping: [handler]
  alerting: {name: ApiFails}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: api-latency, labels: {pyrra.dev/service: api}}
spec:
  target: "90"
  window: 2w
  indicator:
    latency:
      success: {metric: 'seconds_bucket{job="api",le="0.5"}'}
      total: {metric: 'seconds_count{job="api"}'}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: probe}
spec: {target: "99", window: 28d, indicator: {bool_gauge: {metric: 'probe_success{job="api"}'}}}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: native}
spec:
  target: "99"
  window: 28d
  indicator: {latencyNative: {latency: 200ms, total: {metric: 'seconds{job="api"}'}}}
"""


def _read(text):
    found = read_spec(text, "in.yaml")
    return parse_openslo([("out.yaml", found.text("in.yaml"))]).slos, [str(n) for n in found.notes]


def test_events_of_sloth_become_counters_counted_exactly():
    (slo,), notes = _read(SLOTH)
    assert slo.sli == QuerySli(
        'sum(http_seconds_count{job="shop",code=~"(5..|429)"})',
        'sum(http_seconds_count{job="shop"})',
        is_bad=True,
    )
    assert (slo.name, slo.service, slo.objective.target) == (
        "shop-answers",
        "shop",
        Decimal("0.999"),
    )
    assert slo.labels == {"owner": "web", "tier": "2", "kind": "http"}
    assert slo.annotations["meshscope.dev/runbook-url"] == "https://runbooks.example/shop"
    assert slo.tiers == (
        Tier("page", 3600, 300, Decimal("0.02")),
        Tier("page", 21_600, 1800, Decimal("0.05")),
    )
    assert [note.partition(" ")[0] for note in notes] == [
        "in.yaml:16:",
        "in.yaml:15:",
        "in.yaml:17:",
        "in.yaml:4:",
    ]
    assert "annotations of alerts: summary [not-carried-over]" in notes[0]


def test_the_form_of_kubernetes_is_read_too_and_plugins_are_left_out_by_name():
    slos, notes = _read(CRD)
    assert [slo.sli for slo in slos] == [
        QuerySli(
            "((count(quality < 0.75))) OR on() vector(0)",
            "((count(quality)))",
            is_bad=True,
            is_counter=False,
        ),
        RawSli("1 - avg(avg_over_time(quality[5m]))", is_failure=True),
    ]
    assert any("an SLI plugin is code of Sloth's: the SLO is left out" in note for note in notes)
    assert any(note.startswith("in.yaml:19: spec.slos[2].sli.plugin:") for note in notes)


def test_objectives_of_pyrra_keep_their_alerts():
    slos, notes = _read(PYRRA)
    errors, latency, probe, native = slos
    assert errors.sli == QuerySli(
        'sum(requests_total{job="api",code=~"5.."})', 'sum(requests_total{job="api"})', is_bad=True
    )
    assert (errors.service, errors.labels) == (
        "api",
        {"team": "front", "service": "api", "namespace": "web"},
    )
    assert errors.tiers == (
        Tier("page", 3600, 300, Fraction(14, 672)),
        Tier("page", 21_600, 1800, Fraction(7, 112)),
        Tier("ticket", 86_400, 7200, Fraction(2, 28)),
        Tier("ticket", 345_600, 21_600, Fraction(1, 7)),
    )
    assert (latency.sli.is_bad, latency.window.seconds) == (False, 14 * 86_400)
    assert probe.sli == ThresholdSli('probe_success{job="api"}', "gte", Decimal(1))
    assert native.sli.total == 'histogram_count(sum(rate(seconds{job="api"}[5m])))'
    assert not native.sli.is_counter
    assert notes[0].startswith("in.yaml:15: spec.indicator.ratio.grouping: grouping")
    assert notes[1].startswith("in.yaml:16: spec.alerting.name: alerting.name")


@pytest.mark.parametrize(
    ("query", "counted"),
    [
        ("sum(increase(a[{{.window}}]))", "sum(a)"),
        (
            "sum(rate(a[{{.window}}])) - sum(rate(b{x=')['}[{{.window}}]))",
            "sum(a) - sum(b{x=')['})",
        ),
        ("max_over_time(a[{{.window}}])", None),
        ("sum(a)", "sum(a)"),
    ],
)
def test_a_window_goes_where_it_is_only_an_increase(query, counted):
    found = counted_query(query)
    assert (None if found is None else found.query) == counted


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("99.9", "100", "in.yaml:6: slos[0].objective: must be a percent above 0 and below 100, "
         "got 100: it leaves no error budget"),
        ("objective:", "objectve:", "did you mean 'objective'?"),
        ("error_query:", "errors:", "unknown field"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_spec_is_told_with_its_place(old, new, told):
    with pytest.raises(OpenSloError) as caught:
        read_spec(SLOTH.replace(old, new), "in.yaml")
    assert told in str(caught.value)


def test_a_file_of_nobody_names_those_that_are_read():
    with pytest.raises(UnknownSpec, match=r"in\.yaml:1: openslo/v1 is none of prometheus/v1"):
        read_spec("apiVersion: openslo/v1\nkind: SLO\n", "in.yaml")
    with pytest.raises(UnknownSpec, match="kind must be ServiceLevelObjective, got Pod"):
        read_spec("apiVersion: pyrra.dev/v1alpha1\nkind: Pod\n", "in.yaml")
    with pytest.raises(UnknownSpec, match="no version is none of"):
        read_spec("- 1\n", "in.yaml")


def test_the_command_writes_files_that_validate(tmp_path):
    (tmp_path / "sloth.yaml").write_text(SLOTH)
    (tmp_path / "pyrra.yaml").write_text(PYRRA)
    out = tmp_path / "out"
    files = [str(tmp_path / name) for name in ("sloth.yaml", "pyrra.yaml")]
    result = CliRunner().invoke(app, ["import", *files, "--out", str(out)])
    assert result.exit_code == 0, result.output
    written = sorted(path.name for path in out.iterdir())
    assert written == ["pyrra.openslo.yaml", "sloth.openslo.yaml"]
    checked = CliRunner().invoke(app, ["validate", *(str(out / name) for name in written)])
    assert checked.exit_code == 0, checked.output
    assert "3 services and 5 SLOs are right" in checked.output or "4 services" in checked.output


def test_the_command_prints_the_file_or_what_is_missing(tmp_path):
    path = tmp_path / "sloth.yaml"
    path.write_text(SLOTH)
    printed = CliRunner().invoke(app, ["import", str(path)])
    assert "kind: Service" in printed.stdout
    assert "note: " in printed.stderr
    notes = json.loads(CliRunner().invoke(app, ["import", str(path), "--json"]).stdout)
    assert notes[0]["line"] == 16
    path.write_text(SLOTH.replace("99.9", "100"))
    wrong = CliRunner().invoke(app, ["import", str(path)])
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    path.write_text(
        CRD[: CRD.index("    - name: satisfied")] + CRD[CRD.index("    - name: plugged") :]
    )
    empty = CliRunner().invoke(app, ["import", str(path)])
    assert empty.exit_code == 1
    assert "no objective could be carried over" in empty.stderr
