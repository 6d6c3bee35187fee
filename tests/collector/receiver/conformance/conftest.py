"""Servers on free ports: one node for a module, and more of them where a test needs its own."""

from dataclasses import dataclass

import httpx
import pytest

from collector.receiver.grpc import GrpcReceiver, start_grpc
from collector.receiver.http import start_http
from collector.store.store import Store, open_store
from collector.store.writer import Writer
from tests.collector.receiver.conformance.rig import now_ns


@dataclass
class Node:
    """A store with both receivers before it."""

    store: Store
    writer: Writer
    grpc: GrpcReceiver
    http: httpx.Client

    def count(self, table, where="true"):
        query = f"SELECT count(*) FROM {table} WHERE {where}"
        return self.store.cursor().execute(query).fetchone()[0]

    def named(self, name):
        """Count the spans of a name."""
        return self.count("spans JOIN strings ON name_id = string_id", f"value = '{name}'")


@pytest.fixture(scope="module")
def node():
    with open_store() as store:
        writer = Writer(store)
        grpc_receiver = start_grpc(writer, port=0, clock_ns=now_ns)
        http_receiver = start_http(writer, port=0, clock_ns=now_ns)
        with httpx.Client(base_url=f"http://127.0.0.1:{http_receiver.port}", timeout=20) as client:
            yield Node(store, writer, grpc_receiver, client)
        http_receiver.stop()
        grpc_receiver.stop(0)
        writer.close()


@pytest.fixture
def start():
    """Return start(kind, sink, **options): a receiver of the test's own."""
    receivers = []

    def begin(kind, sink, **options):
        receiver = kind(sink, port=0, **{"clock_ns": now_ns} | options)
        receivers.append(receiver)
        return receiver

    yield begin
    for receiver in receivers:
        receiver.stop()


@pytest.fixture
def serve_grpc(start):
    return lambda sink, **options: start(start_grpc, sink, **options)


@pytest.fixture
def serve_http(start):
    """Return serve_http(sink, **options): an HTTP client of a receiver; ``client.port`` is its."""
    clients = []

    def begin(sink, **options):
        receiver = start(start_http, sink, **options)
        client = httpx.Client(base_url=f"http://127.0.0.1:{receiver.port}", timeout=20)
        client.port, client.receiver = receiver.port, receiver
        clients.append(client)
        return client

    yield begin
    for client in clients:
        client.close()
