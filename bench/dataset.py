"""Data in the shape of the Time Series Benchmark Suite's cpu-only case: 10 tags, 10 fields, a row every 10 s.

Values are random walks between 0 and 100 with steps from N(0, 1), cut to integers; the same seed gives the same data,
but it is not byte by byte what the suite's own generator makes. Files are made once and kept below the cache folder;
a file that has its final name is whole.
"""

import dataclasses
import functools
import mmap
import pathlib

import duckdb
import numpy
import pyarrow

START_MS = 1_451_606_400_000  # 2016-01-01T00:00:00Z
STEP_SECONDS = 10
LINES_PER_REQUEST = 10_000
SHIFT_REQUESTS_MAX = 100  # how much later a late or repeated row comes, at most
SEGMENT_STEPS = 2 * 3600 // STEP_SECONDS
LAYOUT = 1  # part of the cache's folder name: raise it when the same parameters give other files
FIELDS = ["usage_user", "usage_system", "usage_idle", "usage_nice", "usage_iowait", "usage_irq", "usage_softirq",
          "usage_steal", "usage_guest", "usage_guest_nice"]
REGIONS = ["us-east-1", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1", "ap-southeast-2",
           "ap-northeast-1", "sa-east-1"]
TAGS = ["hostname", "region", "datacenter", "rack", "os", "arch", "team", "service", "service_version",
        "service_environment"]


@dataclasses.dataclass(frozen=True)
class Disorder:
    """What is done to a stream that is in the order of time: `share` of the rows is moved later ("late"), or sent once
    more with other values ("duplicate"), each by a random 1..100 requests, as far as the stream goes."""

    kind: str
    share: float

    @property
    def name(self) -> str:
        return f"{self.kind} {self.share:.0%}" if self.share else self.kind


IN_ORDER = Disorder("in order", 0)


class Requests:
    """Line protocol in a file, cut into requests of LINES_PER_REQUEST lines. Bodies are views of the mapped file."""

    def __init__(self, path: pathlib.Path):
        self._offsets = numpy.load(_offsets_path(path))
        with path.open("rb") as file:
            self._map = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
        self.lines = int(self._offsets[0])
        self.bounds = [int(offset) for offset in self._offsets[1:]]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def bodies(self, first=0, last=None) -> list[memoryview]:
        last = len(self) if last is None else last
        return [self._map[self.bounds[n]:self.bounds[n + 1]] for n in range(first, last)]

    def lines_of(self, first, last) -> int:
        return min(last * LINES_PER_REQUEST, self.lines) - first * LINES_PER_REQUEST


