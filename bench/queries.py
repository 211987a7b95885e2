"""The 15 query types of the benchmark suite's cpu-only case, and questions of each type drawn from a seed.

Two types differ from the suite on purpose: groupby-orderby-limit really asks for the last five buckets, and lastpoint
is asked as each database does it best.
"""

import dataclasses
import datetime
import random

from bench.dataset import FIELDS, START_MS

HOUR_MS = 3_600_000


@dataclasses.dataclass(frozen=True)
class QueryType:
    name: str
    group: str  # of goals
    form: str  # "max by time", "mean by time and host", "last buckets", "above 90", "last point"
    metrics: int = len(FIELDS)  # the first ones
    hosts: int = 0  # 0: all
    hours: int = 12  # the window, or the whole time when there is less
    bucket: str = "hour"

    @property
    def whole_rows(self) -> bool:
        return self.form in ("above 90", "last point")


@dataclasses.dataclass(frozen=True)
class Question:
    type: QueryType
    hosts: tuple[str, ...]
    start_ms: int
    end_ms: int

    @property
    def metrics(self) -> list[str]:
        return FIELDS[:self.type.metrics]


def _max_by_minute(metrics, hosts, hours) -> QueryType:
    group = "one host" if hosts == 1 else "eight hosts"
    return QueryType(f"single-groupby-{metrics}-{hosts}-{hours}", group, "max by time", metrics, hosts, hours, "minute")


TYPES = [
    _max_by_minute(1, 1, 1), _max_by_minute(1, 1, 12), _max_by_minute(1, 8, 1),
    _max_by_minute(5, 1, 1), _max_by_minute(5, 1, 12), _max_by_minute(5, 8, 1),
    QueryType("cpu-max-all-1", "one host", "max by time", hosts=1, hours=8),
    QueryType("cpu-max-all-8", "eight hosts", "max by time", hosts=8, hours=8),
    QueryType("double-groupby-1", "double groupby", "mean by time and host", metrics=1),
    QueryType("double-groupby-5", "double groupby", "mean by time and host", metrics=5),
    QueryType("double-groupby-all", "double groupby", "mean by time and host"),
    QueryType("groupby-orderby-limit", "last buckets", "last buckets", metrics=1, hours=1, bucket="minute"),
    QueryType("high-cpu-1", "one host", "above 90", hosts=1),
    QueryType("high-cpu-all", "high cpu", "above 90"),
    QueryType("lastpoint", "last point", "last point"),
]


def draw(query_type: QueryType, data, count: int, purpose: str) -> list[Question]:
    """`count` questions: the same for each peer and round, others for another purpose."""
    generator = random.Random(f"{data.seed} {query_type.name} {purpose}")
    window = min(query_type.hours * HOUR_MS, data.end_ms - START_MS)
    questions = []
    for _ in range(count):
        start = START_MS + generator.randrange((data.end_ms - START_MS - window) // 1000 + 1) * 1000
        hosts = generator.sample(range(data.hosts), min(query_type.hosts, data.hosts))
        questions.append(Question(query_type, tuple(f"host_{host}" for host in hosts), start, start + window))
    return questions


def utc(time_ms: int, separator=" ", suffix="") -> str:
    time = datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC)
    return time.strftime(f"%Y-%m-%d{separator}%H:%M:%S{suffix}")


def conditions(question: Question, column: str, time) -> str:
    """The WHERE clause, with times as `time` writes them; empty for the last point."""
    form, parts = question.type.form, []
    if form == "last point":
        return ""
    if question.hosts:
        parts.append("(" + " OR ".join(f"hostname = '{host}'" for host in question.hosts) + ")")
    if form == "above 90":
        parts.append("usage_user > 90.0")
    if form != "last buckets":
        parts.append(f"{column} >= '{time(question.start_ms)}'")
    parts.append(f"{column} < '{time(question.end_ms)}'")
    return " WHERE " + " AND ".join(parts)


def calls(question: Question, function: str) -> str:
    return ", ".join(f"{function}({metric})" for metric in question.metrics)


def standard_sql(question: Question, last_point: str) -> str:
    """Varve's and DuckDB's words, with `last_point` for the type that each asks in its own way."""
    where = conditions(question, "timestamp", utc)
    bucket = f"date_trunc('{question.type.bucket}', timestamp) AS bucket"
    match question.type.form:
        case "max by time":
            return f"SELECT {bucket}, {calls(question, 'max')} FROM cpu{where} GROUP BY bucket ORDER BY bucket"
        case "mean by time and host":
            return (f"SELECT {bucket}, hostname, {calls(question, 'avg')} FROM cpu{where} "
                    "GROUP BY bucket, hostname ORDER BY bucket")
        case "last buckets":
            return (f"SELECT {bucket}, {calls(question, 'max')} FROM cpu{where} "
                    "GROUP BY bucket ORDER BY bucket DESC LIMIT 5")
        case "above 90":
            return f"SELECT * FROM cpu{where}"
        case "last point":
            return last_point
    raise ValueError(question.type.form)
