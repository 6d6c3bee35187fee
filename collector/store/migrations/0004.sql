-- Version 3 -> 4. What holds for these scripts stands at the head of 0002.sql.

-- Points that are over are sorted by series and time, row group by row group; older ones will be, too.
ALTER TABLE metric_points ADD COLUMN is_sorted UTINYINT DEFAULT 0;
ALTER TABLE metric_points ALTER COLUMN is_sorted SET NOT NULL;
