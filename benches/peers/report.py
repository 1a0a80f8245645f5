"""What was measured, as report.json, report.md and charts."""

import argparse
import json
import sys
from pathlib import Path

NOISE = 0.10  # a spread that is told
FASTER = 1.03  # a peer has to be ahead by more than the noise
PYTHON_PEERS = ["numpy", "scipy", "scipy tuned", "torch", "jax"]
RUST_PEERS = ["faer", "nalgebra"]
PEERS = PYTHON_PEERS + RUST_PEERS
OURS = ["matinv", "matinv out=", "matinv Rust", "matinv into", "matinv native", "matinv lapack"]
SCALARS = {"f64": "float64", "f32": "float32", "c128": "complex128", "c64": "complex64"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True, help="what bench.py kept")
    args = parser.parse_args()
    report = gather(args.results)
    for part in ("accuracy", "behaviour"):
        path = args.out / f"{part}.json"
        report[part] = json.loads(path.read_text()) if path.exists() else []
    (args.out / "report.json").write_text(json.dumps(report, indent=1))
    import charts

    drawn = charts.draw(report, args.out)
    (args.out / "report.md").write_text(markdown(report, drawn))
    (args.out / "readme.md").write_text(readme(report))
    print(f"bench: {args.out / 'report.md'}", file=sys.stderr)


def gather(path):
    with path.open() as lines:
        about, *lines = [json.loads(line) for line in lines]
    return {**about, "results": [line for line in lines if "case" in line]}


# ---- what the figures say ----


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
    keys = ("scalar", "structure", "threads", "memory")
    found = [tuple(r["case"][k] for k in keys) for r in report["results"] if (r["case"]["count"] == 1) == single]
    return list(dict.fromkeys(found))


def noisy(report):
    """Figures whose spread is worth telling, and how many there are in all."""
    figures = [f for r in report["results"] for f in r["peers"].values() if f["status"] == "ok"]
    return sum(f["spread"] > NOISE for f in figures), len(figures)


def behind(report):
    """(result, peer, our time over the peer's) wherever a peer is ahead."""
    found = []
    for result in report["results"]:
        for peer in PEERS:
            gain = speed_up(result, peer)
            if gain is not None and gain < 1 / FASTER:
                found.append((result, peer, 1 / gain))
    return sorted(found, key=lambda entry: -entry[2])


def size(case):
    """Bytes of the matrices of a case."""
    return case["count"] * case["order"] ** 2 * {"f32": 4, "f64": 8, "c64": 8, "c128": 16}[case["scalar"]]


# ---- in words ----


