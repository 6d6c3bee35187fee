"""DuckDB: the only place with SQL and a connection.

schema.sql   the tables
store        open a file (or memory), check its version, hand out cursors
limits       what the engine may take of the machine
migrate      an older file forward; migrations/ has the steps
reader       windows of edge counts and latencies, exporters: Arrow out
tiers        which rollup answers which part of a window
writer       the one writing thread: group commit, the ack after it
transaction  one group of batches -> rows of every table
dictionaries interned ids, undone with their transaction
gate         series within their limits, odd points counted
growth       points of many streams -> by how much each grew; increases asks for it
precedence   which signal counts, when several tell of one traffic
span_edges   stored spans -> rollups of edges, in housekeeping
weights      sums of adjusted counts -> whole numbers
checkpoint   the log into the file, in a thread of its own
disk         how much room is left, and what is given up for it
housekeeping steps between two commits, once in a while
sealing      hours that are over -> Parquet files, sampled on the way
sealed_files which files count, orphans, what is forgotten
shredding    attributes as text, as columns, and back
decisions    tail sampling's verdicts: asked for, remembered, counted
traces       a trace by id, spans by what they are: hot and sealed
compaction   merge old rollup rows, forget by age
told_alerts  what Alertmanager told, and what people said of incidents
quota        forget by bytes: sealed spans first, rollups last
sandbox/     SQL of people, in a process without the file
errors       who is wrong, and how to mend it

The rest of the house sees cursors, Arrow tables and ``Ack``.
"""
