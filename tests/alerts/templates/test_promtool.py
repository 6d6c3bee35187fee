"""What our templates say, Prometheus's own say too: promtool expands the same ones."""

import pytest

from alerts.rulefile import dump_yaml
from alerts.templates.expansion import Setting, expand
from alerts.templates.values import Found
from tests.alerts.promtool import run_promtool

LABELS = {
    "host": "db-1.example.org:9104",
    "instance": "10.0.0.1:9100",
    "job": "node exporter",
    "path": "/a/b c",
}
EXTERNAL = {"region": "eu", "replica": "a"}
VALUES = (0.0, 0.3, 1.0, -1.5, 100.0, 3661.25, 123456.0, 1234567.0, 2048.0, 0.00002, 9e9,
          86400.0 * 3 + 7, 1435065584.128, 59.995, 999.96, 1023.99)  # fmt: skip

NUMBERS = (
    "{{ $value }}",
    "{{ .Value }} {{ $.Value }}",
    "{{ $value | humanize }}",
    "{{ $value | humanize1024 }}",
    "{{ $value | humanizeDuration }}",
    "{{ $value | humanizePercentage }}",
    "{{ $value | humanizeTimestamp }}",
    '{{ printf "%.2f" $value }}',
    '{{ printf "%f|%e|%g|%v|%.3g|%.1e" $value $value $value $value $value $value }}',
    '{{ printf "%8.2f|%-8.2f|%+.1f|%08.3f|% .1f" $value $value $value $value $value }}',
    '{{ printf "%d %s %t" $value $value $value }}',
    '{{ printf "%.0f%% of %s" $value "it" }}',
    "{{ if gt $value 1.0 }}more{{ else if eq $value 1.0 }}one{{ else }}less{{ end }}",
    "{{ if $value }}yes{{ else }}no{{ end }}",
    "{{ with $value }}{{ . }}{{ else }}nothing{{ end }}",
    "{{ and $value 2 }} {{ or $value 2 }} {{ not $value }}",
    "{{ ge $value 100.0 }} {{ le $value 100.0 }} {{ lt $value 3.5 }} {{ ne $value 0.3 }}",
)
TEXTS = (
    "plain",
    "",
    "{{ $labels.host }} {{ $labels.job }} {{ .Labels.path }}",
    "{{ $labels.absent }}",
    "{{ if $labels.absent }}a{{ else }}b{{ end }}",
    '{{ if eq $labels.job "node exporter" "x" }}a{{ end }}',
    "{{ $externalLabels.region }} {{ .ExternalLabels.replica }} {{ $externalURL }}",
    "{{ $labels }}",
    "{{ $labels.job | title }} {{ $labels.job | toUpper }} {{ `ÄB` | toLower }}",
    '{{ title "a b-c d_e it\'s" }}',
    '{{ match "^10\\\\." $labels.instance }} {{ match "x" $labels.job }}',
    '{{ reReplaceAll "(.*):(.*)" "$2 of $1" $labels.instance }}',
    '{{ reReplaceAll "(?P<h>[a-z]+)-" "${h}_" $labels.host }}',
    '{{ reReplaceAll "o" "0" $labels.job }}',
    '{{ reReplaceAll "([a-z])" "$1x" $labels.job }}|{{ reReplaceAll "" "-" "abc" }}',
    '{{ range query "sort_desc(up)" }}{{ .Labels.job }}={{ .Value }};{{ end }}',
    '{{ range $i, $e := query "sort(up)" }}{{ $i }}:{{ $e.Value }} {{ end }}',
    '{{ range query "absent_here" }}x{{ else }}none{{ end }}',
    '{{ with query "up{job=\'a\'}" }}{{ . | first | value | humanize }}{{ end }}',
    '{{ query "up{job=\'a\'}" | first | label "job" }}',
    '{{ (query "up{job=\'a\'}" | first).Value }}',
    '{{ range sortByLabel "job" (query "up") }}{{ .Labels.job }}{{ end }}',
    '{{ len (query "up") }} {{ len $labels.job }} {{ len "ä" }}',
    "{{ range $k, $v := $labels }}{{ $k }}={{ $v }},{{ end }}",
    '{{ index $labels "job" }}',
    '{{ $x := "a" }}{{ if true }}{{ $x = "b" }}{{ end }}{{ $x }}',
    "{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}",
    "a  {{- 1 -}}  b {{ 2 -}}\n  c",
    "a {{/* a comment */}} b {{- /* another */ -}} c",
    '{{ "quo\\"ted\\t\\u00e4" }} {{ `raw "x"` }} {{ \'a\' }}',
    '{{ print 1 2 "a" "b" 3 4 }} {{ println "x" 1 }}',
    '{{ printf "%5d|%-5d|%05d|%x|%q|%v|%6s|%-6s|%.2s" 7 7 7 255 "q" true "ab" "ab" "abc" }}',
    '{{ printf "%d" }} {{ printf "%s" "a" "b" }} {{ printf "%d" "a" }} {{ printf "%z" 1 }}',
    '{{ printf "100%" }}',
    "{{ 1.5 }} {{ 1e3 }} {{ 0x1F }} {{ -4 }} {{ true }}",
    '{{ html "<a href=\'x\'>&\\"" }} {{ urlquery "a b&c/ä" }}',
    '{{ (args 1 "b" true).arg1 }} {{ with args 1 2 }}{{ .arg0 }}{{ end }}',
    "{{ $labels.host | stripPort }} {{ $labels.host | stripDomain }} {{ stripPort `[::1]:80` }}",
    '{{ graphLink "up == 0" }} {{ tableLink "a{b=\\"c\\"}" }}',
    '{{ parseDuration "1h30m" }} {{ humanizeDuration "3661" }} {{ "0.5" | humanizePercentage }}',
    '{{ "1435065584.128" | toTime }}',
    "{{ safeHtml `<b>` }}",
    "{{ and 1 0 }}{{ or 0 `` 3 }}{{ not `` }}",
    "{{ if and $labels.job (gt $value -100.0) }}both{{ end }}",
    "{{ eq 1 1 }}{{ lt 1 2 }}{{ eq `a` `b` }}{{ ne `a` `b` }}",
    "{{ 1 | printf `%d-%d` 2 }}",
    "{{ if true }}{{ range query `up` }}{{ if eq .Labels.job `a` }}A{{ end }}{{ end }}{{ end }}",
    "{{ with $x := 5 }}{{ $x }}{{ . }}{{ end }}",
    "{{ . }}",
    "} {{ `}}` }} { {",
)  # fmt: skip


