"""Labels of the dialects as their proxies send them."""

ISTIO = {
    "reporter": "source",
    "source_workload": "frontend-v1",
    "source_workload_namespace": "shop",
    "source_canonical_service": "frontend",
    "source_canonical_revision": "v1",
    "source_principal": "unknown",
    "destination_workload": "payments-v2",
    "destination_workload_namespace": "shop",
    "destination_canonical_service": "payments",
    "destination_canonical_revision": "v2",
    "destination_principal": "spiffe://cluster.local/ns/shop/sa/payments",
    "destination_service": "pay.shop.svc.cluster.local",
    "destination_service_name": "pay",
    "destination_version": "v2",
    "request_protocol": "http",
    "response_code": "200",
    "grpc_response_status": "",
    "response_flags": "-",
    "connection_security_policy": "unknown",
}
LINKERD_OUT = {
    "direction": "outbound",
    "namespace": "shop",
    "deployment": "web",
    "dst_deployment": "payments",
    "dst_namespace": "shop",
    "authority": "payments.shop.svc.cluster.local:80",
    "status_code": "200",
    "classification": "success",
    "tls": "true",
    "server_id": "payments.shop.serviceaccount.identity.linkerd.cluster.local",
}
LINKERD_IN = {
    "direction": "inbound",
    "namespace": "shop",
    "deployment": "payments",
    "authority": "payments.shop.svc.cluster.local:80",
    "status_code": "200",
    "classification": "success",
    "tls": "true",
    "client_id": "web.shop.serviceaccount.identity.linkerd.cluster.local",
}
LINKERD_ROUTE = {
    "direction": "outbound",
    "namespace": "shop",
    "deployment": "web",
    "dst": "payments.shop.svc.cluster.local:80",
    "rt_route": "POST /charge",
    "status_code": "200",
    "classification": "success",
}
