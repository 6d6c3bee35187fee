"""The composition root: settings -> store -> writer -> receivers -> web app, in one process.

One process owns the DuckDB file (ADR 1), so ingest, queries, evaluation and the pages live here
together. The end is the reverse of the start: no new telemetry, drain what came, close the file.
"""

import contextlib
import importlib.metadata
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import structlog
import uvicorn

from alerts.evaluation.reading import BadRules
from alerts.evaluator import Evaluator
from alerts.incidents.desk import Desk, forgetting
from collector.otlp.cardinality import CardinalityLimits
from collector.receiver.admission import Admission
from collector.receiver.cors import Cors
from collector.receiver.errors import BadCredentialFile, PortInUse
from collector.receiver.export import Sink
from collector.receiver.gathering import Gatherer
from collector.receiver.grpc import Keepalive, start_grpc
from collector.receiver.http import start_http
from collector.receiver.intake import Intake
from collector.receiver.listening import Listening
from collector.receiver.remote_write import RemoteWrite
from collector.receiver.tls import ssl_context
from collector.redaction.errors import BadPolicy
from collector.redaction.policy import Policy
from collector.redaction.policy_file import parse_policy
from collector.redaction.redactor import Redactor
from collector.sampling import InvalidPolicy
from collector.store.checkpoint import CheckpointPolicy
from collector.store.compaction import Retention
from collector.store.disk import DiskLevel, Watermarks
from collector.store.errors import StoreBroken, StoreError
from collector.store.limits import engine_limits
from collector.store.sealed_files import SealedRetention
from collector.store.sealing import SealingSettings, sealing
from collector.store.sorting import sorting
from collector.store.store import Store, open_store
from collector.store.writer import Writer, WriterLimits
from dashboards.access import otlp_access, web_access, web_tls, webhook_access, write_access
from dashboards.evaluation import RuleSettings, evaluating
from dashboards.sampling_file import load_policy
from dashboards.selfwatch import Selfwatch
from dashboards.settings import ServerSettings, is_loopback, split_address
from dashboards.store_metrics import register_flow, register_tables
from dashboards.web.app import create_app
from dashboards.web.deps import Deps
from dashboards.web.webhook import Webhook
from slo.errors import OpenSloError
from slo.ledger import Ledger
from slo.model import Slo
from slo.openslo import load_openslo

log = structlog.get_logger()

GRACE_S = 3
_DAY_S = 86_400
_DECODERS = 2


class ServerFailed(Exception):
    """The server cannot start; the text names what to change."""


def run(settings: ServerSettings) -> None:
    """Serve until SIGINT or SIGTERM; ServerFailed when it cannot start."""
    slos = _objectives(settings)
    try:
        limits = engine_limits(settings.store_memory, settings.store_threads)
        with open_store(settings.store, limits=limits) as store:
            _serve(settings, store, slos)
    except (StoreError, PortInUse, BadCredentialFile, BadRules) as error:
        raise ServerFailed(str(error)) from error


def _serve(settings: ServerSettings, store: Store, slos: tuple[Slo, ...]) -> None:
    redactor = Redactor(_redaction(settings))
    ledger = _ledger(settings)
    admission = Admission(settings.otlp_max_requests, settings.otlp_max_inflight_bytes)
    with (
        _listen(settings.web, "--web (or MESHSCOPE_WEB)") as listener,
        contextlib.closing(_writer(settings, store)) as writer,
        _sealed(settings, store),
        sorting(store, writer.between, has_room=lambda: writer.disk.level() is DiskLevel.ROOMY),
        _watched(settings, store, writer, redactor, admission) as selfwatch,
        ThreadPoolExecutor(_DECODERS, thread_name_prefix="remote-write") as pool,
        _evaluated(settings, store, slos, writer, selfwatch, ledger) as evaluator,
    ):
        desk = Desk(store, writer, time.time_ns)
        webhook = Webhook(desk, webhook_access(settings))
        webhook.register(selfwatch.registry)
        access = web_access(settings, time.time)
        selfwatch.registry.counter("meshscope_web_refused_total", "Requests to the web port "
                                   "that were not answered.", access.refused.values,
                                   ("reason",))  # fmt: skip
        _warn(settings)
        samples = Intake(writer, redactor.redact, selfwatch.received, "remote_write")
        deps = Deps(
            store=store,
            slos=slos,
            clock_s=time.time,
            version=importlib.metadata.version("meshscope"),
            grafana_url=settings.grafana_url,
            selfwatch=selfwatch,
            max_skew_ns=round(settings.trace_skew_max_s * 10**9),
            evaluator=evaluator,
            alertmanagers=settings.alertmanager,
            ledger=ledger,
            desk=desk,
            webhook=webhook,
            remote_write=RemoteWrite(
                sink=samples,
                pool=pool,
                max_body_bytes=settings.max_body_bytes,
                keep_ns=settings.keep_metrics_days * _DAY_S * 10**9,
                clock_ns=time.time_ns,
                admission=admission,
                access=write_access(settings),
            ),
            access=access,
        )
        log.info(
            "meshscope serves",
            web=f"{settings.web_url}/",
            otlp_grpc=settings.otlp_grpc,
            otlp_http=settings.otlp_http,
            store=str(settings.store),
            objectives=len(slos),
        )
        tls = web_tls(settings)
        context = ssl_context(tls) if tls else None
        config = uvicorn.Config(
            create_app(deps),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            ssl_context_factory=(lambda _config, _default: context) if context else None,
            timeout_graceful_shutdown=GRACE_S,
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _ended)
        uvicorn.Server(config).run(sockets=[listener])
        if writer.broken:
            raise StoreBroken(writer.broken)


