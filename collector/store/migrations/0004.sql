-- Version 3 -> 4. What holds for these scripts stands at the head of 0002.sql.

-- What Alertmanager told of alerts, and what people said about incidents.
CREATE TABLE told_alerts (
    fingerprint   VARCHAR NOT NULL,
    starts_ns     BIGINT  NOT NULL,
    ends_ns       BIGINT,
    group_key     VARCHAR NOT NULL,
    labels        VARCHAR NOT NULL,
    annotations   VARCHAR NOT NULL,
    generator_url VARCHAR NOT NULL,
    peers         VARCHAR[] NOT NULL,
    told_ns       BIGINT  NOT NULL
);
CREATE TABLE alert_groups (
    group_key     VARCHAR NOT NULL,
    receiver      VARCHAR NOT NULL,
    over_ns       BIGINT,
    left_out      BIGINT  NOT NULL,
    told_ns       BIGINT  NOT NULL
);
CREATE TABLE incident_entries (
    fingerprint   VARCHAR NOT NULL,
    starts_ns     BIGINT  NOT NULL,
    at_ns         BIGINT  NOT NULL,
    kind          VARCHAR NOT NULL,
    author        VARCHAR NOT NULL,
    text          VARCHAR NOT NULL
);
-- Points that are over are sorted by series and time, row group by row group; older ones will be, too.
ALTER TABLE metric_points ADD COLUMN is_sorted UTINYINT DEFAULT 0;
ALTER TABLE metric_points ALTER COLUMN is_sorted SET NOT NULL;
