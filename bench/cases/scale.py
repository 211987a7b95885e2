"""What a row and a query cost Varve as the number of hosts grows, and the memory of the largest under a limit."""

from bench import rounds
from bench.context import Context
from bench.dataset import IN_ORDER
from bench.queries import TYPES
from bench.report import progress


def run(context: Context):
    report = context.report
    report.heading("Scale: Varve alone")
    figures = {}
    for hosts, hours in context.scales:
        largest = (hosts, hours) == max(context.scales, key=lambda scale: scale[0] * scale[1])
        name = f"{hosts} x {hours} h" + (f", limit {context.memory_limit}" if largest else "")
        figures[name] = _measure(context, context.data(hosts, hours), context.memory_limit if largest else None)
    rows = [[label, *[one[key] for one in figures.values()]] for key, label in
            (("rows", "rows"), ("rows_per_second", "rows/s"), ("cpu_us_per_row", "CPU us/row"),
             ("bytes_per_row", "bytes/row"), ("load_peak_mb", "peak MB, load"), ("peak_mb", "peak MB, queries"),
             ("put_off", "requests put off"))]
    rows += [[f"{query_type.name}, ms (CPU)", *[f"{one['ms'][query_type.name]:.2f} ({one['cpu_ms'][query_type.name]:.1f})"
                                                for one in figures.values()]] for query_type in TYPES]
    report.table(["", *figures], rows)
    report.keep("scale", figures)


def _measure(context, data, memory_limit) -> dict:
    requests = data.requests()
    config = f"[server]\nmemory_limit = '{memory_limit}'\n" if memory_limit else ""
    with context.varve(config=config) as varve:
        load = varve.load(requests.bodies(), requests.lines)
        found = {"rows": data.rows, "rows_per_second": load.rows_per_second, "put_off": load.put_off,
                 "cpu_us_per_row": varve.cpu_seconds() / data.rows * 1e6,
                 "load_peak_mb": varve.memory_peak_bytes() / 1e6}
        varve.settle()
        found["bytes_per_row"] = varve.disk_bytes() / data.rows
        progress(f"{data} is loaded")
        sizes, problems = rounds.check([varve], data, IN_ORDER, TYPES)
        for problem in problems:
            context.report.problem(f"{data.hosts} hosts: {problem}")
        cells, _ = rounds.alternate([varve], data, TYPES, 1, context.count, sizes)
        found["peak_mb"] = varve.memory_peak_bytes() / 1e6
    return found | {"ms": {one.name: cells[varve, one].ms for one in TYPES},
                    "cpu_ms": {one.name: cells[varve, one].cpu_ms for one in TYPES}}
