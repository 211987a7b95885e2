"""Heavy queries while rows come in: both rates beside what each reaches alone, from the same state."""

import contextlib
import time

from bench import client, queries, rounds
from bench.context import Context, entered
from bench.dataset import LINES_PER_REQUEST, START_MS
from bench.report import median

HEAVY = next(query_type for query_type in queries.TYPES if query_type.name == "double-groupby-all")
ALONE_SECONDS = 4.0


def run(context: Context):
    data = context.data()
    requests = data.requests()
    report = context.report
    report.heading(f"Queries and ingest at once: {data}")
    found, note = rounds.repeat(context.rounds, [], lambda _: _round(context, data, requests))
    summary = {label: {key: median(one[label][key] for one in found if label in one) for key in found[-1][label]}
               for label in found[-1]}
    report.note(f"The first quarter is there; {HEAVY.name} over it in a loop on one connection, the other three quarters come "
                f"in on two. Medians of {note}.")
    report.table(["", "rows/s alone", "with queries", "ratio", "queries/s alone", "with ingest", "ratio"],
                 [[label, one["rows_alone"], one["rows_both"], f"{one['rows_both'] / one['rows_alone']:.2f}",
                   one["queries_alone"], one["queries_both"], f"{one['queries_both'] / one['queries_alone']:.2f}"]
                  for label, one in summary.items()])
    report.keep("mixed", {"data": str(data), "peers": summary})


def _round(context, data, requests) -> dict[str, dict]:
    found = {}
    for peer in context.servers():
        for both in (False, True):
            with contextlib.ExitStack() as stack:
                for started in entered(context, stack, [peer]):
                    found.setdefault(peer.label, {}).update(_measure(started, data, requests, both))
    return found


def _measure(peer, data, requests, both) -> dict[str, float]:
    quarter = max(1, len(requests) // 4)
    peer.load(requests.bodies(0, quarter), quarter * LINES_PER_REQUEST)
    peer.wait_for_rows(quarter * LINES_PER_REQUEST)
    end = START_MS + (data.end_ms - START_MS) * quarter // len(requests)
    question = queries.Question(HEAVY, (), START_MS, end)
    rest = requests.bodies(quarter), requests.lines_of(quarter, len(requests))
    stop = client.event()
    with client.Worker(_ask_until, peer, question, stop) as asking:
        if both:
            rate = peer.load(*rest).rows_per_second
            stop.set()
            return {"rows_both": rate, "queries_both": asking.result()}
        time.sleep(ALONE_SECONDS)
        stop.set()
        found = {"queries_alone": asking.result()}
    return found | {"rows_alone": peer.load(*rest).rows_per_second}


def _ask_until(peer, question, stop) -> float:
    """In a process and on a connection of its own: questions a second, at least one."""
    peer.disconnect()
    asked, started, request = 0, time.perf_counter(), peer.request(question)
    while asked == 0 or not stop.is_set():
        peer.must(request)
        asked += 1
    return asked / (time.perf_counter() - started)
