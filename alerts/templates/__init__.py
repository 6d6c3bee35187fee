"""Go's text/template as far as labels and annotations of alerting rules use it.

``tokens``: text to tokens; ``nodes``, ``parser``: tokens to a tree; ``execution``: a tree and data
to text; ``builtins``: functions of Go; ``functions``: those of Prometheus; ``humanize``: numbers
for people; ``printing``: what ``fmt`` prints; ``values``: what data may be; ``expansion``: all of
it, errors as text. Left out: ``define``, ``block``, ``template``, ``break``, ``continue``.
https://pkg.go.dev/text/template
https://prometheus.io/docs/prometheus/latest/configuration/template_reference/
"""
