"""Answers of all peers in one form, and how they are compared."""

import datetime
import math

from bench.dataset import FIELDS, TAGS

RELATIVE_ERROR_MAX = 1e-9  # of means: peers add up in different orders
WHOLE_ROW = ["timestamp", *TAGS, *FIELDS]


def from_records(question, records, time_ms) -> list[tuple]:
    """Rows as sorted tuples (time in ms, host and tags if any, numbers). `records` are dicts; those of grouped
    questions have their columns in the order that was asked for."""
    if question.type.whole_rows:
        rows = [(time_ms(record["timestamp"]), *[record[name] for name in WHOLE_ROW[1:]]) for record in records]
    else:
        rows = [(time_ms(time), *rest) for time, *rest in (record.values() for record in records)]
    return sorted(rows)


def from_iso(text: str) -> int:
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def difference(expected: list[tuple], found: list[tuple]) -> str | None:
    """What is wrong with `found`, or None."""
    if len(expected) != len(found):
        return f"{len(found):,} rows instead of {len(expected):,}"
    for want, have in zip(expected, found):
        if want != have and not (len(want) == len(have) and all(map(_alike, want, have))):
            return f"{have} instead of {want}"
    return None


def _alike(want, have) -> bool:
    if isinstance(want, (int, float)) and isinstance(have, (int, float)):
        return math.isclose(want, have, rel_tol=RELATIVE_ERROR_MAX)
    return want == have
