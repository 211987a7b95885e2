#!/usr/bin/env python3
"""One host, one hour, out of 4.3 million flushed rows: Varve over HTTP beside stock DuckDB on one sorted Parquet file.

1000 hosts over 12 hours, a row every 10 s. The hosts and hours are drawn at random, the same for both; each question is
asked of both in turn, the answers are compared. DuckDB runs in the process, without HTTP.
"""

import argparse
import datetime
import http.client
import json
import pathlib
import random
import sys
import tempfile
import time
import urllib.parse

import duckdb

import measure
import tsbs
from harness import Server

GOAL = 1.5  # times DuckDB's median
WARM_UP = 20
QUERIES = {
    "max of 1 metric by minute": "max(usage_user)",
    "max of 5 metrics by minute": ", ".join(f"max({name})" for name in tsbs.FIELDS[:5]),
}


def question(columns, host, start, source):
    end = start + datetime.timedelta(hours=1)
    return (f"SELECT date_trunc('minute', timestamp) AS minute, {columns} FROM {source} "
            f"WHERE hostname = 'host_{host}' AND timestamp >= TIMESTAMP '{start}' AND timestamp < TIMESTAMP '{end}' "
            f"GROUP BY minute ORDER BY minute")


class Client:
    """One kept-alive connection of the standard library: what a richer client adds is not the server's time."""

    def __init__(self, url):
        address = urllib.parse.urlparse(url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)

    def ask(self, text) -> bytes:
        self.connection.request("POST", "/sql", text.encode())
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return body


def check_alike(answer, rows):
    epoch = datetime.datetime(1970, 1, 1)
    expected = [[int((row[0] - epoch).total_seconds() * 1000), *row[1:]] for row in rows]
    assert [list(row.values()) for row in json.loads(answer)["rows"]] == expected, "the answers differ"


def compare(server, peer, data, columns, count):
    """Medians of Varve and DuckDB in milliseconds."""
    client = Client(server.url)
    generator = random.Random(columns)
    first = datetime.datetime(2016, 1, 1)
    times = {"Varve": [], "DuckDB": []}
    for number in range(WARM_UP + count):
        host = generator.randrange(data.hosts)
        start = first + datetime.timedelta(seconds=generator.randrange(max(1, data.steps * 10 - 3600)))
        started = time.perf_counter()
        answer = client.ask(question(columns, host, start, "cpu"))
        between = time.perf_counter()
        rows = peer.execute(question(columns, host, start, "sorted")).fetchall()
        ended = time.perf_counter()
        check_alike(answer, rows)
        if number >= WARM_UP:
            times["Varve"].append((between - started) * 1000)
            times["DuckDB"].append((ended - between) * 1000)
    return {name: measure.median(found) for name, found in times.items()}


def duckdb_peer(data, folder):
    peer = duckdb.connect(config={"threads": 2})
    path = pathlib.Path(folder) / "sorted.parquet"
    table = data.arrow()
    peer.register("generated", table)
    peer.execute(f"COPY (SELECT * FROM generated ORDER BY hostname, timestamp) TO '{path}' (FORMAT parquet, CODEC zstd)")
    peer.unregister("generated")
    peer.execute("SET parquet_metadata_cache = true")
    peer.execute(f"CREATE VIEW sorted AS SELECT * FROM read_parquet('{path}')")
    return peer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--hours", type=int, default=12)
    parser.add_argument("--count", type=int, default=60, help="questions of each kind, after the warm-up")
    arguments = parser.parse_args()
    data = tsbs.Cpu(arguments.hosts, arguments.hours * 360)
    print(f"point query: {data.rows} rows, {measure.machine()}", flush=True)
    met = True
    with tempfile.TemporaryDirectory() as folder, Server(pathlib.Path(folder) / "data", "--log-level", "warn") as server:
        for body in data.requests(measure.LINES_PER_REQUEST):
            server.write(body, precision="ns")
        server.flush()
        assert server.value("SELECT count(*) AS n FROM cpu") == data.rows
        files = sum(1 for _ in server.data.glob("tables/*/data/*/*.parquet"))
        print(f"  {files} Parquet files in Varve, one sorted file for DuckDB", flush=True)
        peer = duckdb_peer(data, folder)
        for name, columns in QUERIES.items():
            medians = compare(server, peer, data, columns, arguments.count)
            ratio = medians["Varve"] / medians["DuckDB"]
            met = met and ratio <= GOAL
            print(f"  {name:<28} Varve {medians['Varve']:6.2f} ms   DuckDB {medians['DuckDB']:6.2f} ms   "
                  f"ratio {ratio:.2f} (goal at most {GOAL}: {'met' if ratio <= GOAL else 'missed'})", flush=True)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
