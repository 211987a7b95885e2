"""kill -9 when 864,000 rows are acknowledged, and how long until the first right count after the next start."""

import contextlib
import time

from bench import goals, rounds
from bench.context import Context, entered
from bench.report import median

HOSTS, HOURS = 100, 24
LOST_SECONDS = 20  # a count that stays wrong for so long is what is left
# So large that nothing is flushed: all rows are in the log alone.
VARVE_CONFIG = """
[server.auto_create_table_opts]
write_buffer_size = '2G'
[analytic]
db_write_buffer_size = '4G'
"""


def run(context: Context):
    data = context.data(min(context.hosts, HOSTS), HOURS if context.hosts >= HOSTS else context.hours)
    report = context.report
    report.heading(f"Ready after kill -9: {data}")
    found, note = rounds.repeat(context.rounds, [], lambda _: _round(context, data.requests()))
    medians = {label: median(one[label][0] for one in found if label in one) for label in found[-1]}
    lost = {label: max(one[label][1] for one in found if label in one) for label in found[-1]}
    ratios = {label: medians["Varve"] / seconds for label, seconds in medians.items() if label != "Varve"}
    verdict = goals.judge("restart", ratios)
    report.note(f"From the start of the process to the first right count over HTTP, medians of {note}. The "
                "process is killed, the machine is not: what was not synced is still in the kernel's cache.")
    report.table(["", "seconds", "rows lost", "Varve / peer"],
                 [[label, seconds, lost[label], ratios.get(label)] for label, seconds in medians.items()])
    report.note(f"Floor: {verdict.floor}; stretch: {verdict.stretch}.")
    if not verdict.held:
        report.problems.append(f"restart: {verdict.floor}")
    if lost["Varve"]:
        report.problem(f"Varve lost {lost['Varve']:,} acknowledged rows")
    report.keep("restart", {"data": str(data), "seconds": medians, "rows_lost": lost})


def _round(context, requests) -> dict[str, tuple[float, int]]:
    found = {}
    for peer in context.servers():
        if peer.name == "varve":
            peer.settings["config"] = VARVE_CONFIG
        with contextlib.ExitStack() as stack:
            for started in entered(context, stack, [peer]):
                found[peer.label] = _crash(started, requests)
    return found


def _crash(peer, requests) -> tuple[float, int]:
    """Seconds until the count is right or stays wrong, and the rows that are missing then."""
    peer.load(requests.bodies(), requests.lines)
    peer.kill()
    started = time.monotonic()
    peer.start()
    while (found := peer.count()) < requests.lines and time.monotonic() - started < LOST_SECONDS:
        time.sleep(0.005)
    return time.monotonic() - started, requests.lines - found
