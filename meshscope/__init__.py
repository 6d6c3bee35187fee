"""meshscope in a notebook: what the server knows, as pandas DataFrames and plotly figures.

    import meshscope

    m = meshscope.connect("http://127.0.0.1:8428")
    m.topology("15m")                                    # who calls whom
    m.slo_status()                                       # budgets, the worst first
    m.promql("sum by (source) (rate(mesh_requests_total[5m]))", "1h")
    m.sql("SELECT service, count(*) AS spans FROM spans GROUP BY ALL")
    meshscope.figures.burn_rate(m.burn_rate())

Times are tz-aware and UTC. Counts are int64 and equal the web API's to the last request; a ratio
or a duration is NaN only where there is no data. Ratios are 0..1, units are in the names of
columns. This package imports httpx, pandas and plotly, and nothing of the server.
"""

from meshscope import figures
from meshscope.client import Client, connect
from meshscope.errors import (
    BadQuery,
    BadTime,
    MeshscopeError,
    ServerUnreachable,
    TruncatedAnswer,
    UnknownName,
    VersionMismatch,
)

__all__ = [
    "BadQuery",
    "BadTime",
    "Client",
    "MeshscopeError",
    "ServerUnreachable",
    "TruncatedAnswer",
    "UnknownName",
    "VersionMismatch",
    "connect",
    "figures",
]
