"""Who must be told: Prometheus rules out of objectives, and a first set on the mesh itself.

Map: ``rules`` the nouns of a rule file; ``names`` every record, label and metric; ``recording``
counts per window; ``burnrate`` one alert per tier; ``mesh/`` alerts without an objective;
``runbooks`` what to do about each; ``rulefile`` stable YAML; ``ruletest`` promtool's unit tests of
the same; ``generate`` all of it for a catalog; ``cli`` the ``alerts`` command. ``evaluation`` rules
evaluated, ``templates`` their texts, ``notify`` the way to Alertmanager; ``evaluator`` the thread
that does it, ``rule_files`` what it is given, ``durations`` how rule files write them.
``incidents`` what Alertmanager tells, made into stories of failures; ``silencing`` silences there;
``routing`` whom Alertmanager tells. ``rules/`` holds what is generated and committed, ``runbooks/``
the texts.
"""