def _warn(settings: ServerSettings) -> None:
    """Say what is allowed and still no good idea."""
    host, _ = split_address(settings.web)
    if not is_loopback(host) and settings.web_asks_for_tokens and not settings.web_tls_cert:
        log.warning(
            "tokens and pages can be read on the way: give --web-tls-cert and --web-tls-key, or "
            "let a proxy with TLS be the only one who reaches the port",
            web=settings.web_url,
        )


def _evaluated(
    settings: ServerSettings,
    store: Store,
    slos: tuple[Slo, ...],
    writer: Writer,
    watch: Selfwatch,
    ledger: Ledger | None,
) -> contextlib.AbstractContextManager[Evaluator | None]:
    """Evaluate rules, if there are any to evaluate."""
    if not settings.rules and not settings.evaluate:
        return contextlib.nullcontext()
    rules = RuleSettings(
        slos=slos,
        files=settings.rules,
        alertmanagers=settings.alertmanager,
        external_url=settings.external_url or settings.web_url,
        external_labels=settings.external_labels,
        corrections=tuple if ledger is None else ledger.corrections,
    )
    return evaluating(rules, store, writer, watch.registry, time.time)


def _writer(settings: ServerSettings, store: Store) -> Writer:
    limits = WriterLimits(
        disk=Watermarks(settings.disk_shed_below, settings.disk_refuse_below),
        checkpoint=_checkpoints(settings),
    )
    retention = Retention(
        spans_s=settings.keep_spans_days * _DAY_S,
        metrics_s=settings.keep_metrics_days * _DAY_S,
        logs_s=settings.keep_logs_days * _DAY_S,
        sli_10s_s=min(settings.keep_metrics_days, settings.keep_counts_days) * _DAY_S,
        sli_1m_s=min(60, settings.keep_counts_days) * _DAY_S,
        sli_1h_s=settings.keep_counts_days * _DAY_S,
        store_bytes=settings.store_max or 0,
    )
    cardinality = CardinalityLimits(
        settings.series_per_metric, settings.series_per_service, settings.edges_per_service
    )
    return Writer(
        store,
        limits=limits,
        retention=retention,
        steps=(("incidents", forgetting(settings.keep_incidents_days * _DAY_S)),),
        on_broken=_end,
        cardinality=cardinality,
    )


