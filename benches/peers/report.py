"""What was measured, as report.json, report.md, section.md for the README, and charts."""

import argparse
import json
import shutil
import sys
from pathlib import Path

from figures import NOISE, OURS, PEERS, PYTHON_PEERS, chosen, gather, gemm, kinds, noisy, speed_up
from section import section
from words import ahead, cell, digits, folded, memory, packages, percent, picture, seconds, table, threads, title, trouble

PUBLISHED = Path(__file__).parent.parent / "report"
# Who is behind the names of the columns.
COLUMNS = """\
- `matinv`: the Python package, which makes its result afresh, as the peers do; `matinv out=`: the same into memory that
  is there. `matinv Rust` and `matinv into`: the crate, likewise. `matinv native` and `matinv lapack`: the crate held to one of
  its engines; without that it chooses.
- `numpy`; `scipy` without options; `scipy tuned` without its checks and told the structure; `torch`: `inv_ex`; `jax`: compiled
  beforehand; `faer` and `nalgebra`: in Rust, in a loop over stacks.
- `–`: does not take part; `~`: quartiles more than {noise} apart; `wrong`: not an inverse by LAPACK's ratio."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True, help="what bench.py kept")
    parser.add_argument("--publish", action="store_true", help="copy all of it to benches/report")
    args = parser.parse_args()
    report = gather(args.results)
    for part in ("accuracy", "behaviour"):
        path = args.out / f"{part}.json"
        report[part] = json.loads(path.read_text()) if path.exists() else []
    import charts

    drawn = charts.draw(report, args.out)
    (args.out / "report.json").write_text(compact(report))
    (args.out / "report.md").write_text(markdown(report, drawn))
    (args.out / "section.md").write_text(section(report, drawn))
    print(f"bench: {args.out / 'report.md'}", file=sys.stderr)
    if args.publish:
        publish(report, drawn, args.out, PUBLISHED)


def publish(report, drawn, out, folder):
    """Copies what is committed: the report with its data, the section of the README, the charts."""
    if report["mode"] != "full":
        sys.exit("bench: only a full run is published")
    folder.mkdir(exist_ok=True)
    charts = [out / f"{stem}.svg" for name in drawn for stem in drawn[name]]
    for path in [out / "report.md", out / "report.json", out / "section.md", *charts]:
        shutil.copyfile(path, folder / path.name)
    print("bench: published in benches/report; section.md is the section of the README", file=sys.stderr)


def compact(report):
    """JSON with a line for every result, and the digits that mean something."""
    parts = {name: json.dumps(_rounded(value)) for name, value in report.items() if not isinstance(value, list)}
    for name, value in report.items():
        if isinstance(value, list):
            parts[name] = "[" + ",".join("\n  " + json.dumps(_rounded(line)) for line in value) + "\n ]"
    return "{\n" + ",\n".join(f" {json.dumps(name)}: {text}" for name, text in parts.items()) + "\n}\n"


def _rounded(value):
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value


def markdown(report, drawn=()):
    parts = [
        "# matinv beside its peers",
        about(report),
        COLUMNS.format(noise=percent(NOISE)),
        "## One matrix",
        "Times of one multiplication (GEMM) of the same order, the fastest of OpenBLAS, faer and numpy in "
        "the same rounds: 1.0 is the limit. At orders below 16 the call itself takes most of the time, from Python above all.",
        picture("singles") if "singles" in drawn else "",
        *[shown(kind, singles(report, *kind)) for kind in kinds(report, True)],
        "## Stacks",
        "Time per matrix, of a stack that fits into the second-level cache of most processors (up to 1 MiB) and of one "
        "that does not.",
        picture("stacks") if "stacks" in drawn else "",
        *[shown(kind, stacks(report, *kind)) for kind in kinds(report, False)],
        "## Where a peer is ahead",
        ahead(report),
        trouble(report) and "## Who did not get through\n\n" + trouble(report),
        report["accuracy"] and "## Accuracy",
        accuracy(report),
        picture("accuracy") if "accuracy" in drawn else "",
        report["behaviour"] and "## Where it hurts",
        behaviour(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def shown(kind, text):
    """General float64 matrices at once, the others when asked for."""
    if kind[:2] == ("f64", "general"):
        return f"### {title(*kind)}\n\n{text}"
    return folded(title(*kind), text)


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
        "Caches: " + ", ".join(f"{name} {memory(size)}" for name, size in machine["caches"].items()),
        f"Python {machine['python']}: {packages(versions)}",
        f"Rust: matinv {rust['matinv']} (native {rust['native']}), faer {rust['faer']}, nalgebra {rust['nalgebra']}; "
        f"{' '.join(rust['blas'].split()[:2])} ({rust['blas_core']})",
        "Kernels chosen by the Python peers: " + (", ".join(sorted(pools)) or "not known"),
        f"Commit {machine['commit']}, {report['mode']} run, with {' and '.join(threads(k) for k in report['threads'])}; "
        f"load average {min(loads, default=0):.1f} to {max(loads, default=0):.1f}",
        f"Medians; {count} of {total} figures had quartiles more than {percent(NOISE)} apart"
        + (": **a noisy run**" if count > total / 10 else ""),
    ]
    if report.get("only"):
        lines.append(f"**Only a part**: cases `{report['only']}`")
    if report["cleared"]:
        lines.append("Cleared from the environment: " + ", ".join(report["cleared"]))
    if wrong:
        lines.append("**Thread pools of another size than asked for**: " + "; ".join(wrong))
    lines += [f"Not measured: {name} ({why})" for name, why in missing.items()]
    return "\n".join(f"- {line}" for line in lines)


def columns(results):
    """The peers that have something to show."""
    shown = {name for r in results for name, f in r["peers"].items() if f["status"] != "absent"}
    return [name for name in OURS + PEERS if name in shown]


def singles(report, scalar, structure, count, _):
    results = chosen(report, True, scalar, structure, count)
    names = columns(results)
    rows = []
    for result in results:
        name, unit = gemm(result)
        cells = [cell(result, peer, lambda t: digits(t / unit) if unit else seconds(t)) for peer in names]
        by = f"{seconds(unit)} {name.removeprefix('gemm ')}" if unit else "–"
        rows.append([str(result["case"]["order"]), by, *cells])
    return table(["n", "GEMM", *names], rows)


def stacks(report, scalar, structure, count, memory):
    results = chosen(report, False, scalar, structure, count, memory)
    names = columns(results)
    rows = []
    for result in results:
        case = result["case"]
        cells = [cell(result, peer, lambda t: seconds(t / case["count"])) for peer in names]
        gains = [speed_up(result, peer) for peer in PYTHON_PEERS]
        best = min((gain for gain in gains if gain), default=None)
        rows.append([str(case["order"]), str(case["count"]), *cells, f"{best:.1f}×" if best else "–"])
    return table(["n", "matrices", *names, "best Python peer / matinv"], rows)


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
        "‖X − A⁻¹‖₁ / ‖A⁻¹‖₁ against the exact inverse, computed in rational arithmetic or with 2000 bits. LAPACK's own "
        "tests ask for a ratio below 30 on one side; which side is the good one depends on the algorithm and on whether rows "
        "or columns are contiguous."
    )
    return words + "\n\n" + table(["matrix", "n", "cond₁", *names], rows)


def behaviour(report):
    if not report["behaviour"]:
        return ""
    names = list(dict.fromkeys(name for row in report["behaviour"] for name in row["who"]))
    rows = [[row["what"], *[row["who"].get(name, "–") for name in names]] for row in report["behaviour"]]
    return table(["", *names], rows, "---")


if __name__ == "__main__":
    main()
