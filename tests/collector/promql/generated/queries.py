"""Made-up queries over the series of ``data``: each one is right in grammar and types.

What depends on the last bit of a float is asked only of whole numbers (``is_exact``): equality,
rounding, ranks. Ties of topk are avoided by asking it of sums nobody shares.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

METRICS = ("requests_total", "queue_length", "memory_bytes", "ratio", "build_info",
           "latency_bucket")  # fmt: skip
LABELS = ("job", "instance", "code", "version", "le", "__name__", "nowhere")
_JOB = ('job="api"', 'job!="api"', 'job=~"a.*|web"', 'nowhere=""', 'job!~"x.*"', 'job="none"')
_PLACE = (*_JOB, 'instance!~"a.+"', 'instance=~".*:1"', 'instance="b:1"', 'code=""')
MATCHERS = {
    "requests_total": (*_PLACE[:-1], 'code!=""', 'code=~"4..|5.."', 'code!="200"'),
    "queue_length": _PLACE,
    "memory_bytes": _PLACE,
    "ratio": _PLACE,
    "build_info": (*_JOB, 'version="v1"'),
    "latency_bucket": (*_JOB, 'le="+Inf"', 'le!="0.1"', 'le=~"0.*|[+]Inf"'),
}
RANGES = ("30s", "1m", "90s", "5m", "11m")
SUBQUERY_RANGES = ("2m", "5m", "11m")
STEPS = ("", "15s", "40s", "1m", "100s")

EXACT_OVER_TIME = ("sum_over_time", "min_over_time", "max_over_time", "count_over_time",
                   "last_over_time", "present_over_time", "changes", "resets")  # fmt: skip
OVER_TIME = (*EXACT_OVER_TIME, "rate", "increase", "delta", "irate", "idelta", "deriv",
             "avg_over_time", "stddev_over_time", "stdvar_over_time")  # fmt: skip
EXACT_EACH = ("abs", "ceil", "floor", "sgn")
EACH = (*EXACT_EACH, "sqrt", "ln", "log2", "log10", "atan", "tanh", "asinh", "deg", "rad")
DATES = ("hour", "minute", "month", "year", "day_of_month", "day_of_week", "day_of_year",
         "days_in_month")  # fmt: skip
EXACT_AGGREGATIONS = ("sum", "min", "max", "count", "group")
AGGREGATIONS = (*EXACT_AGGREGATIONS, "avg", "stddev", "stdvar")
ORDERING = ("<", ">", "<=", ">=", "==", "!=")


@dataclass
class Queries:
    """A stream of queries from one source of chance.

    is_for_2: leave out what Prometheus 2.42 does otherwise than 3 (see ``differences``).
    """

    random: Random
    is_for_2: bool = False

    def one(self, depth: int = 3) -> str:
        """Return a query of an instant vector or a scalar."""
        if self.random.random() < 0.05:
            return self.scalar(depth)
        return self.vector(depth, is_exact=self.random.random() < 0.4)

    def vector(self, depth: int, *, is_exact: bool) -> str:
        if depth <= 0:
            return self.selector(is_exact=is_exact)
        makers: list[Callable[..., str]] = [
            self.selector, self.over_time, self.over_time, self.each, self.aggregation,
            self.aggregation, self.binary, self.binary, self.with_scalar, self.set_operation,
            self.relabeled, self.special,
        ]  # fmt: skip
        return self.random.choice(makers)(depth=depth - 1, is_exact=is_exact)

    def selector(self, *, is_exact: bool, depth: int = 0) -> str:
        del depth
        return self.plain(is_exact=is_exact) + self.modifiers()

    def plain(self, *, is_exact: bool) -> str:
        metric = self.random.choice(METRICS)
        if is_exact and metric == "ratio":
            metric = "queue_length"
        matchers = ", ".join(self.random.sample(MATCHERS[metric], self.random.choice((0, 0, 1, 2))))
        chosen = self.random.random()
        if chosen < 0.05:
            return f'{{__name__="{metric}"{", " if matchers else ""}{matchers}}}'
        if chosen < 0.08:
            other = self.random.choice(("build_info", "memory_bytes"))
            return f'{{__name__=~"{metric}|{other}"{", " if matchers else ""}{matchers}}}'
        return f"{metric}{{{matchers}}}" if matchers else metric

    def modifiers(self) -> str:
        return self.at() + self.random.choice(
            ("",) * 6 + (" offset 1m", " offset -45s", " offset 7m")
        )

    def at(self) -> str:
        return self.random.choice(("",) * 10 + (" @ start()", " @ end()", " @ 1700008000"))

    def range(self, depth: int, *, is_exact: bool) -> str:
        random = self.random
        if depth > 0 and random.random() < 0.25:
            inner = self.vector(depth - 1, is_exact=is_exact)
            length = random.choice(SUBQUERY_RANGES if self.is_for_2 else RANGES)
            is_fixed = self.is_for_2 and " @ " in inner
            modifiers = "" if is_fixed else self.modifiers()
            return f"({inner})[{length}:{random.choice(STEPS)}]{modifiers}"
        return f"{self.plain(is_exact=is_exact)}[{random.choice(RANGES)}]{self.modifiers()}"

    def over_time(self, *, depth: int, is_exact: bool) -> str:
        function = self.random.choice(EXACT_OVER_TIME if is_exact else OVER_TIME)
        inner = self.range(depth, is_exact=is_exact or function in ("changes", "resets"))
        if not is_exact and self.random.random() < 0.1:
            return f"quantile_over_time({self.ratio()}, {inner})"
        if not is_exact and self.random.random() < 0.05:
            if self.is_for_2:
                inner = self.plain(is_exact=False) + "[5m] offset 1m"
            return f"predict_linear({inner}, {self.random.choice((60, 3600, -5))})"
        return f"{function}({inner})"

    def each(self, *, depth: int, is_exact: bool) -> str:
        random = self.random
        chosen = random.random()
        if chosen < 0.1:
            return f"clamp({self.vector(depth, is_exact=is_exact)}, {random.choice((-2, 3))}, 50)"
        if chosen < 0.2:
            side = random.choice(("clamp_min", "clamp_max"))
            return f"{side}({self.vector(depth, is_exact=is_exact)}, {random.randrange(-5, 90)})"
        if chosen < 0.25:
            return f"round({self.vector(depth, is_exact=True)}, {random.choice((2, 4, 10))})"
        if chosen < 0.3:
            return f"-({self.vector(depth, is_exact=is_exact)})"
        function = random.choice(EXACT_EACH if is_exact else EACH)
        inner_exact = is_exact or function in EXACT_EACH
        return f"{function}({self.vector(depth, is_exact=inner_exact)})"

    def aggregation(self, *, depth: int, is_exact: bool) -> str:
        random = self.random
        grouping = random.choice(("", f" {random.choice(('by', 'without'))} ({self.names()})"))
        if not is_exact and random.random() < 0.12:
            inner = self.vector(depth, is_exact=False)
            return f"quantile{grouping} ({self.ratio()}, {inner})"
        if is_exact and random.random() < 0.08:
            return f'count_values{grouping} ("value", {self.vector(depth, is_exact=True)})'
        operator = random.choice(EXACT_AGGREGATIONS if is_exact else AGGREGATIONS)
        if self.is_for_2 and operator in ("stddev", "stdvar"):
            return f"{operator}{grouping} ({self.selector(is_exact=True)})"
        return f"{operator}{grouping} ({self.vector(depth, is_exact=is_exact)})"

    def binary(self, *, depth: int, is_exact: bool) -> str:
        random = self.random
        operator, bool_ = self.operator(is_exact=is_exact)
        exact = is_exact or operator in ORDERING
        left, right = self.vector(depth, is_exact=exact), self.vector(depth, is_exact=exact)
        if self.is_for_2 and operator in ("/", "^"):
            left, right = f"({left}) + 0", f"({right}) + 0"
        chosen = random.random()
        if chosen < 0.4:
            names = random.choice(("job", "job, instance"))
            left, right = f"sum by ({names}) ({left})", f"sum by ({names}) ({right})"
            return f"({left}) {operator}{bool_} ({right})"
        if chosen < 0.75:
            right = f"max by (job) ({right})"
            extra = random.choice(("", "version", "instance, le"))
            return f"({left}) {operator}{bool_} on (job) group_left ({extra}) ({right})"
        if chosen < 0.9:
            left = f"min by (job, instance) ({left})"
            matching = "ignoring (code, le, version) group_right ()"
            return f"({left}) {operator}{bool_} {matching} ({right})"
        matching = random.choice(("", f" {random.choice(('on', 'ignoring'))} ({self.names()})"))
        return f"({left}) {operator}{bool_}{matching} ({right})"

    def operator(self, *, is_exact: bool) -> tuple[str, str]:
        random = self.random
        if random.random() < 0.35:
            return random.choice(ORDERING), random.choice(("", "", " bool"))
        operators = ("+", "-", "*", "%") if is_exact else ("+", "-", "*", "/", "^", "atan2")
        operator = random.choice(operators)
        return ("/" if operator == "atan2" and self.is_for_2 else operator), ""

    def with_scalar(self, *, depth: int, is_exact: bool) -> str:
        random = self.random
        operator, bool_ = self.operator(is_exact=is_exact)
        exact = is_exact or operator in ORDERING
        inner = self.vector(depth, is_exact=exact)
        number = self.number() if exact else self.scalar(depth)
        if self.is_for_2 and operator in ("/", "^"):
            inner = f"({inner}) + 0"
        if random.random() < 0.5:
            return f"({inner}) {operator}{bool_} {number}"
        return f"{number} {operator}{bool_} ({inner})"

    def set_operation(self, *, depth: int, is_exact: bool) -> str:
        random = self.random
        operator = random.choice(("and", "or", "unless"))
        matching = random.choice(("", "", f" on ({self.names()})", f" ignoring ({self.names()})"))
        left = self.vector(depth, is_exact=is_exact)
        return f"({left}) {operator}{matching} ({self.vector(depth, is_exact=is_exact)})"

    def relabeled(self, *, depth: int, is_exact: bool) -> str:
        inner = self.vector(depth, is_exact=is_exact)
        return self.random.choice((
            f'label_replace({inner}, "host", "$1", "instance", "(.*):.*")',
            f'label_replace({inner}, "job", "x$2-$1", "job", "(.)(.*)")',
            f'label_replace({inner}, "code", "", "code", "404")',
            f'label_join({inner}, "both", "/", "job", "instance")',
            f'label_join({inner}, "code", ":", "code", "job")',
        ))  # fmt: skip

    def special(self, *, depth: int, is_exact: bool) -> str:
        random = self.random
        choices = [
            lambda: f"vector({self.number() if is_exact else self.scalar(depth)})",
            lambda: f"absent({self.vector(depth, is_exact=is_exact)})",
            lambda: f"absent_over_time({self.range(depth, is_exact=is_exact)})",
            lambda: f"timestamp({self.timed(depth, is_exact=is_exact)})",
            lambda: f"{random.choice(DATES)}(timestamp({self.timed(depth, is_exact=is_exact)}))",
            lambda: f"{random.choice(DATES)}()",
            lambda: f"sort({self.vector(depth, is_exact=is_exact)})",
        ]
        if not is_exact:
            buckets = random.choice(("rate", "increase"))
            labels = random.choice(("job, le", "le", "job, le, nowhere", "job"))
            choices += [
                lambda: (
                    f"histogram_quantile({self.ratio()}, "
                    f"sum by ({labels}) ({buckets}(latency_bucket[5m])))"
                ),
                lambda: f"histogram_quantile({self.ratio()}, latency_bucket)",
                lambda: (
                    f"histogram_quantile(scalar(ratio{{instance='a:1', job='api'}}), "
                    f"{self.plain(is_exact=True)})"
                ),
                lambda: (
                    f"clamp({self.vector(depth, is_exact=False)}, {self.scalar(depth)}, "
                    f"{self.scalar(depth)})"
                ),
                lambda: f"quantile by ({self.names()}) ({self.parameter(depth)}, ratio)",
                lambda: f"topk by (job) ({random.choice((1, 2))}, ratio)",
                lambda: f"round({self.vector(depth, is_exact=True)}, {self.scalar(0)})",
                lambda: f"{random.choice(('topk', 'bottomk'))}({random.randrange(4)}, ratio)",
            ]
        return random.choice(choices)()

    def timed(self, depth: int, *, is_exact: bool) -> str:
        if self.is_for_2:
            return self.plain(is_exact=is_exact) + self.at()
        return self.vector(depth, is_exact=is_exact)

    def parameter(self, depth: int) -> str:
        return self.ratio() if self.is_for_2 else self.scalar(depth)

    def scalar(self, depth: int) -> str:
        random = self.random
        if depth > 0 and random.random() < 0.3:
            return f"({self.scalar(depth - 1)} {random.choice('+-*')} {self.number()})"
        if random.random() < 0.2:
            return f"scalar({self.vector(depth - 1, is_exact=False)})"
        if random.random() < 0.1:
            return f"({self.number()} {random.choice(ORDERING)} bool {self.number()})"
        return random.choice((self.number(), "time()", "pi()", "(0 / 0)", "-Inf"))

    def number(self) -> str:
        return self.random.choice(("0", "1", "2", "-3", "10", "1e3", "0x1F", "500", "2.5"))

    def ratio(self) -> str:
        return self.random.choice(("0", "0.25", "0.5", "0.9", "0.99", "1", "-0.1", "1.5", "NaN"))

    def names(self) -> str:
        return ", ".join(self.random.sample(LABELS, self.random.choice((0, 1, 1, 2))))
