"""Is the canary good enough: one version of a service against another, from real counts.

    policy      what is asked: confidence, margins, quantile, least requests
    trial       counts of both versions by stratum and time: the data of every test
    strata      what may be compared with what, and the newest look at it
    source      the store -> a trial
    looks       when the data may be looked at, and how much chance of error each look spends
    evidence    are there more errors: a bet against "no worse", valid at every moment
    difference  by how much the error ratios differ, over strata: a score interval
    ranks       are requests slower: Mann-Whitney over strata, on histograms
    quantiles   by how much a quantile differs: bounds from order statistics
    errors_check, latency_check   those tests -> fine, worse, undecided or no data
    verdict     promote, hold or roll back; words, its reasons
    hooks       the same in the shape of Flagger's hooks
    table       the same for a terminal

Docs: ``docs/canary.md``; why these tests: ADR 16. All of it is values in, values out, but for
``source``, which reads a cursor, and ``cli``.
"""