def ours(text, value):
    def query(expr):
        up = [
            Found({"__name__": "up", "job": "a"}, 1.0),
            Found({"__name__": "up", "job": "b"}, 0.0),
        ]
        if "sort(" in expr:
            return up[::-1]
        return [] if "absent" in expr else up[:1] if "'a'" in expr else up

    setting = Setting(query, 0, "http://here:9090/sub", EXTERNAL)
    return expand(text, "T", LABELS | {"__name__": "v0"}, value, setting)


def document(texts, values):
    annotations = {f"t{at:03d}": text for at, text in enumerate(texts)}
    labels = ",".join(f'{name}="{value}"' for name, value in LABELS.items())
    rules = [
        {"alert": f"T{at}", "expr": f"v{at}", "annotations": annotations}
        for at in range(len(values))
    ]
    series = [
        {"series": f"v{at}{{{labels}}}", "values": repr(value)} for at, value in enumerate(values)
    ]
    series += [
        {"series": f'up{{job="{job}"}}', "values": up} for job, up in (("a", "1"), ("b", "0"))
    ]
    checks = [
        {
            "eval_time": "0m",
            "alertname": f"T{at}",
            "exp_alerts": [
                {
                    "exp_labels": LABELS,
                    "exp_annotations": {
                        name: ours(text, value) for name, text in annotations.items()
                    },
                }
            ],
        }
        for at, value in enumerate(values)
    ]
    test = {
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": checks,
        "external_labels": EXTERNAL,
        "external_url": "http://here:9090/sub",
    }
    return {"groups": [{"name": "g", "rules": rules}]}, {"rule_files": ["r.yaml"], "tests": [test]}


@pytest.mark.parametrize(("texts", "values"), [(NUMBERS, VALUES), (TEXTS, (0.3,))])
def test_promtool_expands_to_the_same_text(texts, values, tmp_path):
    rules, tests = document(texts, values)
    (tmp_path / "r.yaml").write_text(dump_yaml(rules, header="rules"))
    (tmp_path / "t.yaml").write_text(dump_yaml(tests, header="tests"))
    run_promtool("test", "rules", "t.yaml", cwd=tmp_path)
