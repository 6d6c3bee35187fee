"""Senders that remember what was acknowledged, and what must be in the file because of it.

Each sender numbers its requests and sends one again, byte by byte, until it is acknowledged; only
then comes the next. A journal, made durable line by line, has the acknowledged ones. So the file
must hold all in the journal, at most one more of each sender, and nothing twice.
"""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from collector import semconv
from collector.store import reader
from tests.collector.exports import SECOND, metrics, span_request

EVER = (0, 2**40)
SERVICE = "/opentelemetry.proto.collector.{}.v1.{}Service/Export"
METHODS = {
    "delta": SERVICE.format("metrics", "Metrics"),
    "total": SERVICE.format("metrics", "Metrics"),
    "span": SERVICE.format("trace", "Trace"),
}
KINDS = tuple(METHODS)


@dataclass
class Journal:
    path: Path
    lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, sender: int, number: int) -> None:
        with self.lock, self.path.open("a") as file:
            file.write(f"{sender} {number}\n")
            file.flush()
            os.fsync(file.fileno())

    def acknowledged(self) -> set[tuple[int, int]]:
        if not self.path.exists():
            return set()
        lines = self.path.read_text().splitlines()
        return {(int(sender), int(number)) for sender, number in map(str.split, lines)}


@dataclass
class Sender:
    """Request ``n`` is a delta, a cumulative total or a span by turns, and counts n + 1."""

    id: int
    start_ns: int
    journal: Journal
    next: int = 0
    failures: list[str] = field(default_factory=list)

    def body(self, n: int) -> bytes:
        time_ns = self.start_ns + (n + 1) * SECOND // 10
        kind = KINDS[n % 3]
        if kind == "span":
            trace_id = self.id.to_bytes(8, "big") + (n + 1).to_bytes(8, "big")
            return span_request(
                name=f"span {self.id} {n}",
                trace_id=trace_id,
                span_id=(self.id * 2**32 + n + 1).to_bytes(8, "big"),
                start_time_unix_nano=time_ns,
                end_time_unix_nano=time_ns + 5,
            )
        value = n + 1 if kind == "delta" else self.total(n)
        tags = {semconv.TAG_ROUTE: f"{kind} {self.id}"}
        return metrics(
            [(semconv.SLI_REQUESTS, tags, value)],
            start_ns=time_ns - 3 * SECOND // 10 if kind == "delta" else self.start_ns,
            time_ns=time_ns,
            service=f"sender-{self.id}-{kind}",
            temporality=1 if kind == "delta" else 2,
        )

    @staticmethod
    def total(n: int) -> int:
        """The sum of n + 1 over all totals to n."""
        return sum(i + 1 for i in range(1, n + 1, 3))

    def send_while_it_lives(self, port: int, stop: threading.Event, most: int = 10**9) -> None:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            while not stop.is_set() and self.next < most:
                export = channel.unary_unary(METHODS[KINDS[self.next % 3]])
                try:
                    answer = export(self.body(self.next), timeout=20)
                except grpc.RpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE:
                        self.failures.append(f"{error.code()}: {error.details()}")
                    return
                if answer:
                    self.failures.append(f"not accepted whole: {answer!r}")
                self.journal.append(self.id, self.next)
                self.next += 1


def truth(sender: Sender, numbers: set[int]) -> dict[str, int]:
    """Return what the counters say when just these requests are stored."""
    totals = [n for n in numbers if KINDS[n % 3] == "total"]
    return {
        f"delta {sender.id}": sum(n + 1 for n in numbers if KINDS[n % 3] == "delta"),
        f"total {sender.id}": sender.total(max(totals)) if totals else 0,
    }


def violations(cursor, senders: list[Sender], journal: Journal, *, whole: bool) -> list[str]:
    """Return every way in which the file is not what was acknowledged; ``whole``: no pending."""
    found: list[str] = []
    counts = reader.edge_counts(cursor, *EVER, by=("route",)).to_pylist()
    stored = {row["route"]: row["requests"] for row in counts}
    spans = cursor.execute("SELECT span_id FROM spans").fetchall()
    held = {span_id for (span_id,) in spans}
    if len(held) != len(spans):
        found.append(f"{len(spans) - len(held)} spans are stored twice")
    acknowledged = journal.acknowledged()
    for sender in senders:
        known = {n for who, n in acknowledged if who == sender.id}
        least, most = truth(sender, known), truth(sender, known | {sender.next})
        for route, count in least.items():
            allowed = {count} if whole else {count, most[route]}
            if stored.get(route, 0) not in allowed:
                found.append(f"{route}: stored {stored.get(route)}, may be {allowed}")
        sent = {sender.id * 2**32 + n + 1: n for n in known | {sender.next} if n % 3 == 2}
        mine = {one for one in held if one >> 32 == sender.id}
        lost = {n for one, n in sent.items() if n in known and one not in held}
        if lost or mine - set(sent):
            found.append(f"sender {sender.id}: spans lost {lost}, never sent {mine - set(sent)}")
        found += points_lost(cursor, sender, known)
    return found + dangling(cursor) + unequal_tiers(cursor)


def points_lost(cursor, sender: Sender, known: set[int]) -> list[str]:
    """Return how the points of a sender, sorted or not, differ from what it was told is stored."""
    rows = cursor.execute(
        "SELECT time_ns, value_int FROM metric_points JOIN metric_series USING (series_id)"
        " JOIN resources USING (resource_id) WHERE starts_with(service, ?)",
        [f"sender-{sender.id}-"],
    ).fetchall()

    def point(n: int) -> tuple[int, int]:
        time_ns = sender.start_ns + (n + 1) * SECOND // 10
        return time_ns, n + 1 if KINDS[n % 3] == "delta" else sender.total(n)

    sent = {point(n) for n in known | {sender.next} if KINDS[n % 3] != "span"}
    lost = {point(n) for n in known if KINDS[n % 3] != "span"} - set(rows)
    found = [f"sender {sender.id}: points lost {lost}, never sent {set(rows) - sent}"]
    return found if lost or set(rows) - sent or len(rows) > len(set(rows)) else []


def dangling(cursor) -> list[str]:
    """Return ids that are used without their row, or given twice."""
    uses = {
        ("spans", "name_id"): ("strings", "string_id"),
        ("spans", "route_id"): ("strings", "string_id"),
        ("spans", "flags_id"): ("strings", "string_id"),
        ("spans", "resource_id"): ("resources", "resource_id"),
        ("metric_series", "resource_id"): ("resources", "resource_id"),
        ("metric_points", "series_id"): ("metric_series", "series_id"),
        ("heartbeats", "resource_id"): ("resources", "resource_id"),
        ("sli_10s", "edge_id"): ("edges", "edge_id"),
        ("sli_1h", "edge_id"): ("edges", "edge_id"),
    }
    found = []
    for (table, column), (dictionary, key) in uses.items():
        sql = f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT {key} FROM {dictionary})"
        if count := cursor.execute(sql).fetchone()[0]:
            found.append(f"{count} rows of {table} name a {column} that {dictionary} has not")
    for dictionary, key in sorted(set(uses.values())):
        sql = f"SELECT count({key}) - count(DISTINCT {key}) FROM {dictionary}"
        if count := cursor.execute(sql).fetchone()[0]:
            found.append(f"{count} ids of {dictionary} are given twice")
    return found


def unequal_tiers(cursor) -> list[str]:
    sums = [
        cursor.execute(f"SELECT coalesce(sum(requests), 0) FROM sli_{tier}").fetchone()[0]
        for tier in ("10s", "1m", "1h")
    ]
    return [] if len(set(sums)) == 1 else [f"the tiers have {sums}"]
