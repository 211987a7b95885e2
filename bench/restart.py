#!/usr/bin/env python3
"""How long a restart takes after kill -9 with a million rows that are only in the log; all of them must be back."""

import argparse
import pathlib
import sys
import tempfile

import measure
import tsbs
from harness import Server

GOAL_SECONDS = 3.0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    data = tsbs.Cpu(hosts=100, steps=10_000)
    print(f"restart: {data.rows} rows in the log, {measure.machine()}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "varve.toml"
        config.write_text("[server.auto_create_table_opts]\nwrite_buffer_size = '2G'\n"
                          "[analytic]\ndb_write_buffer_size = '4G'\n")
        options = ["--config", str(config), "--log-level", "warn"]
        with Server(pathlib.Path(folder) / "data", *options) as server:
            measure.ingest(server.url, "/write?precision=ns", list(data.requests(measure.LINES_PER_REQUEST)))
            server.kill()
        times = []
        for number in range(arguments.rounds):
            with Server(pathlib.Path(folder) / "data", *options) as server:
                times.append(server.start_seconds)
                rows = server.value("SELECT count(*) AS n FROM cpu")
                assert rows == data.rows, f"{rows} rows are back"
                server.kill()
            print(f"  round {number + 1}  ready after {times[-1]:.2f} s", flush=True)
    seconds = measure.median(times)
    print(f"restart: {seconds:.2f} s (goal below {GOAL_SECONDS} s: {'met' if seconds < GOAL_SECONDS else 'missed'})")
    return 0 if seconds < GOAL_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
