"""What every peer can do, and what those that are servers have in common."""

import abc
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import time

from bench import client, machine

START_SECONDS_MAX = 120
SETTLE_SECONDS_MAX = 300
SETTLED_SECONDS = 5  # without a change of size
_PR_SET_PDEATHSIG = 1


class Unavailable(Exception):
    """The peer cannot run here; the message says why."""


class Peer(abc.ABC):
    """One database on an empty folder. A context manager: at its end nothing runs and nothing is left on disk."""

    name: str  # as in PEERS=
    label: str  # as in tables

    def __init__(self, folder: pathlib.Path, **settings):
        self.folder, self.settings = folder, settings

    def __enter__(self):
        self.folder.mkdir(parents=True)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @abc.abstractmethod
    def start(self):
        """Returns when questions can be asked."""

    @abc.abstractmethod
    def stop(self):
        """Nothing runs afterwards; the data stays. No effect when it is stopped."""

    @abc.abstractmethod
    def load(self, bodies, lines: int, connections=client.CONNECTIONS) -> client.Load | None:
        """Sends line protocol; None if the peer reads the data's files itself. Requests on different connections
        overtake each other."""

    @abc.abstractmethod
    def settle(self):
        """Brings what was loaded into its lasting form: flushed, compacted, purged."""

    @abc.abstractmethod
    def request(self, question):
        """The question in the peer's words, ready for `ask`."""

    @abc.abstractmethod
    def ask(self, request):
        """The raw answer, whole. This is what is timed."""

    @abc.abstractmethod
    def rows(self, question, answer) -> list[tuple]:
        """The answer as answers.from_records gives it."""

    @abc.abstractmethod
    def size(self, answer) -> int:
        """A number that is the same for equal answers of this peer."""

    @abc.abstractmethod
    def count(self) -> int:
        """Rows of the table; 0 if there is none yet."""

    @abc.abstractmethod
    def disk_bytes(self) -> int: ...

    @abc.abstractmethod
    def cpu_seconds(self) -> float: ...

    @abc.abstractmethod
    def memory_peak_bytes(self) -> int: ...

    def pause(self):
        """The peer takes no CPU from others and answers nothing until `resume`."""

    def resume(self):
        """The opposite of `pause`."""


class ServerPeer(Peer):
    """A peer with a process of its own, on free ports of the loopback interface."""

    write_target: str
    log_folders: str  # glob below `folder`: where the write-ahead log is

    def __init__(self, folder, **settings):
        super().__init__(folder, **settings)
        self.process: subprocess.Popen | None = None
        self.port = 0
        self._connection: client.Connection | None = None

    @abc.abstractmethod
    def command(self) -> list[str]:
        """Writes the configuration, sets `port` and gives the command line."""

    def ready(self) -> bool:
        """Whether the server that has just been started answers questions. A refused connection means no."""
        return self.ask(self.ready_request()).status < 300

    @abc.abstractmethod
    def ready_request(self) -> bytes: ...

    def prepare(self):
        """What is done once the first start on an empty folder is ready."""

    def start(self):
        first = not (self.folder / "log").exists()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, preexec_fn=_end_with_parent)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = (self.folder / "log").read_text(errors="replace")[-1500:]
                raise Unavailable(f"{self.label} does not start: {tail}")
            time.sleep(0.002)
        if first:
            self.prepare()

    def _answers(self) -> bool:
        try:
            return self.ready()
        except OSError:
            self.disconnect()
            return False

    def stop(self):
        """SIGTERM, and SIGKILL when that does not help."""
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, how):
        self.disconnect()
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            try:
                self.process.wait(timeout=60)
            except BaseException:
                self.process.kill()
                self.process.wait()
                raise
        self.process = None

    def disconnect(self):
        """The next question opens a connection; a forked process does this first."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def load(self, bodies, lines, connections=client.CONNECTIONS):
        return client.send_all(self.port, self.write_target, bodies, lines, connections)

    def ask(self, request):
        if self._connection is None:
            self._connection = client.Connection(self.port)
        head, body = request if isinstance(request, tuple) else (request, b"")
        try:
            return self._connection.exchange(head, body)
        except ConnectionError:  # a server closes what was idle while others were loaded
            self._connection.close()
            self._connection = client.Connection(self.port)
            return self._connection.exchange(head, body)

    def must(self, request) -> bytes:
        """The body of an answer that has to be good."""
        answer = self.ask(request)
        if answer.status >= 300:
            raise RuntimeError(f"{self.label} answered {answer.status}: {answer.body[:500]!r}")
        return answer.body

    def size(self, answer):
        return answer.size

    def disk_bytes(self):
        return machine.disk_bytes(self.folder)

    def log_bytes(self) -> int:
        """The part of `disk_bytes` that is the write-ahead log."""
        return sum(map(machine.disk_bytes, self.folder.glob(self.log_folders)))

    def cpu_seconds(self):
        return machine.cpu_seconds(self.process.pid)

    def memory_peak_bytes(self):
        return machine.memory_peak_bytes(self.process.pid)

    def wait_for_rows(self, expected: int) -> float:
        """Seconds until they are all visible."""
        started = time.monotonic()
        while self.count() < expected:
            if time.monotonic() - started > SETTLE_SECONDS_MAX:
                raise RuntimeError(f"{self.label} shows {self.count():,} of {expected:,} rows")
            time.sleep(0.02)
        return time.monotonic() - started

    def wait_for_size(self):
        """Returns when the folder's size has not changed for some seconds."""
        deadline, steady_since, size = time.monotonic() + SETTLE_SECONDS_MAX, time.monotonic(), self.disk_bytes()
        while time.monotonic() < deadline and time.monotonic() - steady_since < SETTLED_SECONDS:
            time.sleep(0.2)
            if (now := self.disk_bytes()) != size:
                size, steady_since = now, time.monotonic()


def _end_with_parent():
    """In the child: it is killed when this program ends in whatever way."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def program(path: pathlib.Path, name: str) -> str:
    """Where setup has put a program, else where the system has it."""
    found = str(path) if os.access(path, os.X_OK) else shutil.which(name)
    if not found:
        raise Unavailable(f"there is no {name}; scripts/setup.sh bench says why it could not be fetched")
    return found
