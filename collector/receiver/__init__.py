"""The shell: OTLP in over gRPC and HTTP. It decodes nothing and stores nothing itself.

    export           one request: decode, submit, wait for the commit, answer
    intake           between a receiver and the writer: redact, and count what passes
    listening        beside it: who sends (rhythm), how late, how long it waits
    health           grpc.health.v1, which follows what would refuse an export
    faults           an error -> its gRPC code, HTTP status and retry hint
    skew             a warning about times far from ours
    admission        how many requests and bytes may be in flight
    access           who may send: tls and tokens, both reloading when their files change
    cors             which web pages may send
    unpacking        gzip, deflate and zstd within a limit
    grpc             port 4317; overdue cuts off calls that send nothing
    http             port 4318: http_app answers, http_connection has the deadlines, upgrades
                     passes over offers of other protocols
    errors           PortInUse, BadCredentialFile, and why a request is refused

Plain parameters only; settings and composition are made elsewhere.
"""
