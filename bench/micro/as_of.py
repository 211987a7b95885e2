"""What a query of an older version costs beside the same query of now: medians of alternating rounds.

    third_party/venv/bin/python bench/micro/as_of.py build/varve
"""

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 60
HOUR = "host = 'host_7' AND ts >= 1700003600000 AND ts < 1700007200000"
QUERIES = {
    "one host, one hour": f"SELECT time_bucket(ts, 'PT1M') AS m, max(u) FROM {{}} WHERE {HOUR} GROUP BY m ORDER BY m",
    "all hosts": "SELECT host, max(u), avg(v) FROM {} GROUP BY host ORDER BY host",
    "filter on fields": "SELECT count(*), sum(u) FROM {} WHERE u > 90 AND v < 3",
    "newest rows": "SELECT ts, u FROM {} ORDER BY ts DESC LIMIT 10",
}


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def post(self, path, body):
        self.connection.request("POST", path, body, {"Content-Type": "text/plain"})
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text
        return text

    def sql(self, statement):
        return self.post("/sql", statement)


def load(client) -> int:
    """A million rows in files, a savepoint of them, and three more versions; the version of the savepoint."""
    client.sql("CREATE TABLE cpu (ts timestamp NOT NULL, host string TAG, u double, v double, TIMESTAMP KEY(ts)) "
               "WITH (enable_ttl='false')")
    for part in range(10):
        client.sql("INSERT INTO cpu (ts, host, u, v) SELECT epoch_ms(1700000000000 + (i // 100) * 10000 + "
                   f"{part} * 10000000), 'host_' || (i % 100), i % 97, i % 13 FROM range(100000) r(i)")
    client.post("/debug/flush_memtable", "")
    client.sql("CREATE SAVEPOINT before FOR TABLE cpu")
    version = json.loads(client.sql("SELECT max(snapshot_id) AS id FROM cpu$snapshots"))["rows"][0]["id"]
    for _ in range(3):
        client.sql("INSERT INTO cpu (ts, host, u, v) VALUES (1800000000000, 'host_1', 1, 1)")
        client.post("/debug/flush_memtable", "")
    return version


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        port = 5998
        server = subprocess.Popen([program, "server", "--data", folder, "--http-port", str(port), "--log-level", "off"],
                                  stdout=subprocess.DEVNULL)
        try:
            time.sleep(2)
            client = Client(port)
            version = load(client)
            tables = {"now": "cpu", "its version": f"cpu VERSION AS OF {version + 3}",
                      "older": f"cpu VERSION AS OF {version}", "savepoint": "cpu VERSION AS OF 'savepoint.before'"}
            for name, query in QUERIES.items():
                times = {which: [] for which in tables}
                for _ in range(ROUNDS):
                    for which, table in tables.items():
                        begin = time.perf_counter()
                        client.sql(query.format(table))
                        times[which].append(1000 * (time.perf_counter() - begin))
                medians = {which: statistics.median(each) for which, each in times.items()}
                print(f"{name:20}", "  ".join(f"{which} {ms:.2f} ms ({ms / medians['now']:.2f}x)"
                                              for which, ms in medians.items()))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(sys.argv[1])
