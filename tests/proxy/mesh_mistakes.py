"""A good mesh.yaml, and mistakes in it: (what is right, what is wrong instead, what is told).

What is told is a list of ``line: path: message``, in the order of the lines.
"""

GOOD = """\
# Lines are counted from the first, comments and all.
apiVersion: meshscope/v1
kind: Mesh
services:
  - name: gateway
    ingress: true
    workloads:
      - {name: gateway-1, address: 127.0.1.1}
  - name: payments
    callers: [gateway]
    workloads:
      - name: payments-1
        address: 127.0.1.2
      - name: payments-2
        version: v2
        address: 127.0.1.3
    routes:
      - {name: pay, method: POST, pathPrefix: /pay}
"""


NAME_RULE = "must be a name: a-z, 0-9 and '-', a letter first, no '-' last, at most 63"
ROOT_FIELDS = "apiVersion, kind, trustDomain, namespace, identity, telemetry, services"
ROUTE = "- {name: pay, method: POST, pathPrefix: /pay}"
WEIGHTS = "callers: [gateway]\n    weights: "
FAULT = "callers: [gateway]\n    fault: "

MISTAKES = [
    # A field
    ("kind: Mesh\n", "", ["2: kind: is required"]),
    (
        "        address: 127.0.1.2\n",
        "",
        ["12: services[1].workloads[0].address: is required"],
    ),
    ("ingress:", "ingres:", ["6: services[0].ingres: is no field here; did you mean 'ingress'?"]),
    (
        "pathPrefix: /pay",
        "pathPrefix: /pay, host: x",
        [
            "18: services[1].routes[0].host: is no field here; "
            "the fields are name, method, pathPrefix"
        ],
    ),
    (
        "kind: Mesh",
        "kind: Mesh\nslo: 1",
        [f"4: slo: is no field here; the fields are {ROOT_FIELDS}"],
    ),
    (
        "callers: [gateway]",
        FAULT.removeprefix("callers: [gateway]\n    ") + "{abort: {percent: 1, code: 503}}",
        [
            "10: services[1].fault.abort.status: is required",
            "10: services[1].fault.abort.code: is no field here; the fields are percent, status",
        ],
    ),
    # Its type
    ("true", "maybe", ["6: services[0].ingress: must be true or false, got 'maybe'"]),
    ("[gateway]", "gateway", ["10: services[1].callers: must be a list, got 'gateway'"]),
    (
        "name: pay,",
        "name: 12,",
        [
            "18: services[1].routes[0].name: "
            "must be a text (in quotes, if YAML takes it for something else), got 12"
        ],
    ),
    (
        "kind: Mesh",
        "kind: Mesh\nidentity:",
        ["4: identity: must be a mapping, got nothing"],
    ),
    (
        "kind: Mesh",
        "kind: Mesh\nidentity:\n  ttlSeconds: 1h",
        ["5: identity.ttlSeconds: must be a number, got '1h'"],
    ),
    (
        "callers: [gateway]",
        WEIGHTS + "[50, 50]",
        ["11: services[1].weights: must be a mapping, got a list"],
    ),
    # Its value
    ("meshscope/v1", "v1", ["2: apiVersion: must be 'meshscope/v1', got 'v1'"]),
    (
        "name: payments\n",
        "name: Pay_ments\n",
        [f"9: services[1].name: {NAME_RULE}, got 'Pay_ments'"],
    ),
    (
        "name: payments\n",
        f"name: {'p' * 99}\n",
        [f"9: services[1].name: {NAME_RULE}, got '{'p' * 59}..."],
    ),
    (
        "method: POST",
        "method: POTS",
        [
            "18: services[1].routes[0].method: "
            "must be 'GET', 'POST', 'PUT', 'PATCH' or 'DELETE', got 'POTS'"
        ],
    ),
    (
        "pathPrefix: /pay",
        "pathPrefix: pay",
        ["18: services[1].routes[0].pathPrefix: must be a path that starts with '/', got 'pay'"],
    ),
    (
        "127.0.1.2",
        "127.0.1.999",
        [
            "13: services[1].workloads[0].address: "
            "must be an IPv4 address such as 127.0.1.2, got '127.0.1.999'"
        ],
    ),
    (
        "kind: Mesh",
        "kind: Mesh\ntelemetry: {otlp: 'localhost:4317'}",
        [
            "4: telemetry.otlp: "
            "must be an IPv4 address and a port such as 127.0.0.1:4317, got 'localhost:4317'"
        ],
    ),
    (
        "kind: Mesh",
        "kind: Mesh\ntelemetry: {flushSeconds: 300}",
        ["4: telemetry.flushSeconds: must be less than 300, got 300"],
    ),
    (
        "kind: Mesh",
        "kind: Mesh\nidentity:\n  rotation: never\n  ttlSeconds: 1",
        [
            "5: identity.rotation: must be 'automatic' or 'paused', got 'never'",
            "6: identity.ttlSeconds: must be at least 2, got 1",
        ],
    ),
    (
        "callers: [gateway]",
        FAULT + "{abort: {percent: 101, status: 200}}",
        [
            "11: services[1].fault.abort.percent: must be at most 100, got 101",
            "11: services[1].fault.abort.status: must be at least 400, got 200",
        ],
    ),
    (
        "callers: [gateway]",
        FAULT + "{version: v3, abort: {percent: 1, status: 503}}",
        ["11: services[1].fault.version: no workload runs version 'v3'"],
    ),
    (
        "callers: [gateway]",
        "timeoutSeconds: 0.0001",
        ["10: services[1].timeoutSeconds: must be at least 0.001, got 0.0001"],
    ),
    (
        "callers: [gateway]",
        "circuitBreaker: {maxRequests: 4294967296}",
        ["10: services[1].circuitBreaker.maxRequests: must be at most 4294967295, got 4294967296"],
    ),
    (GOOD[GOOD.index("services") :], "services: []\n", ["4: services: must not be empty"]),
    # Weights
    (
        "callers: [gateway]",
        WEIGHTS + "{v1: 50, v3: 50}",
        ["11: services[1].weights: name versions without a workload: v3"],
    ),
    (
        "callers: [gateway]",
        WEIGHTS + "{v1: 50, v2: 40}",
        ["11: services[1].weights: must sum to 100, and sum to 90"],
    ),
    (
        "callers: [gateway]",
        WEIGHTS + "\n      v1: 150\n      v2: -50",
        [
            "12: services[1].weights.v1: must be at most 100, got 150",
            "13: services[1].weights.v2: must be at least 0, got -50",
        ],
    ),
    (
        "callers: [gateway]",
        WEIGHTS + "{V1: 100}",
        [f"11: services[1].weights.V1: {NAME_RULE}, got 'V1'"],
    ),
    # The whole
    (
        "name: payments\n",
        "name: gateway\n",
        [
            "5: services[0].name: two services are called 'gateway'",
            "9: services[1].name: two services are called 'gateway'",
        ],
    ),
    (
        "payments-2",
        "gateway-1",
        [
            "8: services[0].workloads[0].name: "
            "two workloads are called 'gateway-1'; a node id must be unique",
            "14: services[1].workloads[1].name: "
            "two workloads are called 'gateway-1'; a node id must be unique",
        ],
    ),
    (
        "127.0.1.3",
        "127.0.1.2",
        [
            "13: services[1].workloads[0].address: two workloads share the address 127.0.1.2",
            "16: services[1].workloads[1].address: two workloads share the address 127.0.1.2",
        ],
    ),
    (
        "        version: v2",
        "        appPort: 15006",
        ["15: services[1].workloads[1].appPort: 15006 is taken by the sidecar on the same address"],
    ),
    (
        "[gateway]",
        "[gateway, gatway, web]",
        [
            "10: services[1].callers[1]: no service is called 'gatway'; did you mean 'gateway'?",
            "10: services[1].callers[2]: no service is called 'web'",
        ],
    ),
    (
        "ingress: true",
        "ingress: true\n    callers: [payments]",
        [
            "7: services[0].callers: must be empty: an ingress takes plain HTTP, "
            "and services call each other by mTLS"
        ],
    ),
    (
        "name: gateway\n",
        "name: external\n",
        [
            "5: services[0].name: 'external' is reserved for callers and hosts "
            "that are not in the mesh",
            "10: services[1].callers[0]: no service is called 'gateway'",
        ],
    ),
    (
        ROUTE,
        ROUTE + "\n      - {name: refund, method: POST, pathPrefix: /pay/back}",
        [
            "19: services[1].routes[1]: 'refund' is never reached: 'pay' above it already takes "
            "POST /pay; put 'refund' first"
        ],
    ),
    (
        ROUTE,
        f"{ROUTE}\n      {ROUTE}",
        ["19: services[1].routes[1]: two routes are called 'pay'"],
    ),
    (
        "name: pay,",
        "name: other,",
        ["18: services[1].routes[0]: 'other' is reserved for requests that fit no route"],
    ),
    # YAML itself
    (
        "address: 127.0.1.1}",
        "address: 127.0.1.1",
        ["9: YAML: while parsing a flow mapping (line 8): expected ',' or '}', but got ':'"],
    ),
    (
        "    ingress",
        "\tingress",
        [
            "6: YAML: while scanning for the next token: "
            "found character '\\t' that cannot start any token"
        ],
    ),
    (
        "ingress: true",
        "ingress: true\n    ingress: false",
        [
            '7: YAML: while constructing a mapping (line 5): found duplicate key "ingress" '
            'with value "False" (original value: "True")'
        ],
    ),
    (
        "# Lines",
        "\x07 Lines",
        ["1: YAML: unacceptable character #x0007: special characters are not allowed"],
    ),
    (GOOD, "", ["1: a mesh file is a YAML mapping"]),
    (GOOD, "- a list", ["1: a mesh file is a YAML mapping"]),
]
