"""A worker that hangs or crashes, seen from outside: the process is what cannot be saved, the run is."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass

ROOM = 1024  # bytes of what is written of a step
OWN = 300  # seconds for what is no peer's work: imports, matrices, checks


class Steps:
    """What a worker is about to do, in a file that its supervisor looks at now and then. To write it
    wakes nobody up, as a message would."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.parent = os.getppid()
        self.count = 0
        self.about = {"case": None, "limit": OWN}

    def case(self, case, limit, **more):
        """The next case, and the seconds that a peer has there for each step."""
        self.about = {"case": case, "limit": limit, **more}
        self(None)

    def __call__(self, peer):
        """The next step is of this peer, or of none."""
        if os.getppid() != self.parent:
            raise SystemExit("bench: nobody is there any more who looks after this process")
        self.count += 1
        limit = OWN if peer is None else self.about["limit"]
        line = json.dumps({**self.about, "limit": limit, "peer": peer, "count": self.count})
        os.pwrite(self.file, line.encode().ljust(ROOM), 0)


@dataclass(frozen=True)
class Ended:
    """A worker that did not come to its end, and the step it was at."""

    status: str  # hangs, crashes
    why: str
    step: dict


def supervise(command, environment, path, *, watch=lambda step: None, poll=0.5):
    """Runs a worker that writes its steps to `path`; `Ended` if it was no good end. `watch` sees the
    steps."""
    path.unlink(missing_ok=True)
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    step, since = {"case": None, "peer": None, "limit": OWN}, time.monotonic()
    try:
        while process.poll() is None:
            time.sleep(poll)
            now = _read(path) or step
            if now != step:
                step, since = now, time.monotonic()
                watch(step)
            elif time.monotonic() - since > step["limit"]:
                return Ended("hangs", f"no end in {step['limit']:.0f} s", step)
        step = _read(path) or step
        watch(step)
        if process.returncode != 0:
            return Ended("crashes", _end(process.returncode), step)
        return None
    finally:
        # Its whole group: the Rust peers are a process of their own, which may be what hangs.
        if process.returncode != 0:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def _read(path):
    """The step, unless it is just being written."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _end(code):
    if code >= 0:
        return f"its process ended with {code}"
    try:
        return f"its process was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"its process was ended by signal {-code}"
