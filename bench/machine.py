"""What the kernel says about this machine, its processes and its folders."""

import os
import pathlib
import socket
import time

FOREIGN_CORES_MAX = 0.5  # beyond this a round was disturbed by what else runs here


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process, those that ended included, in nanoseconds' grain."""
    return time.clock_gettime((~pid << 3) | 2)  # the kernel's name for "all CPU time of process pid"


def memory_peak_bytes(pid: int) -> int:
    """The most resident memory that the process ever had."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def disk_bytes(folder: pathlib.Path) -> int:
    """Allocated bytes of all files below a folder whose files may come and go meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            total += file_bytes(os.path.join(parent, name))
    return total


def file_bytes(path) -> int:
    """Allocated bytes of a file, 0 when it is gone."""
    try:
        return os.lstat(path).st_blocks * 512
    except FileNotFoundError:
        return 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def describe() -> dict:
    info = pathlib.Path("/proc/cpuinfo").read_text()
    models = [line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cores": os.cpu_count(), "cpu": models[0] if models else "unknown CPU",
            "memory_gib": round(memory / 2**30, 1), "kernel": os.uname().release, "load": round(os.getloadavg()[0], 2)}


class ForeignLoad:
    """How many cores work for others than this program, its children and `pids`, from the construction to `cores()`."""

    def __init__(self, pids):
        self._pids = pids
        self._wall, self._foreign = time.monotonic(), self._foreign_seconds()

    def cores(self) -> float:
        wall = time.monotonic() - self._wall
        return max(0.0, (self._foreign_seconds() - self._foreign) / wall) if wall > 0 else 0.0

    def _foreign_seconds(self) -> float:
        user, nice, system, _, _, irq, softirq, steal = map(int, pathlib.Path("/proc/stat").read_text().split()[1:9])
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        own = os.times()
        ours = own.user + own.system + own.children_user + own.children_system
        return busy - ours - sum(map(cpu_seconds, self._pids))
