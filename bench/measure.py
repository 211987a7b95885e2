"""What the benchmarks share: clients that send prepared requests, CPU time of a process, medians."""

import http.client
import multiprocessing
import os
import pathlib
import statistics
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test"))

CONNECTIONS = 2
LINES_PER_REQUEST = 10_000


def _send(url, path, bodies, ready, go):
    """One connection: sends its requests one after the other, each after the answer to the one before."""
    address = urllib.parse.urlparse(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
    connection.connect()
    ready.release()
    go.wait()
    for body in bodies:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 204:
            raise SystemExit(f"{url}{path} answered {answer.status}: {text[:300]}")


def ingest(url, path, bodies) -> float:
    """Seconds until all requests are acknowledged, over CONNECTIONS connections that are open before."""
    fork = multiprocessing.get_context("fork")  # the bodies are shared, not copied
    ready, go = fork.Semaphore(0), fork.Event()
    clients = [fork.Process(target=_send, args=(url, path, bodies[n::CONNECTIONS], ready, go))
               for n in range(CONNECTIONS)]
    for client in clients:
        client.start()
    for _ in clients:
        ready.acquire()
    started = time.perf_counter()
    go.set()
    for client in clients:
        client.join()
    seconds = time.perf_counter() - started
    if any(client.exitcode for client in clients):
        raise SystemExit("a client failed")
    return seconds


def cpu_seconds(pid) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine() -> str:
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start"


def median(values) -> float:
    return statistics.median(values)
