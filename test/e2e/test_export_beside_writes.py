"""Out of one server and into an empty one, while rows come, are replaced and go: what arrives is one point in time.

The size of `cpu` is VARVE_EXPORT_HOSTS (20) times VARVE_EXPORT_HOURS (6) times 360 rows, at VARVE_EXPORT_PARALLELISM (2);
1000 and 96 are 34,560,000 rows. CSV and JSON take the hours up to VARVE_EXPORT_TEXT_HOURS (all). VARVE_EXPORT_FOLDER
holds the data, its default is pytest's.
"""

import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time

import flights_data
import pyarrow
import pytest
import requests
from harness import Server, binary

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from bench import dataset  # noqa: E402

HOSTS = int(os.environ.get("VARVE_EXPORT_HOSTS", "20"))
HOURS = int(os.environ.get("VARVE_EXPORT_HOURS", "6"))
TEXT_HOURS = int(os.environ.get("VARVE_EXPORT_TEXT_HOURS", HOURS))
PARALLELISM = int(os.environ.get("VARVE_EXPORT_PARALLELISM", "2"))
WINDOW = "30d" if HOURS < 48 else "1d"
STATEMENT_SECONDS_MAX = 3600
HOUR_MS = 3_600_000
FIELDS = dataset.FIELDS
PAIRS = ("first", "second")  # what the writer writes to both, in this order


def post(server, statement, **arguments):
    answer = requests.post(f"{server.url}/sql{'?format=arrow' if arguments.get('arrow') else ''}", data=statement.encode(),
                           headers={"Content-Type": "text/plain"}, timeout=STATEMENT_SECONDS_MAX)
    assert answer.status_code == 200, f"{statement[:300]}\n{answer.text[:2000]}"
    return pyarrow.ipc.open_stream(answer.content).read_all() if arguments.get("arrow") else answer.json()


class Writer:
    """Inserts, overwrites and deletes until it is stopped. All values are whole numbers: sums are exact."""

    def __init__(self, server, seed):
        self.server, self.rng, self.stopped = server, random.Random(seed), threading.Event()
        self.statements, self.error = 0, None
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        assert self.error is None, self.error
        assert self.statements > 0

    def run(self):
        try:
            while not self.stopped.is_set():
                self.step()
                self.statements += 1
        except Exception as error:  # noqa: BLE001: told in __exit__
            self.error = error

    def step(self):
        at = dataset.START_MS + self.rng.randrange(HOURS * 360) * 10_000
        host = f"host_{self.rng.randrange(HOSTS)}"
        usage = ", ".join(str(self.rng.randrange(1000)) for _ in FIELDS)
        names = ", ".join(FIELDS)
        for statement in (
                # Rows that were there, with other values; rows of new hosts; rows that go, of one host and of all.
                f"INSERT INTO cpu (timestamp, {', '.join(dataset.TAGS)}, {names}) SELECT timestamp, "
                f"{', '.join(dataset.TAGS)}, {usage} FROM cpu WHERE hostname = '{host}' AND timestamp >= {at} "
                f"AND timestamp < {at + HOUR_MS // 4}",
                f"INSERT INTO cpu (timestamp, hostname, {names}) VALUES ({at + 5000}, 'new_{self.rng.randrange(9)}', {usage})",
                f"DELETE FROM cpu WHERE hostname = '{host}' AND timestamp >= {at - 60_000} AND timestamp < {at}",
                f"DELETE FROM flights WHERE carrier = 'UA' AND flight = '{self.rng.randrange(2000)}'",
                f"INSERT INTO weather (time_hour, origin, temp) VALUES ({1357020000000 + self.rng.randrange(8700) * HOUR_MS}, "
                f"'JFK', {self.rng.randrange(100)})",
                *(f"INSERT INTO {table} (t, n) VALUES "
                  f"({dataset.START_MS + self.statements}, {self.statements})" for table in PAIRS)):
            self.server.sql(statement)


def questions(version, hours=HOURS):
    """What is asked of both servers; `version` goes behind the names of tables."""
    numbers = [f"sum({field}), min({field}), max({field})" for field in FIELDS]
    texts = [f"min({tag}), max({tag}), count({tag})" for tag in dataset.TAGS]
    within = f"FROM cpu{version} WHERE timestamp < {dataset.START_MS + hours * HOUR_MS}"
    return {
        "all of cpu": f"SELECT count(*), min(timestamp), max(timestamp), {', '.join(numbers + texts)} {within}",
        "hosts and hours": f"SELECT hostname, time_bucket(timestamp, 'PT1H') AS h, count(*), {', '.join(numbers)} {within} "
                           "GROUP BY hostname, h ORDER BY hostname, h",
        "flights": f"SELECT * FROM flights{version} ORDER BY ALL",
        "weather": f"SELECT * FROM weather{version} ORDER BY ALL",
        **{table: f"SELECT * FROM {table}{version} ORDER BY ALL" for table in PAIRS},
    }