def markdown(report, drawn=()):
    parts = [
        "# matinv beside its peers",
        about(report),
        "## One matrix",
        "Times of one multiplication (GEMM) of the same order, the fastest of OpenBLAS, faer and numpy in "
        "the same rounds: 1.0 is the limit. `matinv` makes its result afresh, as the peers do; `into` and "
        "`out=` write into memory that is there.",
        *[figure(name) for name in drawn if name.startswith("singles")][:1],
        *[singles(report, *kind) for kind in kinds(report, True)],
        "## Stacks",
        "Time per matrix. `cache`: the stack fits into the second-level cache; `memory`: it does not.",
        *[figure(name) for name in drawn if name.startswith("stacks")][:1],
        *[stacks(report, *kind) for kind in kinds(report, False)],
        "## Where a peer is ahead",
        ahead(report),
        "## Accuracy",
        accuracy(report),
        *[figure(name) for name in drawn if name.startswith("accuracy")][:1],
        "## Where it hurts",
        behaviour(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def readme(report):
    """The section of the README: float64, general, at one thread and at all, in two tables, and where
    we are not ahead."""
    machine, versions = report["machine"], report["versions"]
    peers = [peer for peer in PEERS if any(time(result, peer) for result in report["results"])]
    singles_rows, stack_rows = [], []
    for threads in report["threads"]:
        for result in chosen(report, True, "f64", "general", threads):
            unit, own = gemm(result)[1], ours(result)
            if result["case"]["order"] >= 16 and unit and own:
                cells = [cell(result, peer, lambda t: f"{t / unit:.2f}") for peer in [own, *peers]]
                singles_rows.append([str(result["case"]["order"]), str(threads), seconds(unit), *cells])
        for memory in ("memory", "cache"):
            results = chosen(report, False, "f64", "general", threads, memory)
            for result in results if memory == "memory" or not stack_rows else []:
                case, own = result["case"], ours(result)
                if own:
                    each = lambda name: cell(result, name, lambda t: seconds(t / case["count"]))
                    gains = [f"{gain:.1f}×" if (gain := speed_up(result, peer)) else "–" for peer in peers]
                    stack_rows.append([str(case["order"]), str(threads), each(own), *gains])
    parts = [
        f"Measured on {machine['cpu']}, {machine['processors']} processors, {machine['system']}, by `./dev bench"
        f"{' --quick' if report['mode'] == 'quick' else ''}` at commit {machine['commit']}, beside "
        + ", ".join(f"{name} {version}" for name, version in versions["python"].items() if name != "matinv")
        + f", faer {versions['rust']['faer']}, nalgebra {versions['rust']['nalgebra']}.",
        "One general float64 matrix, in times of one multiplication of the same order (1.0 is the limit):",
        table(["n", "threads", "GEMM", "matinv", *peers], singles_rows),
        "Stacks of general float64 matrices: time per matrix, and how many times as fast as each peer:",
        table(["n", "threads", "matinv", *peers], stack_rows),
        "Where a peer is ahead:",
        ahead(report),
    ]
    return "\n\n".join(parts) + "\n"


def figure(name):
    dark = name.replace("light", "dark")
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}.svg">'
        f'<img alt="{name}" src="{name}.svg"></picture>'
    )


def about(report):
    machine, versions = report["machine"], report["versions"]
    rust = versions["rust"]
    loads = [result["load"][0] for result in report["results"]]
    pools = {
        f"{p['prefix']} {p['version']} ({p['architecture']})" if p["architecture"] else f"{p['prefix']}"
        for result in report["results"]
        for p in result["pools"]
    }
    wrong = sorted({text for result in report["results"] for text in result["wrong_pools"]})
    missing = {name: why for result in report["results"] for name, why in result["missing"].items()}
    count, total = noisy(report)
    lines = [
        f"{machine['cpu']}, {machine['processors']} processors, {machine['memory_gib']} GiB, {machine['system']}",
        "Caches: " + ", ".join(f"{name} {size}" for name, size in machine["caches"].items()),
        "Python " + machine["python"] + ": " + ", ".join(f"{n} {v}" for n, v in versions["python"].items()),
        f"Rust: matinv {rust['matinv']} (native {rust['native']}), faer {rust['faer']}, nalgebra {rust['nalgebra']}; "
        f"{' '.join(rust['blas'].split()[:2])} ({rust['blas_core']})",
        "Kernels chosen by the Python peers: " + (", ".join(sorted(pools)) or "not known"),
        f"Commit {machine['commit']}, {report['mode']} run, threads {report['threads']}; load average "
        f"{min(loads, default=0):.1f} to {max(loads, default=0):.1f}",
        f"Medians; {count} of {total} figures had quartiles more than {NOISE:.0%} apart"
        + (": **a noisy run**" if count > total / 10 else ""),
    ]
    if report["cleared"]:
        lines.append("Cleared from the environment: " + ", ".join(report["cleared"]))
    if wrong:
        lines.append("**Thread pools of another size than asked for**: " + "; ".join(wrong))
    lines += [f"Not measured: {name} ({why})" for name, why in missing.items()]
    return "\n".join(f"- {line}" for line in lines)


def title(scalar, structure, threads, memory=None):
    words = [SCALARS[scalar], structure, f"{threads} thread{'s' if threads > 1 else ''}"]
    return "### " + ", ".join(words + ([memory] if memory in ("cache", "memory") else []))


def columns(results):
    """The peers that have something to show."""
    shown = {name for r in results for name, f in r["peers"].items() if f["status"] != "absent"}
    return [name for name in OURS + PEERS if name in shown]


