"""The 15 query types, all peers over the same settled data, answers compared."""

import contextlib

from bench import goals, rounds
from bench.context import Context, entered
from bench.dataset import IN_ORDER
from bench.peers import ServerPeer
from bench.queries import TYPES
from bench.report import progress


def run(context: Context):
    data = context.data()
    requests = data.requests()
    report = context.report
    report.heading(f"Queries: {data}")
    with contextlib.ExitStack() as stack:
        started = entered(context, stack, [*context.servers(), *context.libraries(data)])
        for peer in started:
            if peer.load(requests.bodies(), requests.lines):
                peer.wait_for_rows(requests.lines)
                peer.settle()
                progress(f"{peer.label} is loaded")
        sizes, problems = rounds.check(started, data, IN_ORDER, TYPES)
        for problem in problems:
            report.problem(problem)
        progress(f"answers are compared: {len(sizes)} are alike")
        cells, note = rounds.alternate(started, data, TYPES, context.rounds, context.count, sizes)
        memory = {peer.label: peer.memory_peak_bytes() / 1e6 for peer in started if isinstance(peer, ServerPeer)}
        report.note(f"Milliseconds (CPU milliseconds of the server) and Varve / peer; medians of {note}. Up to "
                    f"{context.count} questions each after {rounds.WARM_UPS} warm-ups, one kept-alive connection, JSON; DuckDB runs in the "
                    f"client, without HTTP and JSON. {len(sizes)} answers were compared with DuckDB's over the source.")
        _print(report, started, cells)
        report.note("Peak memory in MB: " + ", ".join(f"{label} {value:,.0f}" for label, value in memory.items()))
        report.keep("queries", {
            "data": str(data), "rounds": note, "memory_peak_mb": memory, "problems": problems,
            "types": {query_type.name: {peer.label: vars(cells[peer, query_type]) for peer in started}
                      for query_type in TYPES}})


def _print(report, started, cells):
    (varve,) = (peer for peer in started if peer.name == "varve")
    others = [peer for peer in started if peer is not varve]
    for group in dict.fromkeys(query_type.group for query_type in TYPES):
        rows = []
        for query_type in (one for one in TYPES if one.group == group):
            ratios = {peer.label: cells[varve, query_type].ms / cells[peer, query_type].ms for peer in others}
            verdict = goals.judge(group, ratios)
            if not verdict.held:
                report.problems.append(f"{query_type.name}: {verdict.floor}")
            rows.append([query_type.name, _cell(cells[varve, query_type]),
                         *[f"{_cell(cells[peer, query_type])} {ratios[peer.label]:.2f}x" for peer in others],
                         verdict.floor, verdict.stretch])
        report.table([group, "Varve", *[peer.label for peer in others], "floor", "stretch"], rows)


def _cell(cell) -> str:
    return f"{cell.ms:.2f} ({cell.cpu_ms:.1f})"