def compare(source, target, savepoint, hours):
    for (name, theirs), ours in zip(questions(f" VERSION AS OF 'savepoint.{savepoint}'", hours).items(),
                                    questions("", hours).values()):
        expected, found = post(source, theirs, arrow=True), post(target, ours, arrow=True)
        assert expected.num_rows == found.num_rows and expected.num_rows > 0, name
        assert expected.equals(found), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if path := os.environ.get("VARVE_EXPORT_FOLDER"):
        pathlib.Path(path).mkdir(parents=True, exist_ok=True)
        return pathlib.Path(path)
    return tmp_path_factory.mktemp("export")


def serve(folder, name):
    return Server(folder / name, "--log-level", "warn", env={"VARVE_COPY_ALLOWED_FOLDERS": str(folder)})


@pytest.fixture(scope="module")
def source(folder):
    shutil.rmtree(folder / "source", ignore_errors=True)
    with serve(folder, "source") as server:
        columns = [f"{tag} string TAG" for tag in dataset.TAGS] + [f"{field} double" for field in FIELDS]
        server.sql(f"CREATE TABLE cpu (timestamp timestamp NOT NULL, {', '.join(columns)}, TIMESTAMP KEY (timestamp)) "
                   "WITH (enable_ttl='false', segment_duration='2h')")
        for path in dataset.Dataset(folder / "made", HOSTS, HOURS, "double", 123).segment_files():
            post(server, f"COPY cpu FROM '{path}'")
        for table in flights_data.ROWS:
            server.sql(flights_data.create_statement(table))
            post(server, f"COPY {table} FROM '{flights_data.write_parquet(table, folder)}'")
        for table in PAIRS:
            server.sql(f"CREATE TABLE {table} (t timestamp NOT NULL, n bigint, TIMESTAMP KEY (t)) "
                       "WITH (enable_ttl='false', update_mode='APPEND')")
        server.flush()
        yield server


def measured(folder, *arguments):
    """The command line's seconds and the snapshot's megabytes."""
    began = time.monotonic()
    done = subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=STATEMENT_SECONDS_MAX)
    assert done.returncode == 0, done.stdout + done.stderr
    size = sum(path.stat().st_size for path in (folder / "snapshot").rglob("*") if path.is_file())
    return f"{time.monotonic() - began:.1f} s for {size / 1e6:.0f} MB"


@pytest.mark.parametrize("data_format", ["parquet", "csv", "json"])
def test_what_arrives_is_one_point_in_time(folder, source, data_format):
    seed = int(os.environ.get("VARVE_SEED", random.randrange(1 << 32)))
    hours = HOURS if data_format == "parquet" else TEXT_HOURS
    end = datetime.datetime.fromtimestamp(dataset.START_MS / 1000 + hours * 3600, datetime.UTC)
    for name in ("snapshot", "target"):
        shutil.rmtree(folder / name, ignore_errors=True)
    place = f"file://{folder / 'snapshot'}"
    name = f"of_{data_format}"
    with Writer(source, seed) as writer:
        while writer.statements < 3 and not writer.error:
            time.sleep(0.01)
        source.sql(f"CREATE SAVEPOINT {name} FOR DATABASE")
        out = measured(folder, "export", "create", "--to", place, "--url", source.url, "--format", data_format, "--as-of",
                       f"savepoint.{name}", "--parallelism", PARALLELISM, "--chunk-time-window", WINDOW, "--end-time",
                       end.isoformat())
        written = writer.statements
    manifest = json.loads((folder / "snapshot" / "manifest.json").read_text())
    with serve(folder, "target") as target:
        back = measured(folder, "import", "--from", place, "--url", target.url, "--parallelism", PARALLELISM)
        compare(source, target, name, hours)
        first, second = (target.value(f"SELECT count(*) AS n FROM {table}") for table in PAIRS)
        assert first in (second, second + 1)
    print(f"VARVE_SEED={seed}; {data_format}: {sum(f['rows'] for c in manifest['chunks'] for f in c['files'])} rows in "
          f"{len(manifest['chunks'])} chunks, export {out}, import {back}, {written} rounds of writes beside it")
    source.sql(f"DROP SAVEPOINT {name}")
    for each in ("snapshot", "target"):
        shutil.rmtree(folder / each)
