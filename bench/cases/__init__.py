"""The cases by the names of CASE=. Each module's `run` measures, judges and reports one."""

from bench.cases import disorder, ingest, mixed, queries, restart, scale

ALL = {"ingest": ingest.run, "queries": queries.run, "disorder": disorder.run, "restart": restart.run,
       "mixed": mixed.run, "scale": scale.run}
DEFAULT = ["ingest", "queries", "disorder", "restart", "mixed"]  # scale takes long and 20 GB of disk
