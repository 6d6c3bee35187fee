"""`meshscope demo`: the shop behind real Envoys, observed by the real product, on one machine.

    intent       the shop's table -> mesh.yaml on free loopback addresses
    faults       a fault -> the mesh that has it
    processes    start and stop children so that none is left
    measured     what meshscope counted, to hold against the ledger
    run          the demo itself

All I/O is in ``processes``, ``measured`` and ``run``.
"""