class Dataset:
    """`hosts` machines over `hours`, fields as "double" or "int"."""

    def __init__(self, cache: pathlib.Path, hosts: int, hours: int, fields: str, seed: int):
        self.hosts, self.hours, self.fields, self.seed = hosts, hours, fields, seed
        self.steps = hours * 3600 // STEP_SECONDS
        self.rows = hosts * self.steps
        self.end_ms = START_MS + self.steps * STEP_SECONDS * 1000
        self.folder = cache / f"cpu-{hosts}x{hours}h-{fields}-seed{seed}-layout{LAYOUT}"
        self.folder.mkdir(parents=True, exist_ok=True)
        generator = numpy.random.default_rng(seed)
        self.tags = [_tags(generator, host) for host in range(hosts)]
        self._values_seed = int(generator.integers(1 << 62))

    def __str__(self) -> str:
        return f"{self.hosts} hosts x {self.hours} h, {self.rows:,} rows, {self.fields} fields, seed {self.seed}"

    @functools.cached_property
    def _values(self) -> numpy.ndarray:
        """[step, host, field]"""
        generator = numpy.random.default_rng(self._values_seed)
        values = numpy.empty((self.steps, self.hosts, len(FIELDS)), numpy.int8)
        level = generator.uniform(0, 100, values.shape[1:])
        for step in range(self.steps):
            values[step] = level
            level = numpy.clip(level + generator.normal(0, 1, level.shape), 0, 100)
        return values

    def requests(self, disorder=IN_ORDER) -> Requests:
        path = self.folder / f"{_slug(disorder)}.lines"
        if not path.exists():
            self._write_lines(path, disorder)
        return Requests(path)

    def sorted_file(self, disorder=IN_ORDER) -> pathlib.Path:
        """All rows as they are in the end, in one Parquet file sorted by host and time."""
        kept = disorder if disorder.kind == "duplicate" else IN_ORDER  # late rows change nothing in the end
        path = self.folder / f"{_slug(kept)}.parquet"
        if not path.exists():
            self._write_parquet(path, self._final_values(kept), 0, self.steps)
        return path

    def segment_files(self) -> list[pathlib.Path]:
        """The same rows as one Parquet file for each two hours, each sorted by host and time."""
        paths = []
        for first in range(0, self.steps, SEGMENT_STEPS):
            last = min(first + SEGMENT_STEPS, self.steps)
            paths.append(self.folder / f"segment-{first // SEGMENT_STEPS:03}.parquet")
            if not paths[-1].exists():
                self._write_parquet(paths[-1], self._values[first:last], first, last)
        return paths

    def _chosen(self, disorder) -> tuple[numpy.ndarray, numpy.ndarray]:
        """Which rows (step * hosts + host) are late or repeated, and by how many lines."""
        generator = numpy.random.default_rng([self.seed, len(disorder.kind), round(disorder.share * 1e6)])
        chosen = numpy.flatnonzero(generator.random(self.rows) < disorder.share)
        return chosen, generator.integers(1, SHIFT_REQUESTS_MAX + 1, len(chosen)) * LINES_PER_REQUEST

    def _final_values(self, disorder) -> numpy.ndarray:
        if disorder.kind != "duplicate":
            return self._values
        values = self._values.copy()
        rows = values.reshape(self.rows, len(FIELDS))
        chosen, _ = self._chosen(disorder)
        rows[chosen] = _other_values(rows[chosen])
        return values

    def _stream(self, disorder) -> tuple[numpy.ndarray, numpy.ndarray]:
        """Row numbers in the order of sending, and whether each is the second, changed sending of its row."""
        rows = numpy.arange(self.rows)
        repeated = numpy.zeros(self.rows, bool)
        if disorder.share == 0:
            return rows, repeated
        chosen, shifts = self._chosen(disorder)
        positions = rows.copy()
        if disorder.kind == "late":
            positions[chosen] += shifts
        else:
            positions = numpy.concatenate([positions, chosen + shifts])
            rows = numpy.concatenate([rows, chosen])
            repeated = numpy.concatenate([repeated, numpy.ones(len(chosen), bool)])
        order = numpy.argsort(positions, kind="stable")
        return rows[order], repeated[order]

    def _write_lines(self, path, disorder):
        rows, repeated = self._stream(disorder)
        values = self._values.reshape(self.rows, len(FIELDS))
        heads = [("cpu," + ",".join(f"{name}={tags[name]}" for name in sorted(TAGS)) + " ").encode()
                 for tags in self.tags]
        suffix = "i" if self.fields == "int" else ""
        template = ",".join(f"{name}=%d{suffix}" for name in FIELDS).encode()
        times = [b" %d\n" % ((START_MS + step * STEP_SECONDS * 1000) * 1_000_000) for step in range(self.steps)]
        offsets = [0]
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            for first in range(0, len(rows), LINES_PER_REQUEST):
                chunk = slice(first, first + LINES_PER_REQUEST)
                found = values[rows[chunk]]
                found[repeated[chunk]] = _other_values(found[repeated[chunk]])
                steps, hosts = numpy.divmod(rows[chunk], self.hosts)
                file.write(b"".join([heads[host] + template % tuple(row) + times[step] for host, row, step
                                     in zip(hosts.tolist(), found.tolist(), steps.tolist())]))
                offsets.append(file.tell())
        numpy.save(_offsets_path(path), numpy.array([len(rows), *offsets], numpy.int64))
        partial.rename(path)

    def _write_parquet(self, path, values, first_step, last_step):
        batches = self._batches(values, first_step, last_step)
        generated = pyarrow.RecordBatchReader.from_batches(self._schema(), batches)
        partial = path.with_suffix(".partial")
        connection = duckdb.connect(config={"threads": 2})
        connection.register("generated", generated)
        connection.execute(f"COPY (SELECT * FROM generated) TO '{partial}' (FORMAT parquet, CODEC zstd)")
        connection.close()
        partial.rename(path)

    def _schema(self) -> pyarrow.Schema:
        field_type = pyarrow.int64() if self.fields == "int" else pyarrow.float64()
        return pyarrow.schema([("timestamp", pyarrow.timestamp("ms")), *[(name, pyarrow.string()) for name in TAGS],
                               *[(name, field_type) for name in FIELDS]])

    def _batches(self, values, first_step, last_step):
        """Some hundred thousand rows at a time, in the order of host names and time."""
        steps = last_step - first_step
        by_name = sorted(range(self.hosts), key=lambda host: self.tags[host]["hostname"])
        times = START_MS + numpy.arange(first_step, last_step, dtype=numpy.int64) * STEP_SECONDS * 1000
        hosts_at_once = max(1, 300_000 // steps)
        for first in range(0, self.hosts, hosts_at_once):
            hosts = by_name[first:first + hosts_at_once]
            indexes = pyarrow.array(numpy.repeat(numpy.arange(len(hosts), dtype=numpy.int32), steps))
            columns = [pyarrow.array(numpy.tile(times, len(hosts)), pyarrow.timestamp("ms"))]
            columns += [pyarrow.array([self.tags[host][tag] for host in hosts]).take(indexes) for tag in TAGS]
            block = values[:, hosts, :].transpose(2, 1, 0).reshape(len(FIELDS), -1)
            kind = numpy.int64 if self.fields == "int" else numpy.float64
            columns += [pyarrow.array(block[number].astype(kind)) for number in range(len(FIELDS))]
            yield pyarrow.record_batch(columns, schema=self._schema())


def _tags(generator, host) -> dict[str, str]:
    region = REGIONS[generator.integers(len(REGIONS))]
    values = [f"host_{host}", region, f"{region}{'abc'[generator.integers(3)]}", str(generator.integers(100)),
              ["Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"][generator.integers(3)],
              ["x64", "x86"][generator.integers(2)], ["SF", "NYC", "LON", "CHI"][generator.integers(4)],
              str(generator.integers(20)), str(generator.integers(2)),
              ["production", "staging", "test"][generator.integers(3)]]
    return dict(zip(TAGS, values))


def _other_values(values):
    """Values between 0 and 100 that differ from these in every field."""
    return ((values.astype(numpy.int16) + 50) % 101).astype(numpy.int8)


def _slug(disorder) -> str:
    return disorder.name.replace(" ", "-").replace("%", "")


def _offsets_path(path) -> pathlib.Path:
    return path.with_suffix(".offsets.npy")
