"""A message of Alertmanager's webhook, version 4: bytes -> Message, or BadMessage naming the field.

Pure. Fields that a later Alertmanager may add are ignored; those that are used are checked.
https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import orjson

State = Literal["firing", "resolved"]

VERSION: Final = "4"
MOST_ALERTS: Final = 10_000
"""More in one message are refused: ``max_alerts`` of the receiver bounds them."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATES: Final[Mapping[str, State]] = {"firing": "firing", "resolved": "resolved"}
_MOST_TEXT: Final = 64 * 1024


class BadMessage(ValueError):
    """The body is no message of version 4; ``field`` is where, such as ``alerts[2].startsAt``."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """One alert of a message. ``ends_ns`` is None while it fires."""

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_ns: int
    ends_ns: int | None
    generator_url: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is used of a message. ``left_out``: alerts of the group that ``max_alerts`` cut off."""

    group_key: str
    receiver: str
    state: State
    left_out: int
    alerts: tuple[ToldAlert, ...]

    @property
    def over_ns(self) -> int | None:
        """What of the group began by then is over; None while it is not known of all.

        A group is told as resolved when all of its alerts are, also those that were left out. Of a
        message that has all, each alert speaks for itself: others may be on their way.
        """
        ends = [one.ends_ns for one in self.alerts if one.ends_ns is not None]
        is_over = self.state == "resolved" and self.left_out > 0
        return max(ends) if is_over and ends else None


def read_message(body: bytes) -> Message:
    """Return the message of a body; raises BadMessage."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadMessage("body", f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadMessage("body", f"must be an object, got {_kind(found)}")
    if found.get("version") != VERSION:
        raise BadMessage("version", f"must be {VERSION!r}, got {_shown(found.get('version'))}")
    alerts = found.get("alerts")
    if not isinstance(alerts, list):
        raise BadMessage("alerts", f"must be a list, got {_kind(alerts)}")
    if len(alerts) > MOST_ALERTS:
        why = f"has {len(alerts)} alerts, at most {MOST_ALERTS} are taken: set max_alerts"
        raise BadMessage("alerts", why)
    told = [_alert(one, f"alerts[{place}]") for place, one in enumerate(alerts)]
    return Message(
        group_key=_text(found, "groupKey", ""),
        receiver=_text(found, "receiver", "", default=""),
        state=_state(found, ""),
        left_out=_left_out(found.get("truncatedAlerts", 0)),
        alerts=_folded(told),
    )


def _alert(found: Any, at: str) -> ToldAlert:
    if not isinstance(found, dict):
        raise BadMessage(at, f"must be an object, got {_kind(found)}")
    labels = _texts(found, "labels", at)
    starts_ns = _time_ns(found, "startsAt", at)
    ends_ns = None
    if _state(found, at) == "resolved":
        ends_ns = max(starts_ns, _time_ns(found, "endsAt", at))
    return ToldAlert(
        fingerprint=_text(found, "fingerprint", at, default="") or _fingerprint(labels),
        labels=labels,
        annotations=_texts(found, "annotations", at),
        starts_ns=starts_ns,
        ends_ns=ends_ns,
        generator_url=_text(found, "generatorURL", at, default=""),
    )


def _folded(told: list[ToldAlert]) -> tuple[ToldAlert, ...]:
    """Return each alert and start once; of several the one that ended last."""
    found: dict[tuple[str, int], ToldAlert] = {}
    for one in told:
        key = (one.fingerprint, one.starts_ns)
        known = found.get(key)
        if known is None or (one.ends_ns or 0) > (known.ends_ns or 0):
            found[key] = one
    return tuple(found.values())


def _state(found: Mapping[str, Any], at: str) -> State:
    state = _STATES.get(str(found.get("status")))
    if state is None:
        told = f"must be firing or resolved, got {_shown(found.get('status'))}"
        raise BadMessage(_at(at, "status"), told)
    return state


def _text(found: Mapping[str, Any], name: str, at: str, *, default: str | None = None) -> str:
    value = found.get(name, default)
    if not isinstance(value, str):
        raise BadMessage(_at(at, name), f"must be a text, got {_kind(value)}")
    if len(value) > _MOST_TEXT:
        raise BadMessage(_at(at, name), f"has {len(value)} characters, at most {_MOST_TEXT} fit")
    return value


def _texts(found: Mapping[str, Any], name: str, at: str) -> dict[str, str]:
    value = found.get(name)
    if not isinstance(value, dict):
        raise BadMessage(_at(at, name), f"must be an object of texts, got {_kind(value)}")
    for key, text in value.items():
        _text({key: text}, key, _at(at, name))
    return value


def _time_ns(found: Mapping[str, Any], name: str, at: str) -> int:
    text = _text(found, name, at)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.year < 1970 or moment.year > 2200:
        told = f"must be a time of RFC 3339 such as 2026-11-23T02:00:00Z, got {_shown(text)}"
        raise BadMessage(_at(at, name), told)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _left_out(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise BadMessage("truncatedAlerts", f"must be a count, got {_shown(value)}")
    return value


def _fingerprint(labels: Mapping[str, str]) -> str:
    """Name a set of labels as Alertmanager does, in a way of our own: an old one sends no name."""
    text = orjson.dumps(dict(labels), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


def _at(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean"}
    return "nothing" if value is None else names.get(type(value), "a number")


def _shown(value: Any) -> str:
    return f"{value!r:.100}"
