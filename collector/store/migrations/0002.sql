-- Version 1 -> 2: the changes of ../schema.sql since version 1, in the same order, as ALTER and CREATE.
-- A migrated file has the columns, types and nullability of a new one; a test compares them. So a
-- new NOT NULL column comes in three steps: ADD COLUMN c T DEFAULT v; ALTER COLUMN c SET NOT NULL;
-- ALTER COLUMN c DROP DEFAULT; an UPDATE of the table only after all of them. Everything runs in one
-- transaction, without COMMIT or CHECKPOINT.

-- Which signal reported an edge: until now there was one.
ALTER TABLE edges ADD COLUMN signal VARCHAR DEFAULT 'sli';
ALTER TABLE edges ALTER COLUMN signal SET NOT NULL;
ALTER TABLE edges ALTER COLUMN signal DROP DEFAULT;

-- Histograms name their bounds by id, know min and max, and may be gaps.
CREATE TABLE bounds (bounds_id INTEGER NOT NULL, bounds DOUBLE[] NOT NULL);
INSERT INTO bounds
    SELECT row_number() OVER (ORDER BY bounds) - 1, bounds FROM (SELECT DISTINCT bounds FROM histogram_points);
ALTER TABLE histogram_points RENAME TO histogram_points_1;
CREATE TABLE histogram_points (
    series_id     INTEGER  NOT NULL,
    time_ns       BIGINT   NOT NULL,
    start_ns      BIGINT   NOT NULL,
    count         UBIGINT,
    sum           DOUBLE,
    min           DOUBLE,
    max           DOUBLE,
    bounds_id     INTEGER  NOT NULL,
    first_bucket  INTEGER  NOT NULL,
    bucket_counts UBIGINT[] NOT NULL
);
INSERT INTO histogram_points
    SELECT series_id, time_ns, start_ns, count, sum, NULL, NULL, bounds_id, 0, bucket_counts
    FROM histogram_points_1 JOIN bounds USING (bounds);
DROP TABLE histogram_points_1;

-- Metrics of every other shape, and what is known of a series.
CREATE TABLE exponential_points (
    series_id     INTEGER  NOT NULL,
    time_ns       BIGINT   NOT NULL,
    start_ns      BIGINT   NOT NULL,
    count         UBIGINT,
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
    count         UBIGINT,
    sum           DOUBLE,
    quantiles     DOUBLE[] NOT NULL,
    quantile_values DOUBLE[] NOT NULL
);

CREATE TABLE exemplars (
    series_id     INTEGER  NOT NULL,
    time_ns       BIGINT   NOT NULL,
    value_int     BIGINT,
    value_double  DOUBLE,
    trace_hi      UBIGINT,
    trace_lo      UBIGINT,
    span_id       UBIGINT,
    attributes    JSON     NOT NULL
);

CREATE TABLE metric_descriptions (name VARCHAR NOT NULL, description VARCHAR NOT NULL);

CREATE TABLE scopes (
    scope_id      INTEGER  NOT NULL,
    name          VARCHAR  NOT NULL,
    version       VARCHAR  NOT NULL,
    attributes    JSON     NOT NULL
);

ALTER TABLE metric_series ADD COLUMN first_ns BIGINT DEFAULT 0;
ALTER TABLE metric_series ALTER COLUMN first_ns SET NOT NULL;
ALTER TABLE metric_series ALTER COLUMN first_ns DROP DEFAULT;
UPDATE metric_series SET first_ns = firsts.time_ns FROM (
    SELECT series_id, min(time_ns) AS time_ns FROM (
        SELECT series_id, time_ns FROM metric_points UNION ALL
        SELECT series_id, time_ns FROM histogram_points)
    GROUP BY series_id) AS firsts
WHERE firsts.series_id = metric_series.series_id;

-- Exporters: news is who started within 10 minutes of its first point, or after its predecessor.
CREATE TABLE exporter_starts (
    resource_id   INTEGER  NOT NULL,
    start_ns      BIGINT   NOT NULL,
    first_ns      BIGINT   NOT NULL,
    is_news       BOOLEAN  NOT NULL
);
INSERT INTO exporter_starts
    SELECT resource_id, start_ns, first_ns,
        (start_ns > 0 AND first_ns - start_ns <= 600_000_000_000) OR coalesce(start_ns >= max(last_ns) OVER (
            PARTITION BY resource_id ORDER BY first_ns ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false)
    FROM (
        SELECT resource_id, start_ns, min(time_ns) AS first_ns, max(time_ns) AS last_ns FROM (
            SELECT series_id, start_ns, time_ns FROM metric_points UNION ALL
            SELECT series_id, start_ns, time_ns FROM histogram_points)
        JOIN metric_series USING (series_id) WHERE temporality = 2
        GROUP BY resource_id, start_ns);

-- Logs whole.
ALTER TABLE logs RENAME TO logs_1;
CREATE TABLE logs (
    time_ns       BIGINT   NOT NULL,
    observed_ns   BIGINT   NOT NULL,
    resource_id   INTEGER  NOT NULL,
    scope_id      INTEGER,
    trace_hi      UBIGINT,
    trace_lo      UBIGINT,
    span_id       UBIGINT,
    flags         UINTEGER NOT NULL,
    severity      UTINYINT NOT NULL,
    severity_text VARCHAR  NOT NULL,
    event_name    VARCHAR  NOT NULL,
    body_type     UTINYINT NOT NULL,
    body          VARCHAR  NOT NULL,
    attributes    JSON     NOT NULL,
    dropped_attributes UINTEGER NOT NULL
);
INSERT INTO logs
    SELECT time_ns, 0, resource_id, NULL, trace_hi, trace_lo, span_id, 0, severity, '', '', 1, body, attributes, 0
    FROM logs_1;
DROP TABLE logs_1;

-- How many spans one stands for; until now nobody asked its tracestate.
ALTER TABLE spans ADD COLUMN adjusted_count DOUBLE DEFAULT 1;
ALTER TABLE spans ALTER COLUMN adjusted_count SET NOT NULL;
ALTER TABLE spans ADD COLUMN adjusted_origin UTINYINT DEFAULT 0;
ALTER TABLE spans ALTER COLUMN adjusted_origin SET NOT NULL;

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