def _checkpoints(settings: ServerSettings) -> CheckpointPolicy:
    """Keep the log short beside a small store, for it counts as a part of it."""
    if settings.store_max is None:
        return CheckpointPolicy(wal_bytes=settings.checkpoint_wal)
    wal_bytes = min(settings.checkpoint_wal, settings.store_max // 12)
    return CheckpointPolicy(wal_bytes=wal_bytes, most_wal_bytes=2 * wal_bytes)


def _sealed(settings: ServerSettings, store: Store) -> contextlib.AbstractContextManager[object]:
    """Seal the spans of hours that are over, unless told not to."""
    if not settings.sealing:
        return contextlib.nullcontext()
    try:
        policy = None if settings.sampling is None else load_policy(settings.sampling)
    except (InvalidPolicy, OSError) as error:
        raise ServerFailed(f"--sampling (or MESHSCOPE_SAMPLING): {error}") from error
    retention = SealedRetention(settings.keep_spans_days * _DAY_S, settings.sealed_max)
    return sealing(store, SealingSettings(sampling=policy, retention=retention))


def _end(_reason: str) -> None:
    """End the process as a signal would: only a new one can open the store again."""
    os.kill(os.getpid(), signal.SIGTERM)


def _ended(_number: int, _frame: FrameType | None) -> None:
    """Take the signal that uvicorn raises again after its end: draining and closing follow."""


@contextlib.contextmanager
def _watched(
    settings: ServerSettings,
    store: Store,
    writer: Writer,
    redactor: Redactor,
    admission: Admission,
) -> Iterator[Selfwatch]:
    """Redact and count what the receivers take, before the writer sees it."""
    watch = Selfwatch(writer, settings.store, time.time)
    keeper = Listening(writer, watch.exporters, time.time)
    register_flow(watch.registry, keeper, watch.received, writer)
    register_tables(watch.registry, store, time.time)

    def intake(transport: str) -> Intake:
        return Intake(keeper, redactor.redact, watch.received, transport)

    with (
        Gatherer(intake("grpc")) as grpc,
        _receivers(settings, grpc, intake("http"), watch, admission),
    ):
        yield watch


def _redaction(settings: ServerSettings) -> Policy:
    given = settings.redaction_salt
    salt = given.get_secret_value() if given else None
    if settings.redaction is None:
        return Policy(salt=salt)
    try:
        text = settings.redaction.read_text(encoding="utf-8")
        return parse_policy(text, file=str(settings.redaction), salt=salt)
    except (BadPolicy, OSError, UnicodeDecodeError) as error:
        raise ServerFailed(f"--redaction (or MESHSCOPE_REDACTION): {error}") from error


@contextlib.contextmanager
def _receivers(
    settings: ServerSettings, grpc: Sink, http: Sink, watch: Selfwatch, admission: Admission
) -> Iterator[None]:
    """Hold both OTLP receivers open; they end before the writer does."""
    access = otlp_access(settings)
    with contextlib.ExitStack() as started:
        host, port = split_address(settings.otlp_grpc)
        started.callback(
            start_grpc(
                grpc,
                host=host,
                port=port,
                setting="--otlp-grpc (or MESHSCOPE_OTLP_GRPC)",
                max_message_bytes=settings.otlp_max_message_bytes,
                access=access,
                admission=admission,
                keepalive=Keepalive(max_age_s=settings.otlp_max_connection_age_s),
                trouble=lambda: "; ".join(watch.not_ready()),
            ).stop
        )
        host, port = split_address(settings.otlp_http)
        started.callback(
            start_http(
                http,
                host=host,
                port=port,
                setting="--otlp-http (or MESHSCOPE_OTLP_HTTP)",
                max_body_bytes=settings.max_body_bytes,
                access=access,
                admission=admission,
                cors=Cors(settings.otlp_cors_origins, max_age_s=settings.otlp_cors_max_age_s),
                paths={
                    settings.otlp_http_traces_path: "traces",
                    settings.otlp_http_metrics_path: "metrics",
                    settings.otlp_http_logs_path: "logs",
                },
            ).stop
        )
        yield


@contextlib.contextmanager
def _listen(address: str, setting: str) -> Iterator[socket.socket]:
    """Bind before anything else starts, so that a taken port is one clear line."""
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise PortInUse(host, port, setting) from error
        yield listener


def _ledger(settings: ServerSettings) -> Ledger | None:
    """Open the corrections of objectives; a file that cannot be read is told of at the start."""
    if settings.slo_corrections is None:
        return None
    ledger = Ledger(settings.slo_corrections)
    try:
        ledger.corrections()
    except (OpenSloError, OSError) as error:
        raise ServerFailed(str(error)) from error
    return ledger


def _objectives(settings: ServerSettings) -> tuple[Slo, ...]:
    try:
        catalog = load_openslo(settings.slo, strict=not settings.slo_lenient)
    except (OpenSloError, OSError) as error:
        raise ServerFailed(str(error)) from error
    for warning in catalog.warnings:
        log.warning("objective_read_with_a_warning", lint=warning.lint, warning=str(warning))
    return catalog.slos
