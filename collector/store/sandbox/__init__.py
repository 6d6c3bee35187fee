"""SQL of people, over views of the store, in a process that has no file of it.

The text of a user is never run, bound or parsed by the process that owns the file:

    views       what may be asked: names, columns, how far back, and the SQL behind each
    spans       the view of spans, hot and sealed
    worker      the process: checks a statement, says what it needs, gets it, runs it
    statement   the check: one SELECT, of these views, with functions.txt
    query       the other side: starts a worker, feeds it, ends it when it takes too long
    errors      what was wrong with the statement, and where

The worker has an engine in memory without files, network, extensions or settings, and limits on
memory and processor time that the operating system keeps (ADR 10).
"""
