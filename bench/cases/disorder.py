"""What late and repeated rows cost Varve: taking them in, and asking afterwards, as is and compacted, beside the same
data loaded in order and compacted."""

import contextlib
import statistics

from bench import goals, rounds
from bench.context import Context, entered
from bench.dataset import IN_ORDER, Disorder
from bench.queries import TYPES
from bench.report import median

DISORDERS = [Disorder("late", 0.01), Disorder("late", 0.2), Disorder("duplicate", 0.01), Disorder("duplicate", 0.2)]


def run(context: Context):
    data = context.data()
    report = context.report
    report.heading(f"Late and repeated rows: {data}")
    ingest, note = _ingest(context, data)
    report.note("A share of the rows comes later by 1 to 100 requests, or comes once more with other values. "
                f"Rows/s: medians of {note}; repeated lines count.")
    _print_ingest(report, ingest)
    asked = {}
    with contextlib.ExitStack() as stack:
        baseline = _loaded(context, stack, data, IN_ORDER)
        baseline.settle()
        for disorder in [IN_ORDER, *DISORDERS]:
            with contextlib.ExitStack() as inner:
                varve = _loaded(context, inner, data, disorder)
                asked[disorder.name] = _ask(context, data, disorder, varve, baseline)
    report.note(f"Query times / those of the same data loaded in order and compacted, up to {_count(context)} questions of "
                "each type and round. The floor is for each type.")
    _print_queries(report, asked)
    report.keep("disorder", {"data": str(data), "rows_per_second": ingest, "queries": asked})


def _ingest(context, data) -> tuple[dict[str, float], str]:
    def one_round(_):
        found = {}
        for disorder in [IN_ORDER, *DISORDERS]:
            requests = data.requests(disorder)
            with context.varve() as varve:
                found[disorder.name] = varve.load(requests.bodies(), requests.lines).rows_per_second
        return found

    for disorder in DISORDERS:
        data.requests(disorder)  # made before the clock runs
    found, note = rounds.repeat(context.rounds, [], one_round)
    return {name: median(one[name] for one in found) for name in found[0]}, note


def _count(context) -> int:
    """Half as many as elsewhere: there are ten states to ask."""
    return max(1, context.count // 2)


def _loaded(context, stack, data, disorder):
    (varve,) = entered(context, stack, [context.varve()])
    requests = data.requests(disorder)
    # A row and its repetition must come in their order: what is asked afterwards depends on it.
    varve.load(requests.bodies(), requests.lines, connections=1)
    varve.flush()
    return varve


def _ask(context, data, disorder, varve, baseline) -> dict:
    found = {"as is": _ratios(context, data, disorder, varve, baseline)}
    if varve.compact():
        varve.wait_for_size()
        found["compacted"] = _ratios(context, data, disorder, varve, baseline)
    return found


def _ratios(context, data, disorder, varve, baseline) -> dict[str, float]:
    sizes, problems = rounds.check([varve], data, disorder, TYPES)
    for problem in problems:
        context.report.problem(f"{disorder.name}: {problem}")
    cells, _ = rounds.alternate([baseline, varve], data, TYPES, context.rounds, _count(context), sizes)
    return {query_type.name: cells[varve, query_type].ms / cells[baseline, query_type].ms
            for query_type in TYPES}


def _print_ingest(report, rates):
    rows, base = [], rates[IN_ORDER.name]
    for name, rate in rates.items():
        verdict = goals.judge("disordered ingest", {"in order": rate / base} if name != IN_ORDER.name else {})
        rows.append([name, rate, f"{rate / base:.2f}", verdict.floor, verdict.stretch])
        if not verdict.held:
            report.problems.append(f"ingest, {name}: {verdict.floor}")
    report.table(["rows", "rows/s", "/ in order", "floor", "stretch"], rows)


def _print_queries(report, asked):
    columns = [(name, state) for name, states in asked.items() for state in states]
    rows = [[query_type.name, *[f"{asked[name][state][query_type.name]:.2f}" for name, state in columns]]
            for query_type in TYPES]
    means = [statistics.geometric_mean(asked[name][state].values()) for name, state in columns]
    worst = [max(asked[name][state].values()) for name, state in columns]
    verdicts = [goals.judge("disordered queries", {"in order": ratio} if name != IN_ORDER.name else {})
                for ratio, (name, _) in zip(worst, columns)]
    rows.append(["geometric mean", *[f"{mean:.2f}" for mean in means]])
    rows.append(["floor", *[verdict.floor for verdict in verdicts]])
    report.table(["", *[f"{name}, {state}" for name, state in columns]], rows)
    for (name, state), verdict in zip(columns, verdicts):
        if not verdict.held:
            report.problems.append(f"queries, {name}, {state}: {verdict.floor}")
