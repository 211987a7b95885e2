"""Drives the real program: starts `varve server` on a free port, talks to it, kills it, runs `varve sql`."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import pyarrow
import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent
START_SECONDS_MAX = 120  # a sanitized build on a busy machine with a long log to read
STOP_SECONDS_MAX = 60


def binary() -> str:
    """The program under test: VARVE_BINARY, or the release build."""
    return os.environ.get("VARVE_BINARY", str(ROOT / "build" / "release" / "varve"))


class StartFailed(Exception):
    """The server ended before it was ready."""

    def __init__(self, code, stderr):
        super().__init__(f"varve server ended with code {code}:\n{stderr}")
        self.code = code
        self.stderr = stderr


class Server:
    """One `varve server` process on a data folder."""

    def __init__(self, data, *arguments, env=None, program=None):
        port = [] if "--http-port" in arguments else ["--http-port", "0"]
        command = [program or binary(), "server", "--data", str(data), *port, *arguments]
        self.data = pathlib.Path(data)
        self.lines = []  # of standard error
        started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        errors="replace", env=os.environ | (env or {}))
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()
        self.url = None
        killer = threading.Timer(START_SECONDS_MAX, self.process.kill)
        killer.start()
        for line in self.process.stdout:
            if match := re.search(r"HTTP on (http://\S+)", line):
                self.url = match.group(1)
            if line.strip() == "varve: ready":
                break
        killer.cancel()
        self.start_seconds = time.monotonic() - started
        if self.url is None:
            code = self.process.wait()
            self._reader.join()
            raise StartFailed(code, self.stderr)
        self.http = requests.Session()

    def _read_stderr(self):
        for line in self.process.stderr:
            self.lines.append(line)

    @property
    def stderr(self) -> str:
        return "".join(self.lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def post(self, path, data, **arguments):
        return self.http.post(self.url + path, data=data, timeout=120, **arguments)

    def sql(self, text, expect=200):
        """The decoded JSON answer."""
        answer = self.post("/sql", text.encode(), headers={"Content-Type": "text/plain"})
        assert answer.status_code == expect, f"{text[:500]}\n-> {answer.status_code}: {answer.text[:2000]}"
        return answer.json()

    def rows(self, text) -> list[dict]:
        return self.sql(text)["rows"]

    def value(self, text):
        """The only value of the only row."""
        (row,) = self.rows(text)
        (value,) = row.values()
        return value

    def table(self, text) -> pyarrow.Table:
        """The rows with their types."""
        answer = self.post("/sql?format=arrow", text.encode(), headers={"Content-Type": "text/plain"})
        assert answer.status_code == 200, f"{text[:500]}\n-> {answer.status_code}: {answer.text[:2000]}"
        return pyarrow.ipc.open_stream(answer.content).read_all()

    def write(self, lines, precision="ms", expect=204):
        """Line protocol."""
        body = lines if isinstance(lines, bytes) else lines.encode()
        answer = self.post(f"/write?precision={precision}", body)
        assert answer.status_code == expect, f"{answer.status_code}: {answer.text[:2000]}"
        return answer

    def flush(self):
        answer = self.post("/debug/flush_memtable", b"")
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:2000]}"

    def kill(self):
        """kill -9."""
        self.process.kill()
        self._end()

    def stop(self):
        """SIGTERM; the exit code must be 0."""
        self.process.send_signal(signal.SIGTERM)
        assert self._end() == 0, self.stderr

    def _end(self) -> int:
        try:
            code = self.process.wait(timeout=STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.process.stdout.close()
        self._reader.join()
        self.http.close()
        return code


def sql_command(*arguments, stdin="", expect=0, env=None):
    """`varve sql …`: the finished process, with its output as text."""
    done = subprocess.run([binary(), "sql", *map(str, arguments)], input=stdin, capture_output=True, text=True,
                          timeout=600, env=os.environ | (env or {}))
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done
