"""kill -9 at random moments under ingest: every acknowledged row is there exactly once, and no request is half there.

Four writers send line protocol; each request is a batch of rows that carries its number as a tag. A fifth thread asks
for a flush every few hundred milliseconds, so that the moments fall into flushes and commits too. After each restart
the table says how many rows of each request there are: all of an acknowledged one, all or none of another.

VARVE_SOAK_MINUTES=10 runs for that long instead of 50 rounds; VARVE_SEED=n repeats the moments of a run.
"""

import collections
import os
import random
import threading
import time

import requests

from harness import Server

ROUNDS = 50
WRITERS = 4
ROWS_PER_REQUEST = 60
TABLES = 2  # a request's rows go to two tables: the log must keep both or none
STEP_MS = 1000  # between rows of a writer: no row replaces another


class Writer(threading.Thread):
    """Sends requests one after the other until the server is gone; notes which were acknowledged."""

    def __init__(self, url, number, first_request, ledger):
        super().__init__()
        self.url, self.number, self.next_request, self.ledger = url, number, first_request, ledger
        self.start()

    def run(self):
        with requests.Session() as http:
            while True:
                request = self.next_request
                self.next_request += 1
                self.ledger.sent.add((self.number, request))
                lines = "\n".join(
                    f"m{row % TABLES},writer=w{self.number},request=r{request} row={row}i,"
                    f"text=\"{self.number}-{request}-{row}\" {(request * ROWS_PER_REQUEST + row) * STEP_MS}"
                    for row in range(ROWS_PER_REQUEST))
                try:
                    answer = http.post(f"{self.url}/write?precision=ms", data=lines.encode(), timeout=60)
                except requests.exceptions.RequestException:
                    return  # killed; nobody knows what became of this request
                if answer.status_code == 204:
                    self.ledger.acknowledged.add((self.number, request))
                elif answer.status_code not in (429, 503):
                    self.ledger.problems.append(f"{answer.status_code}: {answer.text[:300]}")
                    return


class Ledger:
    def __init__(self):
        self.sent = set()
        self.acknowledged = set()
        self.problems = []


def flush_until(url, stop, generator):
    with requests.Session() as http:
        while not stop.wait(generator.uniform(0.1, 0.4)):
            try:
                http.post(f"{url}/debug/flush_memtable", timeout=60)
            except requests.exceptions.RequestException:
                return


def rows_by_request(server):
    """(writer, request) -> how many rows there are and how many different ones, over both tables."""
    counts = collections.defaultdict(lambda: [0, 0])
    for table in range(TABLES):
        found = server.table(f"SELECT writer, request, count(*) AS n, count(DISTINCT row) AS d, "
                             f"count(DISTINCT text) AS t FROM m{table} GROUP BY writer, request").to_pydict()
        for writer, request, n, d, t in zip(*found.values()):
            entry = counts[int(writer[1:]), int(request[1:])]
            entry[0] += n
            entry[1] += min(d, t)
    return counts


def check(server, ledger):
    counts = rows_by_request(server)
    for key in ledger.acknowledged:
        assert counts[key] == [ROWS_PER_REQUEST] * 2, f"acknowledged request {key}: {counts[key]} rows"
    for key, found in counts.items():
        assert found in ([ROWS_PER_REQUEST] * 2, [0, 0]), f"request {key} is half there: {found}"
        assert key in ledger.sent or found == [0, 0], f"request {key} was never sent"
    # What was there after one restart must be there after all others.
    ledger.acknowledged.update(key for key, found in counts.items() if found[0])


def create_tables(server):
    for table in range(TABLES):
        server.sql(f"CREATE TABLE m{table} (timestamp timestamp TIMESTAMP KEY, writer string TAG, request string TAG, "
                   f"row bigint, text string) WITH (enable_ttl='false')")


def run_round(data, ledger, first_requests, generator):
    with Server(data, "--log-level", "warn") as server:
        check(server, ledger)
        stop = threading.Event()
        flusher = threading.Thread(target=flush_until, args=(server.url, stop, random.Random(generator.random())))
        flusher.start()
        writers = [Writer(server.url, n, first_requests[n], ledger) for n in range(WRITERS)]
        time.sleep(generator.uniform(0.05, 0.8))
        server.kill()
        stop.set()
        flusher.join()
        for writer in writers:
            writer.join()
            first_requests[writer.number] = writer.next_request
    assert not ledger.problems, ledger.problems


def test_kill_at_random_moments(tmp_path):
    minutes = float(os.environ.get("VARVE_SOAK_MINUTES", "0"))
    seed = int(os.environ.get("VARVE_SEED", random.SystemRandom().randrange(2**32)))
    generator = random.Random(seed)
    ledger, first_requests = Ledger(), [0] * WRITERS
    data = tmp_path / "data"
    with Server(data) as server:
        create_tables(server)
    started, rounds = time.monotonic(), 0
    try:
        while rounds < ROUNDS if not minutes else time.monotonic() - started < minutes * 60:
            run_round(data, ledger, first_requests, generator)
            rounds += 1
        with Server(data) as server:
            check(server, ledger)
    except BaseException:
        print(f"failed in round {rounds}; repeat with VARVE_SEED={seed}; the folder is kept: {data}")
        raise
    assert len(ledger.acknowledged) > rounds, "too little was written for the test to mean anything"
    print(f"{rounds} rounds, {len(ledger.acknowledged)} requests there, {len(ledger.sent)} sent, "
          f"{time.monotonic() - started:.0f} s")
