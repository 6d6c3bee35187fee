"""OpenSLO objects as text, for tests."""

HEAD = "apiVersion: openslo/v1\n"
QUERIES = (
    "{good: {metricSource: {type: prometheus, spec: {query: 'sum(good_total)'}}}, "
    "total: {metricSource: {type: prometheus, spec: {query: 'sum(all_total)'}}}}"
)
CART = "{metricSource: {type: meshscope, spec: {destination: cart}}}"
RATIO = f"{{good: {CART}, total: {CART}}}"


def obj(kind, name, spec, *, annotations="", version="openslo/v1"):
    """Return one document."""
    about = (
        f"{{name: {name}, annotations: {{{annotations}}}}}" if annotations else f"{{name: {name}}}"
    )
    return f"---\napiVersion: {version}\nkind: {kind}\nmetadata: {about}\nspec:\n{spec}"


def slo(name="cart", *, ratio=RATIO, extra="", **given):
    """Return an SLO; ``given`` replaces a field, None leaves it out."""
    fields = {
        "service": "cart",
        "indicator": f"{{metadata: {{name: i}}, spec: {{ratioMetric: {ratio}}}}}",
        "budgetingMethod": "Occurrences",
        "timeWindow": "[{duration: 30d, isRolling: true}]",
        "objectives": "[{target: 0.999}]",
    } | given
    lines = [f"  {key}: {value}\n" for key, value in fields.items() if value is not None]
    annotations = extra
    return obj("SLO", name, "".join(lines), annotations=annotations)


def threshold(query="age_seconds", **given):
    """Return an SLO about a value."""
    source = f"{{metricSource: {{type: prometheus, spec: {{query: '{query}'}}}}}}"
    indicator = f"{{metadata: {{name: i}}, spec: {{thresholdMetric: {source}}}}}"
    return slo(
        **{"indicator": indicator, "objectives": "[{op: lte, value: 5, target: 0.9}]"} | given
    )
