-- Calls that ended in [$from_ns, $to_ns), from the spans of both ends: one row for each kind of call,
-- 10 s bucket and latency bucket. Names in braces are of attributes: otlp.dialects.spans.
-- The other end of a call is looked for $margin_ns before and after; a span is at most an hour long.
-- Rows lie about in the order of their ends, so that $first_row and $last_row leave most of the table out;
-- of the spans around, only those of traces with a call in the stretch can be its other end.
WITH near AS (
    SELECT * FROM spans
    WHERE rowid BETWEEN $first_row AND $last_row
      AND start_ns >= $from_ns - $margin_ns - 3600000000000 AND start_ns < $to_ns + $margin_ns
      AND start_ns + duration_ns >= $from_ns - $margin_ns
      AND start_ns + duration_ns < $to_ns + $margin_ns
      AND trace_lo IN (
          SELECT trace_lo FROM spans
          WHERE rowid BETWEEN $first_row AND $last_row
            AND start_ns + duration_ns >= $from_ns AND start_ns + duration_ns < $to_ns
      )
),
ends AS (
    SELECT
        trace_hi, trace_lo, span_id, parent_id, kind, start_ns, duration_ns, http_status, is_error,
        route_id, flags_id, adjusted_count, service, version, start_ns + duration_ns AS end_ns,
        strings.value = 'mirror' AS is_mirror, {columns}
    FROM (SELECT *, json_extract_string(attributes, {paths}) AS told FROM near)
    JOIN resources USING (resource_id)
    JOIN strings ON string_id = name_id
),
-- A callee's span and its parent. Two spans of one service are a hop within it, unless an application
-- calls itself without a proxy; what a proxy receives from its own application is one, too.
arrivals AS (
    SELECT
        callee.*, caller.service AS caller, caller.kind IN (3, 4) AS is_by_client,
        caller.service = callee.service
            AND ('proxy' IN (caller.component, callee.component) OR caller.kind NOT IN (3, 4))
            AS is_inner
    FROM ends AS callee
    LEFT JOIN ends AS caller
        ON caller.trace_hi = callee.trace_hi AND caller.trace_lo = callee.trace_lo
        AND caller.span_id = callee.parent_id
    WHERE callee.kind IN (2, 5) AND callee.direction <> 'outbound'
),
-- By a caller's span: what arrived of it. None of it counts when it went to the proxy beside it, for
-- then the proxy's own span is the call.
hops AS (
    SELECT trace_hi, trace_lo, parent_id AS span_id, count(*) AS arrived,
           any_value(service) AS service, any_value(version) AS version, false AS is_inner
    FROM arrivals WHERE NOT coalesce(is_inner, false) AND parent_id IS NOT NULL
    GROUP BY ALL
    UNION ALL
    SELECT DISTINCT callee.trace_hi, callee.trace_lo, callee.parent_id, 0, '', '', true
    FROM ends AS callee
    JOIN ends AS caller
        ON caller.trace_hi = callee.trace_hi AND caller.trace_lo = callee.trace_lo
        AND caller.span_id = callee.parent_id AND caller.service = callee.service
    WHERE caller.kind IN (3, 4) AND CASE
        WHEN callee.kind IN (2, 5) THEN 'proxy' IN (caller.component, callee.component)
        ELSE callee.kind = 3 AND callee.component = 'proxy' AND caller.component <> 'proxy' END
),
-- Attempts of one request are siblings that count up; of each ordinal, as many as have a successor
-- were not the last word, and the failed ones first.
attempts AS (
    SELECT *, TRY_CAST(resend AS INTEGER) AS ordinal,
           row_number() OVER (PARTITION BY trace_hi, trace_lo, parent_id, service, resend
                              ORDER BY is_error DESC, start_ns, span_id) AS place
    FROM ends WHERE kind IN (3, 4) AND direction <> 'inbound' AND NOT is_mirror
),
successors AS (
    SELECT trace_hi, trace_lo, parent_id, service, coalesce(ordinal, 0) - 1 AS ordinal,
           count(*) AS successors
    FROM attempts WHERE parent_id IS NOT NULL AND ordinal > 0 GROUP BY ALL
),
calls AS (
    SELECT 'source' AS reporter, attempts.service AS source, coalesce(hops.service, '') AS destination,
           coalesce(hops.version, '') AS version, false AS is_root,
           attempts.* EXCLUDE (service, version, ordinal, place),
           place > coalesce(successors, 0) AS is_final, greatest(coalesce(arrived, 0), 1) AS tries
    FROM attempts
    LEFT JOIN hops USING (trace_hi, trace_lo, span_id)
    LEFT JOIN successors
        ON successors.trace_hi = attempts.trace_hi AND successors.trace_lo = attempts.trace_lo
        AND successors.parent_id = attempts.parent_id AND successors.service = attempts.service
        AND successors.ordinal = coalesce(attempts.ordinal, 0)
    WHERE NOT coalesce(hops.is_inner, false)
    UNION ALL BY NAME
    -- A parent that is no client span, in another service, is all there is of the caller.
    SELECT CASE WHEN is_by_client IS NOT DISTINCT FROM false THEN 'source' ELSE 'destination' END
               AS reporter,
           coalesce(caller, '') AS source, service AS destination, version,
           parent_id IS NULL AS is_root,
           arrivals.* EXCLUDE (service, version, caller, is_by_client, is_inner),
           true AS is_final, 1 AS tries
    FROM arrivals WHERE NOT coalesce(is_inner, false)
)
SELECT
    reporter, source, destination, calls.version, is_root, routes.value AS route,
    flags.value AS flags, http_status, is_error, {names},
    end_ns // 10000000000 * 10 AS bucket_s,
    CASE WHEN duration_ns <= 64000 THEN 0
         ELSE least(ceil(8 * (log2(duration_ns / 1000.0) - 6)), 161)::INTEGER END AS latency_bucket,
    is_final,
    count(*) AS spans,
    sum(adjusted_count) AS weight,
    sum(tries) AS tries,
    sum(tries * adjusted_count) AS tries_weight
FROM calls
JOIN strings AS routes ON routes.string_id = route_id
JOIN strings AS flags ON flags.string_id = flags_id
WHERE end_ns >= $from_ns AND end_ns < $to_ns
GROUP BY ALL
ORDER BY ALL
