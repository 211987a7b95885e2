"""The databases that are compared, by the names of PEERS=."""

from bench.peers.base import Peer, ServerPeer, Unavailable
from bench.peers.duckdb import DuckDB, DuckDBSegments
from bench.peers.influxdb import InfluxDB
from bench.peers.questdb import QuestDB
from bench.peers.varve import Varve

SERVERS = {peer.name: peer for peer in (InfluxDB, QuestDB)}
NAMES = [*SERVERS, DuckDB.name]

__all__ = ["NAMES", "SERVERS", "DuckDB", "DuckDBSegments", "InfluxDB", "Peer", "QuestDB", "ServerPeer", "Unavailable",
           "Varve"]
