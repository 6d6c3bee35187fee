"""Rules evaluated as Prometheus 3 does it: values in, values out, the time given.

``definitions`` what a rule file says; ``reading`` YAML to definitions; ``states`` an alert from
pending to resolved; ``sending`` which alerts are due; ``series`` what alerts and records are
written as; ``rules`` one rule; ``groups`` a group, its later rules seeing the earlier ones' series;
``overlay`` how they see them; ``recall`` samples kept between evaluations;
``restoring`` states after a restart; ``schedule`` when a group is
due; ``batches`` samples for the store.
https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""
