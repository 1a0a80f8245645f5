"""The machine: what it is, how many threads everybody uses, and what forces kernels on them."""

import ctypes
import os
import platform
import re
import subprocess
import time
from pathlib import Path

PREFIXES = ("OPENBLAS_", "MKL_", "OMP_", "GOTO_", "BLIS_", "KMP_", "VECLIB_", "NUMEXPR_")


def cleared(environment):
    """The environment without what forces kernels or numbers of threads, and the names left out."""
    forced = sorted(name for name in environment if name.startswith(PREFIXES))
    kept = {name: value for name, value in environment.items() if name not in forced}
    return kept, forced


def processors():
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def confine(threads):
    """Keeps this process, and all that it starts, to so many processors."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors()[:threads])


def wrong_pools(pools, threads):
    """The thread pools that would not use just so many threads."""
    return [
        f"{pool['prefix']} {pool.get('version')}: {pool['num_threads']}"
        for pool in pools
        if pool["num_threads"] != threads
    ]


WINDOW = 0.01  # seconds for which is watched
RESTING = 0.25  # of a processor, at most, that processes take whose threads rest
SETTLED = 0.5  # seconds that are waited, at most


def settle(processes=()):
    """Waits until the threads of this process and of others rest. Those of BLAS libraries and of pools wait
    actively for more work after theirs, some for a tenth of a second: whose turn is next would share the
    processors with them. Whether they do now."""
    clocks = [time.CLOCK_PROCESS_CPUTIME_ID, *filter(None, map(_clock_of, processes))]
    end = time.monotonic() + SETTLED
    try:
        while time.monotonic() < end:
            used, start = sum(map(time.clock_gettime, clocks)), time.monotonic()
            time.sleep(WINDOW)
            if sum(map(time.clock_gettime, clocks)) - used < RESTING * (time.monotonic() - start):
                return True
    except OSError:
        # One has ended, which is for whoever asks it next to tell.
        return True
    return False


def _clock_of(process):
    """The clock of the processor time of another process, where the system has such a thing."""
    clock = ctypes.c_int()
    try:
        found = ctypes.CDLL(None).clock_getcpuclockid(process, ctypes.byref(clock)) == 0
    except (AttributeError, OSError, TypeError):
        return None
    return clock.value if found else None


def describe():
    """All that a reader needs to judge the figures."""
    caches = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        caches[f"L{level} {kind}"] = size
    return {
        "cpu": _cpu(),
        "processors": len(processors()),
        "caches": caches,
        "memory_gib": _memory(),
        "system": _system(),
        "python": platform.python_version(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "huge_pages": _read("/sys/kernel/mm/transparent_hugepage/enabled"),
        "commit": _commit(),
    }


def _cpu():
    match = re.search(r"model name\s*:\s*(.*)", _read("/proc/cpuinfo") or "")
    return match.group(1) if match else platform.processor() or platform.machine()


def _system():
    """Without what a host adds to its kernel's name."""
    release = re.match(r"[\d.]*", platform.release()).group().rstrip(".")
    library = " ".join(platform.libc_ver()).strip()
    return ", ".join(part for part in (f"{platform.system()} {release} {platform.machine()}", library) if part)


def _memory():
    match = re.search(r"MemTotal:\s*(\d+) kB", _read("/proc/meminfo") or "")
    return round(int(match.group(1)) / 2**20, 1) if match else None


def _read(path):
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


def _commit():
    """With `-dirty` if a tracked file has changed that is more than words: a published report is not."""
    name = _git("rev-parse", "--short", "HEAD")
    if not name:
        return None
    words = [":(top,exclude)benches/report", ":(top,exclude,glob)**/*.md"]
    return name + ("-dirty" if _git("status", "--porcelain", "--untracked-files=no", "--", ":(top)", *words) else "")


def _git(*command):
    try:
        ran = subprocess.run(["git", *command], cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:
        return None
    return ran.stdout.strip()
