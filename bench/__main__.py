"""`python -m bench [CASE ...]`: Varve beside its peers on this machine. `make bench` sets up what it needs first."""

import argparse
import datetime
import pathlib
import signal
import sys
import tempfile
import traceback

from bench import cases, machine, peers
from bench.context import Context
from bench.report import Report

CACHE = pathlib.Path("build/bench")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("cases", nargs="*", default=[],
                        help=f"of {', '.join(cases.ALL)}; by default: {', '.join(cases.DEFAULT)}")
    parser.add_argument("--peers", default=",".join(peers.NAMES), help="of %(default)s")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--hours", type=int, default=12)
    parser.add_argument("--fields", choices=["double", "int"], default="double")
    parser.add_argument("--seed", type=int, default=123)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=20, help="questions of each type and round")
    parser.add_argument("--scales", default="100x24,1000x24,4000x24", help="hosts x hours of the case scale")
    parser.add_argument("--memory-limit", default="8GiB", help="of the largest of --scales")
    parser.add_argument("--folder", help="on the disk to measure; default: build/bench")
    arguments = parser.parse_args()
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    if unknown := set(arguments.cases) - set(cases.ALL):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(cases.ALL)}")
    if unknown := set(arguments.peers) - set(peers.NAMES):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(peers.NAMES)}")
    arguments.scales = [tuple(map(int, scale.split("x"))) for scale in arguments.scales.split(",")]
    return arguments


def main() -> int:
    arguments = parse()
    # So that everything that was started is ended, even when this program was started with interrupts ignored.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    about = machine.describe()
    report = Report(CACHE, {"date": datetime.date.today().isoformat(), "machine": about, "parameters": vars(arguments)})
    report.note(f"{datetime.date.today()}, {about['cores']} cores ({about['cpu']}), {about['memory_gib']} GiB, Linux "
                f"{about['kernel']}; seed {arguments.seed}; load average {about['load']} at the start")
    if about["load"] > machine.FOREIGN_CORES_MAX:
        report.note(f"**The load average is over {machine.FOREIGN_CORES_MAX}: other work disturbs the figures.**")
    with tempfile.TemporaryDirectory(dir=arguments.folder or CACHE, prefix="run-") as folder:
        context = Context(pathlib.Path(folder).resolve(), CACHE, arguments.peers, arguments.hosts, arguments.hours,
                          arguments.fields, arguments.seed, arguments.rounds, arguments.count, arguments.scales,
                          arguments.memory_limit, report)
        for case in arguments.cases or cases.DEFAULT:
            try:
                cases.ALL[case](context)
            except (RuntimeError, OSError, peers.Unavailable) as failure:  # the other cases may still tell something
                traceback.print_exc()
                report.problem(f"{case} failed: {failure}")
    print(f"\nresults: {report.path}, and as Markdown beside it")
    for problem in report.problems:
        print(f"bench: {problem}")
    print(f"bench: {'all floors hold' if not report.problems else f'{len(report.problems)} problems'}")
    return 1 if report.problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("bench: interrupted; everything that was started is ended")
