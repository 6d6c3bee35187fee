"""The store as Prometheus sees it: names, labels, and samples for PromQL.

Map: ``names`` OTLP names and labels in Prometheus's words; ``index`` which series fit matchers;
``streams`` what a metric stream becomes; ``points`` its numbers, ``distributions`` its histograms
and summaries as columns; ``families`` the counters derived from edges, ``edges`` their index,
``grid`` the times they have samples at, ``counters`` their values; ``source`` all of it together.
"""
