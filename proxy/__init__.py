"""What Envoy does: the mesh whose telemetry we read, without Kubernetes, Docker or root.

    mesh         the intent: services, workloads, routes, policy, from mesh.yaml
    mesh_file    mesh.yaml -> mesh, or every mistake with file, line and path
    mesh_words   what is wrong with one field, in the words of the file
    identity     the mesh's certificate authority: SPIFFE X.509 SVIDs, values in and out
    resources/   intent -> Envoy resources, as dicts in Envoy's own JSON vocabulary
    snapshot     everything one proxy must have, versioned by content
    xds/         the ADS conversation as a state machine, no I/O
    server       the shell: gRPC ADS and the status API
    controlplane the loop: watch mesh.yaml, rotate certificates, publish snapshots
    bootstrap    the file an Envoy starts from
    sidecar      starts and stops one Envoy process
    shop/        the demo: eight small services, a load generator and the ledger

All I/O is in ``server``, ``controlplane``, ``sidecar`` and ``shop``.
"""
