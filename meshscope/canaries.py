"""The verdict on a canary -> a frame of both versions; what was judged is in its attrs."""

from typing import Any, Final

import pandas as pd

from meshscope import frames
from meshscope.times import Time, Window, instant, window
from meshscope.transport import Transport

_TOLD: Final = ("verdict", "reasons", "errors", "latency", "look", "more_requests", "versions")


def ask(server: Transport, start: Time | None, end: Time | None, **asked: Any) -> pd.DataFrame:
    """Ask the server; without a start since the canary's first request."""
    since_first = Window("canary", "now" if end is None else instant(end))
    range_ = since_first if start is None else window(start, end)
    answer = server.get("/api/canary", **range_.query(), **asked)
    return frames.frame(
        ({**answer[role], "role": role} for role in ("canary", "baseline")),
        frames.CANARY,
        service=answer["service"],
        start=frames.time_of(answer["from_s"]),
        end=frames.time_of(answer["to_s"]),
        **{name: answer[name] for name in _TOLD},
    )
