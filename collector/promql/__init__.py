"""PromQL over any source of samples: parsing, evaluation in columns, Prometheus 3 semantics.

Never reads a store, a clock or a socket: a ``samples.Source`` gives it series, ``engine`` gives
back grids. https://prometheus.io/docs/prometheus/latest/querying/basics/

``engine``: instant, over_range. ``options``: limits and switches. ``samples``: what goes in and
out. ``memory``: a source for tests and notebooks. ``errors``: why there is no answer.
``parser``, ``escapes``, ``faults``, ``expressions``: from text to a tree. ``evaluation``: what all
parts know of a query. ``selectors``, ``ranges``, ``matchers``: samples of stored series.
``reductions``, ``rates``, ``over_time``: functions over ranges. ``functions``: all others.
``operators``, ``binary``, ``matching``: between two operands. ``aggregate``, ``ranking``: many
series to few. ``grids``, ``streams``, ``labelsets``, ``annotations``: what they share.
``kernels``: compiled loops. ``classic``, ``native``: histograms. ``formatting``: back to text.
"""
