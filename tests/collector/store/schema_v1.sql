-- The DuckDB schema, version 1. Times are UTC: *_ns nanoseconds, bucket_s seconds since the epoch.
-- Hot tables have no indexes; ids are interned by the writer and committed with the rows using them.

CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

-- One row per OTLP resource: who exported.
CREATE TABLE resources (
    resource_id   INTEGER NOT NULL,
    service       VARCHAR NOT NULL,     -- service.name, or 'unknown_service'
    namespace     VARCHAR NOT NULL,     -- service.namespace, or ''
    version       VARCHAR NOT NULL,     -- service.version, or ''
    instance      VARCHAR NOT NULL,     -- service.instance.id, or ''
    attributes    JSON    NOT NULL      -- all resource attributes
);

-- Low-cardinality strings: span names, metric names, routes, flags.
CREATE TABLE strings (string_id INTEGER NOT NULL, value VARCHAR NOT NULL);

CREATE TABLE spans (
    trace_hi      UBIGINT  NOT NULL,    -- trace id, first 8 bytes big-endian
    trace_lo      UBIGINT  NOT NULL,
    span_id       UBIGINT  NOT NULL,
    parent_id     UBIGINT,              -- NULL for a root span
    resource_id   INTEGER  NOT NULL,
    name_id       INTEGER  NOT NULL,
    kind          UTINYINT NOT NULL,    -- OTLP SpanKind 0..5
    start_ns      BIGINT   NOT NULL,
    duration_ns   BIGINT   NOT NULL,    -- end - start; never negative
    status        UTINYINT NOT NULL,    -- OTLP StatusCode 0..2
    http_status   USMALLINT,            -- http.response.status_code or http.status_code
    is_error      BOOLEAN  NOT NULL,    -- from status code, response flags and status, not status alone
    route_id      INTEGER  NOT NULL,    -- mesh.route, or ''
    flags_id      INTEGER  NOT NULL,    -- response_flags, or '-'
    trace_state   VARCHAR  NOT NULL,
    attributes    JSON     NOT NULL,
    events        JSON,                 -- NULL when there are none
    links         JSON
);

-- One row per metric stream (resource + scope + name + unit + type + temporality + attributes).
CREATE TABLE metric_series (
    series_id     INTEGER  NOT NULL,
    resource_id   INTEGER  NOT NULL,
    scope         VARCHAR  NOT NULL,    -- instrumentation scope name, or ''
    name          VARCHAR  NOT NULL,
    unit          VARCHAR  NOT NULL,
    type          VARCHAR  NOT NULL,    -- gauge | sum | histogram | exponential_histogram | summary
    temporality   UTINYINT NOT NULL,    -- 0 none, 1 delta, 2 cumulative
    is_monotonic  BOOLEAN  NOT NULL,
    attributes    JSON     NOT NULL
);

CREATE TABLE metric_points (
    series_id     INTEGER  NOT NULL,
    time_ns       BIGINT   NOT NULL,
    start_ns      BIGINT   NOT NULL,    -- 0 when unset; Envoy's microseconds already mended
    value_int     BIGINT,               -- exactly one of value_int, value_double; both NULL: no recorded value
    value_double  DOUBLE
);

CREATE TABLE histogram_points (
    series_id     INTEGER  NOT NULL,
    time_ns       BIGINT   NOT NULL,
    start_ns      BIGINT   NOT NULL,
    count         UBIGINT  NOT NULL,
    sum           DOUBLE,
    bounds        DOUBLE[] NOT NULL,
    bucket_counts UBIGINT[] NOT NULL
);

CREATE TABLE logs (
    time_ns       BIGINT   NOT NULL,
    resource_id   INTEGER  NOT NULL,
    trace_hi      UBIGINT,
    trace_lo      UBIGINT,
    span_id       UBIGINT,
    severity      UTINYINT NOT NULL,
    body          VARCHAR  NOT NULL,
    attributes    JSON     NOT NULL
);

-- The canonical edge: one row per distinct combination, shared by every rollup tier.
CREATE TABLE edges (
    edge_id       INTEGER NOT NULL,
    reporter      VARCHAR NOT NULL,     -- source (caller's proxy) | destination (callee's proxy)
    source        VARCHAR NOT NULL,     -- service name, or 'external'
    destination   VARCHAR NOT NULL,     -- service name, or 'unknown'
    version       VARCHAR NOT NULL,     -- destination version, or ''
    route         VARCHAR NOT NULL,     -- route name, or ''
    code          USMALLINT NOT NULL,   -- HTTP status; 0: no response
    flags         VARCHAR NOT NULL,     -- Envoy response flags, '-' for none
    mtls          VARCHAR NOT NULL,     -- mtls | plaintext | none (nothing was reached)
    canonical     BOOLEAN NOT NULL      -- true: this row counts the request; see ADR 3
);

-- Rollups are additive: every query sums, so that several rows of one key are fine and compaction
-- changes nothing. Each tier holds the whole of its time range.
CREATE TABLE sli_10s (bucket_s BIGINT NOT NULL, edge_id INTEGER NOT NULL, requests BIGINT NOT NULL, attempts BIGINT NOT NULL);
CREATE TABLE sli_1m  (bucket_s BIGINT NOT NULL, edge_id INTEGER NOT NULL, requests BIGINT NOT NULL, attempts BIGINT NOT NULL);
CREATE TABLE sli_1h  (bucket_s BIGINT NOT NULL, edge_id INTEGER NOT NULL, requests BIGINT NOT NULL, attempts BIGINT NOT NULL);
-- latency_bucket: 0 below 64 us; i in 1..160 is (2^(6+(i-1)/8), 2^(6+i/8)] us; 161 above 67 s.
CREATE TABLE latency_10s (bucket_s BIGINT NOT NULL, edge_id INTEGER NOT NULL, latency_bucket SMALLINT NOT NULL, count BIGINT NOT NULL);
CREATE TABLE latency_1m  (bucket_s BIGINT NOT NULL, edge_id INTEGER NOT NULL, latency_bucket SMALLINT NOT NULL, count BIGINT NOT NULL);
CREATE TABLE latency_1h  (bucket_s BIGINT NOT NULL, edge_id INTEGER NOT NULL, latency_bucket SMALLINT NOT NULL, count BIGINT NOT NULL);

-- When each exporter was last heard: a silent proxy is a fact of its own, and coverage comes from it.
CREATE TABLE heartbeats (bucket_s BIGINT NOT NULL, resource_id INTEGER NOT NULL);

-- Content hashes of committed export requests: a retry within 15 minutes is answered, not counted.
CREATE TABLE export_requests (received_ns BIGINT NOT NULL, digest BLOB NOT NULL);
