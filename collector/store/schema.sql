-- The DuckDB schema, version 4; every change of it is also in migrations/.
-- Times are UTC: *_ns nanoseconds, bucket_s seconds since the epoch.
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
    attributes    VARCHAR  NOT NULL,    -- JSON, as the decoders wrote it: not parsed again on insert
    events        VARCHAR,              -- JSON; NULL when there are none
    links         VARCHAR,
    adjusted_count  DOUBLE   NOT NULL DEFAULT 1, -- spans this one stands for: tracestate ot=th
    adjusted_origin UTINYINT NOT NULL DEFAULT 0  -- 0 unsaid, 1 stated, 2 malformed: both then count 1
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
    attributes    JSON     NOT NULL,
    first_ns      BIGINT   NOT NULL     -- time of the first point
);

CREATE TABLE metric_points (
    series_id     INTEGER  NOT NULL,
    time_ns       BIGINT   NOT NULL,
    start_ns      BIGINT   NOT NULL,    -- 0 when unset; Envoy's microseconds already mended
    value_int     BIGINT,               -- exactly one of value_int, value_double; both NULL: no recorded value
    value_double  DOUBLE,
    is_sorted     UTINYINT NOT NULL DEFAULT 0 -- 1: in a row group sorted by series_id, time_ns; of BOOLEAN DuckDB skips no row groups
);

-- Bounds of explicit histograms, interned: they are the same in thousands of rows.
CREATE TABLE bounds (bounds_id INTEGER NOT NULL, bounds DOUBLE[] NOT NULL);

CREATE TABLE histogram_points (
    series_id     INTEGER  NOT NULL,
    time_ns       BIGINT   NOT NULL,
    start_ns      BIGINT   NOT NULL,
    count         UBIGINT,              -- NULL: no recorded value
    sum           DOUBLE,               -- NULL when unset, as min and max
    min           DOUBLE,
    max           DOUBLE,
    bounds_id     INTEGER  NOT NULL,
    first_bucket  INTEGER  NOT NULL,    -- bucket_counts begins with this bucket (0: up to the first bound)
    bucket_counts UBIGINT[] NOT NULL    -- every other bucket is 0
);

-- Bucket i of scale s holds (2^(i / 2^s), 2^((i+1) / 2^s)]; counts begin with bucket *_offset.
CREATE TABLE exponential_points (
    series_id     INTEGER  NOT NULL,
    time_ns       BIGINT   NOT NULL,
    start_ns      BIGINT   NOT NULL,
    count         UBIGINT,              -- NULL: no recorded value
    sum           DOUBLE,
    min           DOUBLE,
    max           DOUBLE,
    scale         TINYINT  NOT NULL,
    zero_count    UBIGINT  NOT NULL,
    zero_threshold DOUBLE  NOT NULL,
    positive_offset INTEGER NOT NULL,
    positive_counts UBIGINT[] NOT NULL,
    negative_offset INTEGER NOT NULL,
    negative_counts UBIGINT[] NOT NULL
);

CREATE TABLE summary_points (
    series_id     INTEGER  NOT NULL,
    time_ns       BIGINT   NOT NULL,
    start_ns      BIGINT   NOT NULL,
    count         UBIGINT,              -- NULL: no recorded value
    sum           DOUBLE,
    quantiles     DOUBLE[] NOT NULL,    -- 0..1, and as long as quantile_values
    quantile_values DOUBLE[] NOT NULL
);

-- Examples of what a point of any type counted, with the trace they were seen in.
CREATE TABLE exemplars (
    series_id     INTEGER  NOT NULL,
    time_ns       BIGINT   NOT NULL,
    value_int     BIGINT,               -- exactly one of value_int, value_double
    value_double  DOUBLE,
    trace_hi      UBIGINT,              -- NULL outside of a trace
    trace_lo      UBIGINT,
    span_id       UBIGINT,
    attributes    JSON     NOT NULL     -- those that the series has not
);

-- What metrics say of themselves; several exporters may say different things.
CREATE TABLE metric_descriptions (name VARCHAR NOT NULL, description VARCHAR NOT NULL);

-- Each process that exports cumulative points, by its start time. is_news: the first value of each
-- of its series counts in full; else it is a baseline. See collector/otlp/counters.py.
CREATE TABLE exporter_starts (
    resource_id   INTEGER  NOT NULL,
    start_ns      BIGINT   NOT NULL,    -- 0 when unset
    first_ns      BIGINT   NOT NULL,    -- time of its first point
    is_news       BOOLEAN  NOT NULL
);

-- Instrumentation scopes of logs.
CREATE TABLE scopes (
    scope_id      INTEGER  NOT NULL,
    name          VARCHAR  NOT NULL,
    version       VARCHAR  NOT NULL,
    attributes    JSON     NOT NULL
);

