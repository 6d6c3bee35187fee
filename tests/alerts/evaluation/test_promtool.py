"""The same rules over the same series: after every evaluation promtool finds what we wrote."""

from collections import defaultdict

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alerts.rulefile import dump_yaml
from tests.alerts.evaluation.world import MINUTE, Steps, series
from tests.alerts.promtool import run_promtool

RULES = """
groups:
  - name: first
    interval: 1m
    rules:
      - {record: "job:bad:sum", expr: "sum by (job) (bad)", labels: {origin: record}}
      - {record: "job:bad:double", expr: "job:bad:sum * 2"}
      - {record: "one", expr: "count(bad) or vector(0)"}
      - {alert: AtOnce, expr: "bad > 0", labels: {text: "{{ $labels.job }} is {{ $value }}"}}
      - {alert: Held, expr: "bad > 0", for: 3m, labels: {severity: page, gone: ""}}
      - {alert: Kept, expr: "bad > 0", keep_firing_for: 2m}
      - {alert: HeldThenKept, expr: "bad > 0", for: 2m, keep_firing_for: 3m}
      - {alert: OfRecord, expr: "job:bad:double > 2", for: 1m}
      - {alert: Chained, expr: 'ALERTS{alertname="Held",alertstate="firing"}', for: 1m}
      - {alert: Silent, expr: "absent(bad)"}
"""
KEPT = ("job:bad:sum", "job:bad:double", "one", "ALERTS", "ALERTS_FOR_STATE")
values = st.lists(st.sampled_from([None, 0, 1, 2]), min_size=14, max_size=14)


def notation(sequence):
    return " ".join("_" if one is None else str(one) for one in sequence)


def sample_text(labels):
    told = dict(labels)
    name = told.pop("__name__")
    inner = ",".join(f'{key}="{value}"' for key, value in told.items())
    return f"{name}{{{inner}}}"


def checked(data):
    """Return promtool's test of what we find after each minute."""
    ours = Steps(RULES, [series("bad", one, (("job", job),), start_ms=0) for job, one in data])
    checks = []
    for minute in range(14):
        ours.run(minute * MINUTE)
        for name in KEPT:
            found = defaultdict(float)
            for labels, value in ours.ask(name, minute * MINUTE):
                found[sample_text(labels)] = value
            checks.append(
                {
                    "expr": name,
                    "eval_time": f"{minute}m",
                    "exp_samples": [
                        {"labels": labels, "value": value} for labels, value in found.items()
                    ],
                }
            )
    inputs = [{"series": f'bad{{job="{job}"}}', "values": notation(one)} for job, one in data]
    return {"interval": "1m", "input_series": inputs, "promql_expr_test": checks}


@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.tuples(values, values), min_size=4, max_size=4))
def test_promtool_finds_the_same_after_every_evaluation(tmp_path_factory, histories):
    folder = tmp_path_factory.mktemp("promtool")
    tests = [checked([("a", one), ("b", other)]) for one, other in histories]
    document = {"rule_files": ["r.yaml"], "evaluation_interval": "1m", "tests": tests}
    (folder / "r.yaml").write_text(RULES)
    (folder / "t.yaml").write_text(dump_yaml(document, header="tests"))
    run_promtool("test", "rules", "t.yaml", cwd=folder)