def singles(report, scalar, structure, threads, memory):
    results = chosen(report, True, scalar, structure, threads)
    names = columns(results)
    rows = []
    for result in results:
        name, unit = gemm(result)
        cells = [cell(result, peer, lambda t: f"{t / unit:.2f}" if unit else seconds(t)) for peer in names]
        by = f"{seconds(unit)} {name.removeprefix('gemm ')}" if unit else "–"
        rows.append([str(result["case"]["order"]), by, *cells])
    return title(scalar, structure, threads) + "\n\n" + table(["n", "GEMM", *names], rows)


def stacks(report, scalar, structure, threads, memory):
    results = chosen(report, False, scalar, structure, threads, memory)
    names = columns(results)
    rows = []
    for result in results:
        case = result["case"]
        cells = [cell(result, peer, lambda t: seconds(t / case["count"])) for peer in names]
        gains = [speed_up(result, peer) for peer in PYTHON_PEERS]
        best = min((gain for gain in gains if gain), default=None)
        rows.append([str(case["order"]), str(case["count"]), *cells, f"{best:.1f}×" if best else "–"])
    head = ["n", "matrices", *names, "best Python peer / matinv"]
    return title(scalar, structure, threads, memory) + "\n\n" + table(head, rows)


def cell(result, peer, text):
    figure = result["peers"].get(peer, {"status": "absent"})
    if figure["status"] == "ok":
        return text(figure["median"]) + ("~" if figure["spread"] > NOISE else "")
    return {"absent": "–", "failed": "failed", "wrong": "**wrong**", "hangs": "**hangs**", "crashes": "**crashes**"}[figure["status"]]


def ahead(report):
    found = behind(report)
    if not found:
        return "Nowhere in this run."
    rows = [
        [
            f"{SCALARS[case['scalar']]}, {case['structure']}, {case['threads']} thr.",
            str(case["order"]),
            {"single": "one", "cache": f"{case['count']}, cache", "memory": f"{case['count']}, memory"}[case["memory"]],
            peer,
            f"{factor:.2f}×",
        ]
        for case, peer, factor in ((result["case"], peer, factor) for result, peer, factor in found)
    ]
    shown = rows[:40]
    rest = f"\n\n… and {len(rows) - 40} more, in report.json." if len(rows) > 40 else ""
    return table(["matrices", "n", "count", "peer", "our time / its time"], shown) + rest


def accuracy(report):
    if not report["accuracy"]:
        return ""
    names = list(dict.fromkeys(name for row in report["accuracy"] for name in row["who"]))
    rows = []
    for row in report["accuracy"]:
        cells = []
        for name in names:
            found = row["who"].get(name)
            if found is None:
                cells.append("–")
            elif "error" in found:
                cells.append(found["error"])
            else:
                cells.append(f"{found['left']:.2g} / {found['right']:.2g} / {found['forward']:.1e}")
        rows.append([row["name"], str(row["order"]), f"{row['condition']:.0e}", *cells])
    words = (
        "Left ratio / right ratio / forward error: ‖I − XA‖₁ and ‖I − AX‖₁ in LAPACK's unit n ‖A‖₁ ‖X‖₁ ε, and "
        "‖X − A⁻¹‖₁ / ‖A⁻¹‖₁ against the exact inverse, computed in rational arithmetic or with 2000 bits."
    )
    return words + "\n\n" + table(["matrix", "n", "cond₁", *names], rows)


def behaviour(report):
    if not report["behaviour"]:
        return ""
    names = list(dict.fromkeys(name for row in report["behaviour"] for name in row["who"]))
    rows = [[row["what"], *[row["who"].get(name, "–") for name in names]] for row in report["behaviour"]]
    return table(["", *names], rows)


def table(head, rows):
    align = ["---"] + ["--:"] * (len(head) - 1)
    escape = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    return "\n".join("| " + " | ".join(map(escape, row)) + " |" for row in [head, align, *rows])


def seconds(t):
    """Three digits and a unit."""
    for factor, unit in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")):
        if t * factor < 999.5:
            return f"{t * factor:.3g} {unit}"
    return f"{t:.3g} s"


if __name__ == "__main__":
    main()
