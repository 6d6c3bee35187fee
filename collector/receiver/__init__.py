"""The shell: OTLP in over gRPC and HTTP. It decodes nothing and stores nothing itself.

    export   one request: decode, submit, wait for the commit, answer
    faults   an error -> its gRPC code, HTTP status and retry hint
    grpc     port 4317
    http     port 4318
    errors   PortInUse

Plain parameters only; settings and composition are made elsewhere.
"""
