"""Incidents: what an Alertmanager tells by its webhook, made into one story of a failure.

Map: ``message`` the body of the webhook; ``alert`` one time that an alert fired; ``incident`` which
alerts belong together; ``desk`` takes messages, acknowledgements and notes, and gives incidents.
``impact`` what it cost, ``cause`` where it seems to come from, ``changes`` what was new before it;
``timeline`` all of that by time; ``dossier`` everything about one; ``report`` a draft to write on.
``client`` and ``cli``: the ``incidents`` command.
"""
