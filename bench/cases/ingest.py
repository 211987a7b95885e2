"""Rows a second, CPU, memory and disk of taking in the whole data set. Each round begins with empty folders."""

import contextlib

from bench import goals, rounds
from bench.client import CONNECTIONS
from bench.context import Context, entered
from bench.dataset import LINES_PER_REQUEST
from bench.report import median, percentile


def run(context: Context):
    data = context.data()
    requests = data.requests()
    bodies = requests.bodies()
    report = context.report
    report.heading(f"Ingest: {data}")
    found, note = rounds.repeat(context.rounds, [],
                                lambda number: _round(context, bodies, requests.lines, number == 0))
    summary = {label: _summary([one[label] for one in found if label in one]) for label in found[-1]}
    report.note(f"{len(bodies)} requests of {LINES_PER_REQUEST:,} lines over {CONNECTIONS} connections, medians of {note}. "
                "Varve and InfluxDB sync their log before they answer, QuestDB does not. Disk: allocated bytes once settled.")
    _print(report, summary)
    report.keep("ingest", {"data": str(data), "rounds": note, "peers": summary})


def _round(context, bodies, lines, settle) -> dict[str, dict]:
    found = {}
    for peer in context.servers():
        with contextlib.ExitStack() as stack:
            for started in entered(context, stack, [peer]):
                found[peer.label] = _load(started, bodies, lines, settle)
    return found


def _load(peer, bodies, lines, settle) -> dict:
    cpu_before = peer.cpu_seconds()
    load = peer.load(bodies, lines)
    visible_after = peer.wait_for_rows(lines)
    figures = {"rows_per_second": load.rows_per_second, "visible_after_s": visible_after,
               "cpu_us_per_row": (peer.cpu_seconds() - cpu_before) / lines * 1e6,
               "p50_ms": median(load.request_ms), "p99_ms": percentile(load.request_ms, 0.99), "put_off": load.put_off,
               "memory_peak_mb": peer.memory_peak_bytes() / 1e6}
    if peer.count() != lines:
        raise RuntimeError(f"{peer.label} has {peer.count():,} of {lines:,} rows")
    if settle:
        if hasattr(peer, "flush"):
            peer.flush()
            figures["bytes_per_row_before_compaction"] = peer.disk_bytes() / lines
        peer.settle()
        figures["bytes_per_row"] = peer.disk_bytes() / lines
        figures["log_bytes_per_row"] = peer.log_bytes() / lines
    return figures


def _summary(found: list[dict]) -> dict:
    keys = dict.fromkeys(key for one in found for key in one)
    return {key: median(one[key] for one in found if key in one) for key in keys}


def _print(report, summary):
    columns = {"rows_per_second": "rows/s", "visible_after_s": "visible after s", "cpu_us_per_row": "CPU us/row",
               "p50_ms": "request p50 ms", "p99_ms": "p99 ms", "put_off": "put off", "memory_peak_mb": "peak MB",
               "bytes_per_row_before_compaction": "bytes/row, flushed", "bytes_per_row": "bytes/row",
               "log_bytes_per_row": "of it the log"}
    report.table(["", *columns.values()],
                 [[label, *[found.get(key) for key in columns]] for label, found in summary.items()])
    varve, rows = summary["Varve"], []
    for group, key in (("ingest", "rows_per_second"), ("disk", "bytes_per_row")):
        ratios = {label: varve[key] / found[key] for label, found in summary.items() if label != "Varve"}
        verdict = goals.judge(group, ratios)
        text = ", ".join(f"{ratio:.2f} {label}" for label, ratio in ratios.items())
        rows.append([f"{group}: Varve / peer", text or "-", verdict.floor, verdict.stretch])
        if not verdict.held:
            report.problems.append(f"{group}: {verdict.floor}")
    report.table(["", "ratios", "floor", "stretch"], rows)
