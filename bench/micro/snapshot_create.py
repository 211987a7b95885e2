"""What a savepoint costs beside a snapshot of VictoriaMetrics, of the same million rows, with nothing to flush: medians of
alternating rounds. Both keep their data in FOLDER, since the disk is what is measured.

    third_party/venv/bin/python bench/micro/snapshot_create.py build/varve victoria-metrics FOLDER
"""

import http.client
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import time

ROUNDS = 60
HOSTS, STEPS = 100, 10_000
START_SECONDS_MAX = 60


class Client:
    def __init__(self, port):
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def post(self, path, body=""):
        self.connection.request("POST", path, body, {"Content-Type": "text/plain"})
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text
        return text


def started(command, port):
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return server
        except OSError:
            assert server.poll() is None, f"{command[0]} ended"
            time.sleep(0.05)
    raise TimeoutError(command[0])


def lines(first):
    """Line protocol, timestamps in ms."""
    return "\n".join(f"cpu,host=host_{h} u={(step * 7 + h) % 97},v={step % 13} {1_700_000_000_000 + step * 10_000}"
                     for step in range(first, first + STEPS // 10) for h in range(HOSTS))


def main(varve, victoria, folder):
    folder = pathlib.Path(folder)
    ours = Client(5997)
    theirs = Client(5996)
    servers = [started([varve, "server", "--data", str(folder / "varve"), "--http-port", "5997", "--log-level", "off"], 5997),
               started([victoria, f"-storageDataPath={folder / 'vm'}", "-httpListenAddr=127.0.0.1:5996",
                        "-retentionPeriod=100y"], 5996)]
    try:
        for first in range(0, STEPS, STEPS // 10):
            rows = lines(first)
            ours.post("/write?precision=ms", rows)
            theirs.post("/write?precision=ms", rows)
        ours.post("/debug/flush_memtable")
        theirs.post("/internal/force_flush")
        rows = json.loads(ours.post("/sql", "SELECT count(*) AS n FROM cpu"))["rows"][0]["n"]
        assert rows == HOSTS * STEPS, rows
        times = {"savepoint": [], "VictoriaMetrics": []}
        for number in range(ROUNDS):
            begin = time.perf_counter()
            ours.post("/sql", f"CREATE SAVEPOINT s_{number} FOR TABLE cpu")
            middle = time.perf_counter()
            answer = json.loads(theirs.post("/snapshot/create"))
            assert answer["status"] == "ok", answer
            times["savepoint"].append(1000 * (middle - begin))
            times["VictoriaMetrics"].append(1000 * (time.perf_counter() - middle))
        medians = {name: statistics.median(values) for name, values in times.items()}
        for name, median in medians.items():
            print(f"{name}: {median:.2f} ms")
        print(f"ratio {medians['savepoint'] / medians['VictoriaMetrics']:.2f}")
    finally:
        for server in servers:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
