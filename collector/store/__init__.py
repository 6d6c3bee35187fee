"""DuckDB: the only place with SQL and a connection.

schema.sql   the tables
store        open a file (or memory), check its version, hand out cursors
reader       windows of edge counts and latencies, exporters: Arrow out
tiers        which rollup answers which part of a window
writer       the one writing thread: group commit, the ack after it
transaction  one group of batches -> rows of every table
dictionaries interned ids, undone with their transaction
compaction   merge old rollup rows, forget by age
errors       who is wrong, and how to mend it

The rest of the house sees cursors, Arrow tables and ``Ack``.
"""