CREATE TABLE logs (
    time_ns       BIGINT   NOT NULL,    -- else the observed time, else that of arrival
    observed_ns   BIGINT   NOT NULL,    -- 0 when unset
    resource_id   INTEGER  NOT NULL,
    scope_id      INTEGER,              -- NULL in rows of schema version 1
    trace_hi      UBIGINT,
    trace_lo      UBIGINT,
    span_id       UBIGINT,
    flags         UINTEGER NOT NULL,    -- W3C trace flags in the low byte
    severity      UTINYINT NOT NULL,    -- OTLP SeverityNumber 0..24
    severity_text VARCHAR  NOT NULL,
    event_name    VARCHAR  NOT NULL,
    body_type     UTINYINT NOT NULL,    -- 0 none, 1 text, 2 JSON of any other AnyValue
    body          VARCHAR  NOT NULL,
    attributes    JSON     NOT NULL,
    dropped_attributes UINTEGER NOT NULL
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
    canonical     BOOLEAN NOT NULL,     -- true: this row counts the request; see ADR 3
    signal        VARCHAR NOT NULL,     -- sli | istio | linkerd_route | linkerd | envoy_cluster | spans; see ADR 5
    workload      VARCHAR NOT NULL      -- version of the service that reports, or ''
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

-- Hours of spans that are over lie in Parquet files, sorted by trace. A file without a row here is
-- no data. Its columns are those of spans, but an attribute is a column '@key' of JSON values, and
-- 'rest' holds all attributes of the spans that do not fit; keep_reason and keep_ratio come on top.
CREATE SEQUENCE sealed_file_ids;
CREATE TABLE sealed_files (
    file_id       INTEGER NOT NULL,
    path          VARCHAR NOT NULL,     -- name within <store>.sealed/spans
    hour_s        BIGINT  NOT NULL,     -- the hour all spans started in; late ones get a further file
    from_ns       BIGINT  NOT NULL,     -- first start
    to_ns         BIGINT  NOT NULL,     -- last start
    rows          BIGINT  NOT NULL,
    bytes         BIGINT  NOT NULL,
    attribute_keys VARCHAR[] NOT NULL,  -- the keys that are columns
    has_rest      BOOLEAN NOT NULL,
    sealed_ns     BIGINT  NOT NULL
);
-- Which files have spans of a trace, sorted within each file.
CREATE TABLE trace_index (trace_key UBIGINT NOT NULL, file_id INTEGER NOT NULL); -- trace_hi xor trace_lo

-- Tail sampling: what was decided on a trace, for the spans that come after it.
CREATE TABLE sampling_decisions (
    trace_hi      UBIGINT NOT NULL,
    trace_lo      UBIGINT NOT NULL,
    decided_ns    BIGINT  NOT NULL,
    keep_reason   VARCHAR,              -- NULL: dropped
    keep_ratio    DOUBLE  NOT NULL      -- the chance of being kept; 1 / keep_ratio weighs a kept trace
);
-- What sampling dropped; rows add up. A trace counts once, at the service and hour it was judged in.
CREATE TABLE sampled_out (hour_s BIGINT NOT NULL, service VARCHAR NOT NULL, traces BIGINT NOT NULL, spans BIGINT NOT NULL);

-- What Alertmanager told of alerts: a row for an alert and its start. A repeat changes nothing.
CREATE TABLE told_alerts (
    fingerprint   VARCHAR NOT NULL,     -- Alertmanager's name of a set of labels
    starts_ns     BIGINT  NOT NULL,
    ends_ns       BIGINT,               -- the latest that was told; NULL: only ever told as firing
    group_key     VARCHAR NOT NULL,     -- of the message it first came in
    labels        VARCHAR NOT NULL,     -- JSON, as first told
    annotations   VARCHAR NOT NULL,     -- JSON, as first told
    generator_url VARCHAR NOT NULL,
    peers         VARCHAR[] NOT NULL,   -- who called its services, and whom they called, in the hour before
    told_ns       BIGINT  NOT NULL      -- when it first came
);
-- Groups of notifications, by Alertmanager's groupKey.
CREATE TABLE alert_groups (
    group_key     VARCHAR NOT NULL,
    receiver      VARCHAR NOT NULL,
    over_ns       BIGINT,               -- what began by then is over: the whole group was told as resolved, cut off
    left_out      BIGINT  NOT NULL,     -- the most alerts that max_alerts cut off one message
    told_ns       BIGINT  NOT NULL      -- when it was last told
);
-- What people said about an incident, kept with the alert that names it.
CREATE TABLE incident_entries (
    fingerprint   VARCHAR NOT NULL,
    starts_ns     BIGINT  NOT NULL,
    at_ns         BIGINT  NOT NULL,
    kind          VARCHAR NOT NULL,     -- acknowledged | note
    author        VARCHAR NOT NULL,
    text          VARCHAR NOT NULL
);
