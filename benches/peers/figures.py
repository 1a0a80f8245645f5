"""What the figures of a run say: medians, the unit, speed-ups, where a peer is ahead, who misbehaved."""

import json

NOISE = 0.10  # a spread that is told
FASTER = 1.03  # a peer has to be ahead by more than the noise
PYTHON_PEERS = ["numpy", "scipy", "scipy tuned", "torch", "jax"]
RUST_PEERS = ["faer", "nalgebra"]
PEERS = PYTHON_PEERS + RUST_PEERS
OURS = ["matinv", "matinv out=", "matinv Rust", "matinv into", "matinv native", "matinv lapack"]
KIND = ("scalar", "structure", "threads", "memory")
SCALARS = {"f64": "float64", "f32": "float32", "c128": "complex128", "c64": "complex64"}


def gather(path):
    """The report of what bench.py kept: what it says of the run, and all results."""
    with path.open() as lines:
        about, *lines = [json.loads(line) for line in lines]
    return {**about, "results": [line for line in lines if "case" in line]}


def time(result, peer):
    """The median of a peer, if it has one."""
    figure = result["peers"].get(peer, {})
    return figure["median"] if figure.get("status") == "ok" else None


def gemm(result):
    """The fastest multiplication of this case: who, and its time."""
    times = {name: time(result, name) for name in result["peers"] if name.startswith("gemm ")}
    times = {name: t for name, t in times.items() if t}
    return min(times.items(), key=lambda item: item[1], default=(None, None))


def ours(result):
    """The name of ourselves that peers are compared with: the Python package, or the crate where
    that is not installed. Both make their result afresh, as the peers do."""
    return next((name for name in ("matinv", "matinv Rust") if time(result, name)), None)


def own_for(result, peer):
    """Python peers are compared with the package, Rust peers with the crate: of stacks, which they
    have to be looped over into memory that is there, with `inv_into`."""
    if peer not in RUST_PEERS:
        return ours(result)
    return "matinv Rust" if result["case"]["count"] == 1 else "matinv into"


def speed_up(result, peer):
    own = own_for(result, peer)
    if own is None or time(result, own) is None or time(result, peer) is None:
        return None
    return time(result, peer) / time(result, own)


def chosen(report, single, scalar=None, structure=None, threads=None, memory=None):
    """The results of some cases, by order."""
    picked = []
    for result in report["results"]:
        case = result["case"]
        wanted = {"scalar": scalar, "structure": structure, "threads": threads, "memory": memory}
        if (case["count"] == 1) == single and all(
            case[key] == value for key, value in wanted.items() if value is not None
        ):
            picked.append(result)
    return sorted(picked, key=lambda result: result["case"]["order"])


def kinds(report, single):
    """All (scalar, structure, threads, memory) there are, in the order of the plan."""
    found = [kind(r["case"]) for r in report["results"] if (r["case"]["count"] == 1) == single]
    return list(dict.fromkeys(found))


def noisy(report):
    """Figures whose spread is worth telling, and how many there are in all."""
    figures = [f for r in report["results"] for f in r["peers"].values() if f["status"] == "ok"]
    return sum(f["spread"] > NOISE for f in figures), len(figures)


def compared(report):
    """(result, peer, speed-up over it) of all that can be compared."""
    pairs = ((result, peer, speed_up(result, peer)) for result in report["results"] for peer in PEERS)
    return [pair for pair in pairs if pair[2] is not None]


def behind(report):
    """Where a peer is ahead: (kind, peer) → [(order, our time over the peer's)], the worst first. A kind
    is (scalar, structure, threads, memory)."""
    found = {}
    for result, peer, gain in compared(report):
        if gain < 1 / FASTER:
            found.setdefault((kind(result["case"]), peer), []).append((result["case"]["order"], 1 / gain))
    return dict(sorted(found.items(), key=lambda entry: -max(factor for _, factor in entry[1])))


def misbehaved(report):
    """(peer, status, why) → the cases in which a peer hung, crashed, failed, or was wrong."""
    found = {}
    for result in report["results"]:
        for peer, figure in result["peers"].items():
            if figure["status"] not in ("ok", "absent"):
                found.setdefault((peer, figure["status"], figure.get("why", "")), []).append(result["case"])
    return found


def kind(case):
    return tuple(case[key] for key in KIND)


def size(case):
    """Bytes of the matrices of a case."""
    return case["count"] * case["order"] ** 2 * {"f32": 4, "f64": 8, "c64": 8, "c128": 16}[case["scalar"]]
