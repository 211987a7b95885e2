#!/usr/bin/env python3
"""Line-protocol ingest, Varve beside InfluxDB 1.6.7, in one run: rows a second, durable before they are acknowledged.

TSBS cpu shape (10 tags, 10 integer fields), 10,000 lines a request, 2 connections. Rounds alternate; each begins with
an empty folder. Medians are compared, and the rows are counted in both.
"""

import argparse
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import measure
import tsbs
from harness import Server

GOAL = 2.0  # times as many rows a second


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Influx:
    """`influxd` as the Debian package brings it: WAL with fsync before the answer, in-memory index."""

    def __init__(self, folder):
        if not shutil.which("influxd"):
            raise SystemExit("influxd is not installed: scripts/setup.sh bench")
        http, rpc = free_port(), free_port()
        config = pathlib.Path(folder) / "influx.conf"
        config.write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "inmem"
  cache-max-memory-size = "4g"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
  max-body-size = 0
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[logging]
  level = "error"
""")
        self.url = f"http://127.0.0.1:{http}"
        self.process = subprocess.Popen(["influxd", "run", "-config", str(config)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self._wait()
        self.query("CREATE DATABASE bench")

    def _wait(self):
        for _ in range(300):
            try:
                urllib.request.urlopen(self.url + "/ping", timeout=5)
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        raise SystemExit("influxd does not start")

    def query(self, text):
        data = urllib.parse.urlencode({"q": text, "db": "bench"}).encode()
        return json.load(urllib.request.urlopen(self.url + "/query", data, timeout=120))

    def rows(self) -> int:
        return self.query("SELECT count(usage_user) FROM cpu")["results"][0]["series"][0]["values"][0][1]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def influx_round(bodies, rows, folder):
    influx = Influx(folder)
    before = measure.cpu_seconds(influx.process.pid)
    seconds = measure.ingest(influx.url, "/write?db=bench&precision=ns", bodies)
    cpu = measure.cpu_seconds(influx.process.pid) - before
    assert influx.rows() == rows, "InfluxDB lost rows"
    influx.stop()
    return rows / seconds, cpu / rows * 1e6


def varve_round(bodies, rows, folder):
    with Server(pathlib.Path(folder) / "data", "--log-level", "warn") as varve:
        before = measure.cpu_seconds(varve.process.pid)
        seconds = measure.ingest(varve.url, "/write?db=bench&precision=ns", bodies)
        cpu = measure.cpu_seconds(varve.process.pid) - before
        assert varve.value("SELECT count(*) AS n FROM cpu") == rows, "Varve lost rows"
    return rows / seconds, cpu / rows * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=None, help="on the disk to measure; default: the folder of temporary files")
    arguments = parser.parse_args()
    data = tsbs.Cpu(arguments.hosts, arguments.hours * 360)
    print(f"ingest: {data.rows} rows, {measure.LINES_PER_REQUEST} lines a request, {measure.CONNECTIONS} connections, "
          f"{measure.machine()}", flush=True)
    bodies = list(data.requests(measure.LINES_PER_REQUEST))
    peers = {"InfluxDB 1.6.7": influx_round, "Varve": varve_round}
    figures = {name: [] for name in peers}
    for number in range(arguments.rounds):
        for name, run in peers.items():
            with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
                figures[name].append(run(bodies, data.rows, folder))
            rate, cpu = figures[name][-1]
            print(f"  round {number + 1}  {name:<15} {rate:>10,.0f} rows/s  {cpu:6.2f} us of CPU a row", flush=True)
    medians = {name: measure.median(rate for rate, _ in found) for name, found in figures.items()}
    for name, rate in medians.items():
        print(f"  median   {name:<15} {rate:>10,.0f} rows/s")
    ratio = medians["Varve"] / medians["InfluxDB 1.6.7"]
    print(f"ingest: Varve takes {ratio:.2f} times as many rows a second as InfluxDB 1.6.7 "
          f"(goal {GOAL}: {'met' if ratio >= GOAL else 'missed'})")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
