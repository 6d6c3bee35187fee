-- Version 2 -> 3. What holds for these scripts stands at the head of 0002.sql.

-- Which workload of a service reported an edge: until now unknown.
ALTER TABLE edges ADD COLUMN workload VARCHAR DEFAULT '';
ALTER TABLE edges ALTER COLUMN workload SET NOT NULL;
ALTER TABLE edges ALTER COLUMN workload DROP DEFAULT;

-- The JSON texts of spans are made by the decoders; DuckDB need not parse each again to see that it is JSON.
ALTER TABLE spans ALTER COLUMN attributes SET DATA TYPE VARCHAR;
ALTER TABLE spans ALTER COLUMN events SET DATA TYPE VARCHAR;
ALTER TABLE spans ALTER COLUMN links SET DATA TYPE VARCHAR;
