"""Frames -> plotly figures: pure functions, each for the frame of the method of its name.

Never asks a server. An empty frame gives an empty figure that says so.

    meshscope.figures.burn_rate(m.burn_rate()).show()
"""

from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

GOOD: Final = "#2f7ed8"
BAD: Final = "#c0392b"
_STATES: Final = {"ok": GOOD, "burning": "#e67e22", "exhausted": BAD, "no_data": "#95a5a6"}
_GREY: Final = "#7f8c8d"
_MOST_SPANS: Final = 500
"""More bars than this nobody reads."""


def topology(frame: pd.DataFrame) -> go.Figure:
    """Return who calls whom as flows: as wide as the requests, red by their error ratio."""
    busy = frame[frame["requests"] > 0]
    names = sorted({*busy["source"], *busy["destination"]})
    place = {name: number for number, name in enumerate(names)}
    told = [
        f"{s} > {d}<br>{n:,} requests, {_percent(r)} errors, p99 {_ms(p)}"
        for s, d, n, r, p in zip(
            *(busy[key] for key in ("source", "destination", "requests", "error_ratio", "p99_ms")),
            strict=True,
        )
    ]
    flows = {
        "source": [place[name] for name in busy["source"]],
        "target": [place[name] for name in busy["destination"]],
        "value": busy["requests"].tolist(),
        "color": [_shade(ratio) for ratio in busy["error_ratio"]],
        "customdata": told,
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    figure = go.Figure(go.Sankey(node={"label": names, "color": GOOD}, link=flows))
    return _finished(figure, "Requests between services", is_empty=busy.empty)


def services(frame: pd.DataFrame) -> go.Figure:
    """Return the requests that arrived at each service: answered, and failed."""
    ordered = frame[frame["requests"] > 0].sort_values("requests")
    figure = go.Figure()
    for name, counts, colour in (
        ("answered", ordered["requests"] - ordered["errors"], GOOD),
        ("failed", ordered["errors"], BAD),
    ):
        figure.add_bar(
            x=counts.tolist(), y=ordered["service"].tolist(), name=name, orientation="h",
            marker_color=colour,
        )  # fmt: skip
    figure.update_layout(barmode="stack", xaxis_title="requests")
    return _finished(figure, "Requests by service", is_empty=ordered.empty)


def slo_status(frame: pd.DataFrame) -> go.Figure:
    """Return how much of each error budget is left; below zero more was spent than there was."""
    worst_last = frame.iloc[::-1]
    figure = go.Figure(
        go.Bar(
            x=worst_last["budget_remaining_ratio"].tolist(),
            y=worst_last["slo"].tolist(),
            orientation="h",
            marker_color=[_STATES.get(state, _GREY) for state in worst_last["state"]],
            customdata=worst_last[["state", "bad", "total"]].to_numpy(),
            hovertemplate="%{y}: %{x:.2%} left, %{customdata[0]}<br>"
            "%{customdata[1]:,} bad of %{customdata[2]:,}<extra></extra>",
        )
    )
    figure.update_xaxes(tickformat=".0%", title="error budget left")
    return _finished(figure, "Error budgets", is_empty=frame.empty)


def burn_rate(frame: pd.DataFrame) -> go.Figure:
    """Return each tier's burn over its long and short window, beside the factor that fires it."""
    labels = [
        f"{slo} · {long}/{short}"
        for slo, long, short in zip(frame["slo"], frame["long"], frame["short"], strict=True)
    ]
    figure = go.Figure()
    windows = (("long window", "long_burn", GOOD), ("short window", "short_burn", "#8e44ad"))
    for name, column, colour in windows:
        figure.add_bar(
            x=frame[column].tolist(), y=labels, name=name, orientation="h", marker_color=colour
        )
    figure.add_scatter(
        x=frame["factor"].tolist(), y=labels, name="fires at", mode="markers",
        marker={"symbol": "line-ns-open", "size": 14, "color": BAD},
    )  # fmt: skip
    figure.update_layout(barmode="group", xaxis_title="burn rate: 1 spends the budget in time")
    figure.update_yaxes(autorange="reversed")
    return _finished(figure, "Burn rates", is_empty=frame.empty)


def sli(frame: pd.DataFrame) -> go.Figure:
    """Return bad events of each step, and what is left of the budget after it."""
    figure = go.Figure()
    figure.add_bar(x=frame.index, y=frame["bad"].tolist(), name="bad events", marker_color=BAD)
    figure.add_scatter(
        x=frame.index, y=frame["budget_remaining_ratio"].tolist(), name="budget left", yaxis="y2",
        line_color=GOOD,
    )  # fmt: skip
    figure.update_layout(
        yaxis_title="bad events",
        yaxis2={
            "overlaying": "y", "side": "right", "tickformat": ".0%", "title": "budget left",
            "tickmode": "auto", "showgrid": False,
        },
    )  # fmt: skip
    return _finished(figure, str(frame.attrs.get("slo", "Objective")), is_empty=frame.empty)


def traces(frame: pd.DataFrame) -> go.Figure:
    """Return traces by start and duration; red when a span failed."""
    colours = [BAD if errors else GOOD for errors in frame["errors"]]
    figure = go.Figure(
        go.Scatter(
            x=frame["time"],
            y=frame["duration_ms"].tolist(),
            mode="markers",
            marker={"color": colours, "size": 9},
            customdata=frame[["trace_id", "root_service", "root_name"]].to_numpy(),
            hovertemplate="%{customdata[1]} %{customdata[2]}<br>%{y:.1f} ms, %{customdata[0]}"
            "<extra></extra>",
        )
    )
    figure.update_layout(yaxis_title="duration, ms")
    return _finished(figure, "Traces", is_empty=frame.empty)


def trace(frame: pd.DataFrame) -> go.Figure:
    """Return one trace as a waterfall, its critical path darker; of 500 spans at most."""
    shown = frame.head(_MOST_SPANS)
    labels = [
        f"{row}  {'· ' * depth}{service}: {name}"
        for row, (depth, service, name) in enumerate(
            zip(shown["depth"], shown["service"], shown["name"], strict=True)
        )
    ]
    critical = shown["critical_ns"] > 0
    colours = [
        BAD if failed else GOOD if waited else "#a9c8ee"
        for failed, waited in zip(shown["is_error"], critical, strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            base=(shown["from_ns"] / 1e6).tolist(),
            x=shown["duration_ms"].tolist(),
            y=labels,
            orientation="h",
            marker_color=colours,
            customdata=(shown[["self_ns", "critical_ns"]] / 1e6).to_numpy(),
            hovertemplate="%{x:.3f} ms, itself %{customdata[0]:.3f} ms,"
            " on the critical path %{customdata[1]:.3f} ms<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="ms after the start")
    return _finished(figure, f"Trace {frame.attrs.get('trace_id', '')}", is_empty=frame.empty)


def promql(frame: pd.DataFrame) -> go.Figure:
    """Return a line for each series of a tidy or a wide frame."""
    figure = go.Figure()
    for name, times, values in _lines(frame):
        figure.add_scatter(x=times, y=values, name=name, mode="lines")
    return _finished(figure, str(frame.attrs.get("query", "")), is_empty=frame.empty)


def sql(frame: pd.DataFrame, x: str | None = None) -> go.Figure:
    """Return the numeric columns over ``x``, the first column: lines over times, else bars."""
    x = x if x is not None else str(frame.columns[0]) if len(frame.columns) else ""
    figure = go.Figure()
    for name in frame.columns:
        if name == x or not pd.api.types.is_numeric_dtype(frame[name]):
            continue
        values = frame[name].astype("float64").tolist()
        if pd.api.types.is_datetime64_any_dtype(frame[x]):
            figure.add_scatter(x=frame[x], y=values, name=str(name), mode="lines")
        else:
            figure.add_bar(x=frame[x].astype(str).tolist(), y=values, name=str(name))
    return _finished(figure, "", is_empty=frame.empty)


def _lines(frame: pd.DataFrame) -> list[tuple[str, Any, list[float]]]:
    if "value" not in frame.columns or "time" not in frame.columns:
        return [(str(name), frame.index, frame[name].tolist()) for name in frame.columns]
    labels = [str(n) for n in frame.columns if n not in {"time", "value", "histogram"}]
    if not labels:
        return [("value", frame["time"], frame["value"].tolist())]
    return [
        (", ".join(map(str, key)), group["time"], group["value"].tolist())
        for key, group in frame.groupby(labels, sort=True)
    ]


def _finished(figure: go.Figure, title: str, *, is_empty: bool) -> go.Figure:
    above = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"}
    figure.update_layout(title=title, template="plotly_white", legend=above, margin={"t": 80})
    if is_empty:
        figure.add_annotation(text="no data in this range", showarrow=False, font={"size": 18})
    return figure


def _shade(error_ratio: float) -> str:
    """Return grey for no error, and more red with more of them; a tenth is all red."""
    share = 0.0 if pd.isna(error_ratio) else min(error_ratio * 10, 1.0)
    red, other = round(140 + 52 * share), round(140 - 90 * share)
    return f"rgba({red},{other},{other},0.45)"


def _percent(ratio: float) -> str:
    return "–" if pd.isna(ratio) else f"{ratio:.2%}"


def _ms(duration_ms: float) -> str:
    return "–" if pd.isna(duration_ms) else f"{duration_ms:.1f} ms"
