"""The ADS conversation, as playbooks of what Envoy says and laws of what we may answer."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.snapshot import Resources, Snapshot
from proxy.xds.messages import Request, Response
from proxy.xds.stream import Stream
from proxy.xds.type_urls import CLUSTER, ENDPOINT, LISTENER, PUSH_ORDER, ROUTE
from tests.proxy.xds.playbook import Playbook, Publish, snapshot

FIRST = snapshot(CLUSTER={"a": "A1"}, ENDPOINT={"a": "E1", "b": "F1"}, ROUTE={"out": "R1"})
WANTS_CLUSTERS = Request(CLUSTER, frozenset())
CLUSTERS_1 = Response(CLUSTER, "A1", "1", (b"A1",))


def start() -> Playbook:
    """Return a playbook of a proxy that is connected and has asked nothing yet."""
    return Playbook() >> Publish(FIRST) << None


def test_a_first_request_without_names_is_answered_with_all_clusters() -> None:
    both = snapshot(CLUSTER={"a": "A1", "b": "B1"})
    answer = Response(CLUSTER, "A1 B1", "1", (b"A1", b"B1"))
    Playbook() >> Publish(both) << None >> WANTS_CLUSTERS << answer


def test_endpoints_are_sent_only_by_name() -> None:
    nothing = Response(ENDPOINT, "E1 F1", "1", ())
    one = Response(ENDPOINT, "E1 F1", "2", (b"F1",))
    playbook = start() >> Request(ENDPOINT, frozenset()) << nothing
    playbook >> Request(ENDPOINT, frozenset({"b"}), nonce="1") << one


def test_a_name_that_does_not_exist_is_answered_without_it() -> None:
    start() >> Request(ENDPOINT, frozenset({"z"})) << Response(ENDPOINT, "E1 F1", "1", ())


def test_an_ack_is_not_answered_and_is_written_down() -> None:
    playbook = start() >> WANTS_CLUSTERS << CLUSTERS_1
    playbook >> Request(CLUSTER, frozenset(), nonce="1") << None
    subscription = playbook.stream.subscriptions[CLUSTER]
    assert (subscription.acked_version, subscription.acked_at) == ("A1", 3.0)


def test_a_nack_keeps_what_was_acknowledged_and_nothing_is_sent_again() -> None:
    second = snapshot(CLUSTER={"a": "A2"})
    playbook = start() >> WANTS_CLUSTERS << CLUSTERS_1
    playbook >> Request(CLUSTER, frozenset(), nonce="1") << None
    playbook >> Publish(second) << Response(CLUSTER, "A2", "2", (b"A2",))
    playbook >> Request(CLUSTER, frozenset(), nonce="2", error="bad cluster") << None
    playbook >> Request(CLUSTER, frozenset(), nonce="2", error="bad cluster") << None
    playbook >> Publish(second) << None
    subscription = playbook.stream.subscriptions[CLUSTER]
    assert (subscription.acked_version, subscription.rejected_version) == ("A1", "A2")
    assert subscription.rejection == "bad cluster"
    assert not playbook.stream.in_sync()


def test_what_mends_a_nack_is_sent_even_if_it_was_acknowledged_before() -> None:
    playbook = start() >> WANTS_CLUSTERS << CLUSTERS_1
    playbook >> Request(CLUSTER, frozenset(), nonce="1") << None
    playbook >> Publish(snapshot(CLUSTER={"a": "A2"})) << Response(CLUSTER, "A2", "2", (b"A2",))
    playbook >> Request(CLUSTER, frozenset(), nonce="2", error="bad cluster") << None
    playbook >> Publish(snapshot(CLUSTER={"a": "A1"})) << Response(CLUSTER, "A1", "3", (b"A1",))
    playbook >> Request(CLUSTER, frozenset(), nonce="3") << None
    assert playbook.stream.in_sync()
    assert not playbook.stream.subscriptions[CLUSTER].rejection


def test_an_ack_of_a_response_that_was_overtaken_is_ignored() -> None:
    playbook = start() >> WANTS_CLUSTERS << CLUSTERS_1
    playbook >> Publish(snapshot(CLUSTER={"a": "A2"})) << Response(CLUSTER, "A2", "2", (b"A2",))
    playbook >> Request(CLUSTER, frozenset(), nonce="1") << None
    assert playbook.stream.subscriptions[CLUSTER].acked_version != "A2"
    playbook >> Request(CLUSTER, frozenset(), nonce="2") << None
    assert playbook.stream.subscriptions[CLUSTER].acked_version == "A2"


def test_names_that_came_with_a_stale_nonce_count_when_they_come_with_the_right_one() -> None:
    widened = Request(ENDPOINT, frozenset({"a", "b"}), nonce="1")
    second = snapshot(ENDPOINT={"a": "E2", "b": "F2"})
    playbook = start() >> Request(ENDPOINT, frozenset({"a"}))
    playbook << Response(ENDPOINT, "E1 F1", "1", (b"E1",))
    playbook >> Publish(second) << Response(ENDPOINT, "E2 F2", "2", (b"E2",))
    playbook >> widened << None
    both = Response(ENDPOINT, "E2 F2", "3", (b"E2", b"F2"))
    playbook >> replace(widened, nonce="2") << both


def test_a_request_with_a_consumed_nonce_is_answered_because_a_cluster_warms_anew() -> None:
    asks = Request(ENDPOINT, frozenset({"a"}))
    playbook = start() >> asks << Response(ENDPOINT, "E1 F1", "1", (b"E1",))
    playbook >> replace(asks, nonce="1") << None
    playbook >> replace(asks, nonce="1") << Response(ENDPOINT, "E1 F1", "2", (b"E1",))
    playbook >> replace(asks, nonce="2") << None


def test_widened_names_are_answered_even_on_an_ack_or_a_nack() -> None:
    asks = Request(ENDPOINT, frozenset({"a"}))
    playbook = start() >> asks << Response(ENDPOINT, "E1 F1", "1", (b"E1",))
    both = Request(ENDPOINT, frozenset({"a", "b"}), nonce="1", error="no such zone")
    playbook >> both << Response(ENDPOINT, "E1 F1", "2", (b"E1", b"F1"))


def test_a_new_stream_answers_a_request_that_still_bears_the_nonce_of_the_last_stream() -> None:
    start() >> Request(CLUSTER, frozenset(), nonce="17") << CLUSTERS_1


def test_a_type_that_we_do_not_serve_is_not_answered() -> None:
    start() >> Request("type.googleapis.com/envoy.service.runtime.v3.Runtime", frozenset()) << None


def test_only_what_changed_is_pushed_clusters_before_the_routes_that_name_them() -> None:
    playbook = start() >> Request(ROUTE, frozenset({"out"})) << Response(ROUTE, "R1", "1", (b"R1",))
    playbook >> Request(ENDPOINT, frozenset({"a"})) << Response(ENDPOINT, "E1 F1", "2", (b"E1",))
    playbook >> WANTS_CLUSTERS << Response(CLUSTER, "A1", "3", (b"A1",))
    second = snapshot(CLUSTER={"a": "A2"}, ENDPOINT={"a": "E1", "b": "F1"}, ROUTE={"out": "R2"})
    (
        playbook
        >> Publish(second)
        << [
            Response(CLUSTER, "A2", "4", (b"A2",)),
            Response(ROUTE, "R2", "5", (b"R2",)),
        ]
    )
    playbook >> Publish(second) << None


def test_a_type_that_was_not_asked_for_is_not_pushed() -> None:
    start() >> Publish(snapshot(LISTENER={"inbound": "L1"})) << None


def test_a_proxy_is_in_sync_when_every_type_that_holds_something_is_acknowledged() -> None:
    one = snapshot(CLUSTER={"a": "A1"}, LISTENER={"inbound": "L1"})
    playbook = Playbook() >> Publish(one) << None
    assert not playbook.stream.in_sync()
    playbook >> WANTS_CLUSTERS << CLUSTERS_1
    playbook >> Request(CLUSTER, frozenset(), nonce="1") << None
    assert not playbook.stream.in_sync()
    playbook >> Request(LISTENER, frozenset()) << Response(LISTENER, "L1", "2", (b"L1",))
    assert not playbook.stream.in_sync()
    playbook >> Request(LISTENER, frozenset(), nonce="2") << None
    assert playbook.stream.in_sync()


def test_a_stream_without_a_snapshot_is_silent_and_not_in_sync() -> None:
    playbook = Playbook() >> WANTS_CLUSTERS << None
    assert not playbook.stream.in_sync()


NAMES = frozenset({"a", "b", "c"})


class AnyConversation(RuleBasedStateMachine):
    """A proxy that says anything at any time, and what holds nevertheless."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = Stream()
        self.sent: list[Response] = []
        self.published = 0
        self.snapshot = snapshot()
        self.publish(dict.fromkeys(PUSH_ORDER, True))

    def note(self, responses: list[Response]) -> list[Response]:
        self.sent.extend(responses)
        return responses

    @rule(changed=st.fixed_dictionaries({type_url: st.booleans() for type_url in PUSH_ORDER}))
    def publish(self, changed: dict[str, bool]) -> None:
        self.published += 1
        old = self.snapshot.by_type
        version = str(self.published)
        fresh = Resources(version, {name: f"{name}{version}".encode() for name in NAMES})
        by_type = {t: fresh if changed[t] else old[t] for t in PUSH_ORDER}
        self.snapshot = Snapshot("gateway-1", by_type)
        pushed = self.note(self.stream.publish(self.snapshot, 0.0))
        order = [PUSH_ORDER.index(response.type_url) for response in pushed]
        assert order == sorted(set(order))

    @rule(
        type_url=st.sampled_from(PUSH_ORDER),
        names=st.frozensets(st.sampled_from(sorted(NAMES))),
        back=st.integers(0, 3),
        error=st.none() | st.just("no"),
    )
    def say_anything(
        self, type_url: str, names: frozenset[str], back: int, error: str | None
    ) -> None:
        nonces = [""] + [r.nonce for r in self.sent if r.type_url == type_url]
        request = Request(type_url, names, nonce=nonces[-1 - back % len(nonces)], error=error)
        answers = self.note(self.stream.receive(request, 0.0))
        assert len(answers) <= 1
        assert all(answer.type_url == type_url for answer in answers)

    @precondition(lambda self: self.sent)
    @rule()
    def acknowledge_everything(self) -> None:
        """What Envoy does by itself: it asks for all types and ACKs each last response."""
        for type_url in PUSH_ORDER:
            names = frozenset() if type_url in {CLUSTER, LISTENER} else NAMES
            said = 0
            last = [r for r in self.sent if r.type_url == type_url][-1:]
            request = Request(type_url, names, nonce=last[0].nonce if last else "")
            while answer := self.note(self.stream.receive(request, 0.0)):
                said += 1
                assert said <= 2, "ping-pong"
                assert answer[0].version == self.snapshot.by_type[type_url].version
                request = replace(request, nonce=answer[0].nonce)
        assert self.stream.in_sync()

    @invariant()
    def nonces_strictly_increase(self) -> None:
        nonces = [int(response.nonce) for response in self.sent]
        assert nonces == list(range(1, len(nonces) + 1))

    @invariant()
    def an_acknowledged_version_was_sent(self) -> None:
        for type_url, subscription in self.stream.subscriptions.items():
            versions = {r.version for r in self.sent if r.type_url == type_url} | {""}
            assert subscription.acked_version in versions


TestAnyConversation = AnyConversation.TestCase
TestAnyConversation.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
