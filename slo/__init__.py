"""Was it good enough: objectives, error budgets and burn rates over exact counts.

Nouns: ``model``, ``durations``, ``errors``. Files: ``openslo`` with ``metadata``, ``meshmetric``
and ``yamltree`` reads OpenSLO v1; ``windows`` the published alert windows; ``objectives/`` holds
the demo shop's. Arithmetic: ``budget`` integer counts and what they leave of a budget;
``burnrate`` how fast it goes; ``forecast`` until when; ``latency`` thresholds as histogram bounds.
Answers: ``sources`` where counts come from; ``evaluate`` makes each ``status``; ``burndown`` the
same over time. Shells: ``client``, ``statustable`` and ``cli``, the ``slo`` command.
"""
