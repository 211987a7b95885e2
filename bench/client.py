"""An HTTP client that adds as little as possible of its own: what is measured should be the server's time."""

import contextlib
import dataclasses
import functools
import multiprocessing
import re
import socket
import time

CONNECTIONS = 2
TIMEOUT_SECONDS = 300
RETRIES_MAX = 1000  # of a request that the server puts off with 503


class Answer:
    """What came back. The body is put together from its chunks when it is asked for, after the clock has stopped."""

    def __init__(self, status: int, data, spans):
        self.status = status
        self._data, self._spans = memoryview(data), spans

    @functools.cached_property
    def body(self) -> bytes:
        return b"".join(self._data[first:last] for first, last in self._spans)

    @property
    def size(self) -> int:
        return sum(last - first for first, last in self._spans)


class Connection:
    """One kept-alive connection. One request at a time."""

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self._socket.close()

    def exchange(self, head: bytes, body=b"") -> Answer:
        """Sends a request and reads the whole answer. `head` ends with its empty line."""
        self._socket.sendall(head)
        if body:
            self._socket.sendall(body)
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            self._more(data)
        header = bytes(data[:end]).lower()
        status, first = int(header[9:12]), end + 4
        if status == 204:
            return Answer(status, data, [])
        if b"transfer-encoding: chunked" in header:
            return Answer(status, data, self._chunks(data, first))
        length = int(re.search(rb"content-length: *(\d+)", header).group(1))
        while len(data) < first + length:
            self._more(data)
        return Answer(status, data, [(first, first + length)])

    def _chunks(self, data, position) -> list[tuple[int, int]]:
        spans = []
        while True:
            while (end := data.find(b"\r\n", position)) < 0:
                self._more(data)
            size = int(bytes(data[position:end]).split(b";")[0], 16)
            while len(data) < end + size + 4:
                self._more(data)
            if size == 0:
                return spans
            spans.append((end + 2, end + 2 + size))
            position = end + size + 4

    def _more(self, data):
        received = self._socket.recv(1 << 20)
        if not received:
            raise ConnectionError("the server closed the connection within an answer")
        data += received


def get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode()


def post(target: str, body_size: int) -> bytes:
    return (f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {body_size}\r\n\r\n").encode()


@dataclasses.dataclass
class Load:
    """How the sending of prepared requests went."""

    lines: int
    seconds: float
    request_ms: list[float]
    put_off: int  # requests that were answered 503 and sent again

    @property
    def rows_per_second(self) -> float:
        return self.lines / self.seconds


class Worker:
    """A forked process that runs `work(*arguments)` and hands back what it returns. A context manager that kills it."""

    def __init__(self, work, *arguments):
        fork = multiprocessing.get_context("fork")  # request bodies are shared, not copied
        self._result, result = fork.Pipe(duplex=False)
        self._process = fork.Process(target=_worker, args=(result, work, arguments), daemon=True)
        self._process.start()
        result.close()  # so that the end of the process ends the wait for its result

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.join()

    def result(self):
        """Waits for it. A RuntimeError when the work failed."""
        try:
            value, problem = self._result.recv()
        except EOFError:
            value, problem = None, "a client process ended early"
        self._process.join()
        if problem:
            raise RuntimeError(problem)
        return value


def _worker(result, work, arguments):
    try:
        result.send((work(*arguments), None))
    except (OSError, RuntimeError) as error:
        result.send((None, str(error)))


def event():
    """Set by this program, seen by its workers."""
    return multiprocessing.get_context("fork").Event()


def send_all(port: int, target: str, bodies, lines: int, connections=CONNECTIONS) -> Load:
    """Each of `connections` processes sends every n-th request after the answer to its one before. The clock runs from
    when all are connected until all is acknowledged. A RuntimeError when a request is refused."""
    go = event()
    with contextlib.ExitStack() as stack:
        sockets = [Connection(port) for _ in range(connections)]
        workers = [stack.enter_context(Worker(_send, sockets[n], target, bodies[n::connections], go))
                   for n in range(connections)]
        started = time.perf_counter()
        go.set()
        found = [worker.result() for worker in workers]
        seconds = time.perf_counter() - started
        for connection in sockets:
            connection.close()
    return Load(lines, seconds, sum((request_ms for request_ms, _ in found), []), sum(put_off for _, put_off in found))


def _send(connection, target, bodies, go) -> tuple[list[float], int]:
    go.wait()
    request_ms, put_off = [], 0
    for body in bodies:
        started = time.perf_counter()
        put_off += _send_one(connection, target, body)
        request_ms.append((time.perf_counter() - started) * 1000)
    return request_ms, put_off


def _send_one(connection, target, body) -> int:
    """How often the server put the request off before it took it."""
    for attempt in range(RETRIES_MAX):
        answer = connection.exchange(post(target, len(body)), body)
        if answer.status == 204:
            return attempt
        if answer.status != 503:
            raise RuntimeError(f"answered {answer.status}: {answer.body[:300]}")
        time.sleep(0.1)
    raise RuntimeError(f"put off {RETRIES_MAX} times")
