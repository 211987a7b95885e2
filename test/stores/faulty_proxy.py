"""A proxy that fails on purpose: resets connections, cuts answers and requests in the middle, answers 503, or never."""

import itertools
import random
import socket
import struct
import threading

CHUNK = 16 * 1024
BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def faults(rng):
    """For each connection how it fails, or None: one of every four, so that whoever tries again comes through. Just one
    gets no answer at all: a client waits long before it gives up."""
    kinds = itertools.chain([rng.choice(("reset", "busy", "cut")), "silence"],
                            iter(lambda: rng.choice(("reset", "busy", "cut", "cut")), None))
    while True:
        group = [None] * 4
        group[rng.randrange(4)] = next(kinds)
        yield from group


class FaultyProxy:
    """Stands before 127.0.0.1:port. Which connections fail, and how, follows from the seed."""

    def __init__(self, port, seed):
        self._target = ("127.0.0.1", port)
        self._rng = random.Random(seed)
        self._faults = faults(self._rng)
        self._silent = []  # connections that nobody answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.seen = set()  # kinds of faults
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            fault = next(self._faults)
            after = self._rng.randrange(200_000)  # bytes of both directions until it is cut
            self.seen |= {fault} - {None}
            threading.Thread(target=self._serve, args=(client, fault, after), daemon=True).start()

    def _serve(self, client, fault, after):
        try:
            if fault == "reset":
                return reset(client)
            if fault == "silence":
                self._silent.append(client)
                return None
            if fault == "busy":
                client.recv(CHUNK)
                client.sendall(BUSY)
                return client.close()
            server = socket.create_connection(self._target)
        except OSError:
            return client.close()
        left = [after if fault == "cut" else None]
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pass_on, args=(source, sink, left), daemon=True).start()

    @staticmethod
    def _pass_on(source, sink, left):
        try:
            while data := source.recv(CHUNK):
                if left[0] is not None:
                    left[0] -= len(data)
                    if left[0] < 0:
                        break
                sink.sendall(data)
        except OSError:
            pass
        for connection in (source, sink):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
