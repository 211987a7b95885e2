"""What a case needs to run: the parameters, the data, the report, and peers on folders of their own."""

import dataclasses
import itertools
import pathlib

from bench import peers
from bench.dataset import Dataset
from bench.report import Report


@dataclasses.dataclass
class Context:
    folder: pathlib.Path  # for the peers' data; its disk is what is measured
    cache: pathlib.Path  # for generated data
    peers: list[str]
    hosts: int
    hours: int
    fields: str
    seed: int
    rounds: int
    count: int  # measured questions of each type in a round
    scales: list[tuple[int, int]]  # hosts, hours
    memory_limit: str  # of the largest scale
    report: Report

    def __post_init__(self):
        self._numbers = itertools.count()

    def data(self, hosts=None, hours=None) -> Dataset:
        return Dataset(self.cache, hosts or self.hosts, hours or self.hours, self.fields, self.seed)

    def varve(self, **settings) -> peers.Varve:
        return peers.Varve(self._new_folder(), **settings)

    def servers(self) -> list[peers.ServerPeer]:
        """New peers on empty folders, not started: Varve and the chosen ones."""
        chosen = [peers.SERVERS[name](self._new_folder()) for name in self.peers if name in peers.SERVERS]
        return [*chosen, self.varve()]

    def libraries(self, data) -> list[peers.DuckDB]:
        if peers.DuckDB.name not in self.peers:
            return []
        return [peers.DuckDB(self._new_folder(), files=[data.sorted_file()]),
                peers.DuckDBSegments(self._new_folder(), files=data.segment_files())]

    def leave_out(self, peer: peers.Peer, why: Exception):
        """For the rest of the run; Varve cannot be left out."""
        if isinstance(peer, peers.Varve):
            raise why
        self.peers = [name for name in self.peers if name != peer.name]
        self.report.note(f"{peer.label} is left out: {why}")

    def _new_folder(self) -> pathlib.Path:
        return self.folder / f"peer-{next(self._numbers)}"


def entered(context: Context, stack, peers_to_start):
    """Those that start, each ended by `stack`; the others are left out and named."""
    started = []
    for peer in peers_to_start:
        try:
            started.append(stack.enter_context(peer))
        except peers.Unavailable as why:
            context.leave_out(peer, why)
    return started
