"""Was it good enough: objectives, error budgets and burn rates over exact counts.

Nouns: ``model`` with ``indicators``, ``codes``, ``calendars``, ``durations``, ``errors``. Files:
``openslo`` with ``metadata``, ``meshmetric``, ``querymetric`` and ``yamltree`` reads and writes
OpenSLO; ``importing`` reads other tools' specs; ``starter`` makes objectives to start with;
``groups`` one for each consumer; ``windows`` the published alert windows; ``objectives/`` holds the
demo shop's. Arithmetic: ``budget`` integer counts and what they leave of a budget; ``burnrate`` how
fast it goes; ``forecast`` until when; ``latency`` thresholds as histogram bounds.
Answers: ``sources`` where counts come from; ``evaluate`` makes each ``status``; ``burndown`` the
same over time. The past: ``tape`` all counts of an indicator, ``replay`` every status of a span,
``whatif`` alerts backtested, ``report`` with ``periods``, ``reporttext`` and ``reporthtml``. For
others: ``gate`` may it change, ``canary/`` is this version good enough, ``lint`` what is odd;
``corrections``, kept by ``ledger``, what does not count. Print: ``formats``, ``statustable``,
``whatiftable``. Shells: ``client`` and ``cli``, the ``slo`` command.
"""
