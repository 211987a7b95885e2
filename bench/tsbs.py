"""Data in the shape of the Time Series Benchmark Suite's cpu-only case: 10 tags, 10 integer fields, a row every 10 s.

Values are random walks between 0 and 100 with steps from N(0, 1), cut to integers; the same seed gives the same data.
It is not byte by byte what the suite's own generator makes.
"""

import numpy

START_NS = 1_451_606_400_000_000_000  # 2016-01-01T00:00:00Z
STEP_NS = 10 * 1_000_000_000
FIELDS = ["usage_user", "usage_system", "usage_idle", "usage_nice", "usage_iowait", "usage_irq", "usage_softirq",
          "usage_steal", "usage_guest", "usage_guest_nice"]
REGIONS = ["us-east-1", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1", "ap-southeast-2",
           "ap-northeast-1", "sa-east-1"]


class Cpu:
    """`hosts` machines over `steps` steps of ten seconds."""

    def __init__(self, hosts, steps, seed=123):
        self.hosts, self.steps = hosts, steps
        generator = numpy.random.default_rng(seed)
        self.tags = [self._tags(generator, host) for host in range(hosts)]
        # [step, host, field]
        walk = generator.normal(0, 1, (steps, hosts, len(FIELDS))).astype(numpy.float32)
        walk[0] = generator.uniform(0, 100, (hosts, len(FIELDS)))
        self.values = numpy.empty(walk.shape, numpy.int8)
        level = walk[0]
        self.values[0] = level
        for step in range(1, steps):
            level = numpy.clip(level + walk[step], 0, 100)
            self.values[step] = level

    @staticmethod
    def _tags(generator, host):
        region = REGIONS[generator.integers(len(REGIONS))]
        return {
            "hostname": f"host_{host}", "region": region, "datacenter": f"{region}{'abc'[generator.integers(3)]}",
            "rack": str(generator.integers(100)), "os": ["Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"][generator.integers(3)],
            "arch": ["x64", "x86"][generator.integers(2)], "team": ["SF", "NYC", "LON", "CHI"][generator.integers(4)],
            "service": str(generator.integers(20)), "service_version": str(generator.integers(2)),
            "service_environment": ["production", "staging", "test"][generator.integers(3)]}

    @property
    def rows(self) -> int:
        return self.hosts * self.steps

    def requests(self, lines_per_request):
        """Bodies of line protocol, in the order of time."""
        heads = [b"cpu," + ",".join(f"{k}={v}" for k, v in sorted(tags.items())).encode() + b" " for tags in self.tags]
        template = ",".join(f"{name}=%di" for name in FIELDS).encode()
        lines = []
        for step in range(self.steps):
            time = b" %d" % (START_NS + step * STEP_NS)
            for head, values in zip(heads, self.values[step].tolist()):
                lines.append(head + template % tuple(values) + time)
                if len(lines) == lines_per_request:
                    yield b"\n".join(lines)
                    lines = []
        if lines:
            yield b"\n".join(lines)

    def arrow(self):
        """The same rows as one Arrow table, sorted by host and time."""
        import pyarrow

        columns = {}
        for tag in self.tags[0]:
            names = pyarrow.array([tags[tag] for tags in self.tags])
            indexes = pyarrow.array(numpy.repeat(numpy.arange(self.hosts, dtype=numpy.int32), self.steps))
            columns[tag] = names.take(indexes)
        times = START_NS // 1000 + numpy.tile(numpy.arange(self.steps, dtype=numpy.int64), self.hosts) * (STEP_NS // 1000)
        columns["timestamp"] = pyarrow.array(times, pyarrow.timestamp("us"))
        for number, name in enumerate(FIELDS):
            columns[name] = pyarrow.array(self.values[:, :, number].T.reshape(-1).astype(numpy.int64))
        return pyarrow.table(columns)
