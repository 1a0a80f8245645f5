"""The section of the README on speed: chart, two tables of general float64 matrices, and where a peer
is ahead."""

from figures import NOISE, PEERS, chosen, gemm, ours, size, time
from words import ahead_in_short, cell, digits, gain, packages, percent, picture, seconds, table, trouble

# The tables of the report have all orders.
LEAST = 16
STACKS = [2, 3, 4, 8, 16, 32, 64, 128, 256]
FOLDER = "benches/report/"


def section(report, drawn=()):
    machine, versions = report["machine"], report["versions"]
    peers = [peer for peer in PEERS if any(time(result, peer) for result in report["results"])]
    memory, stacks = stack_rows(report, peers)
    sizes = sorted({round(size(result["case"]) / 2**20) for result in memory})
    about = f"Stacks of {sizes[-1]} MiB" if sizes and sizes[-1] else "Stacks"
    command = "./dev bench" + (" --quick" if report["mode"] == "quick" else "") + (" --torch" if "torch" in peers else "")
    parts = [
        "## Speed",
        picture("report", FOLDER) if "report" in drawn else "",
        f"Measured by `{command}` on {machine['cpu']}, {machine['processors']} processors, `{machine['system']}`, at commit "
        f"{machine['commit']}, beside {packages(versions)}, faer {versions['rust']['faer']}, nalgebra "
        f"{versions['rust']['nalgebra']}. All take turns in one run, each result is checked before its time counts, and "
        "medians are shown; [the rules](benches/README.md) and [the whole report](benches/report/report.md), with "
        "other scalars, definite matrices, accuracy, and what happens where it hurts. `scipy tuned` is scipy without "
        f"its checks; `~`: quartiles more than {percent(NOISE)} apart.",
        "One general float64 matrix, in times of one multiplication of the same order (1.0 is the limit):",
        table(["n", "threads", "multiplication", "matinv", *peers], single_rows(report, peers)),
        f"{about} of general float64 matrices: time per matrix, and how many times as fast as each peer:",
        table(["n", "threads", "matinv", *peers], stacks),
        "### Where a peer is ahead",
        ahead_in_short(report),
        trouble(report) and "Peers that did not get through:\n\n" + trouble(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def single_rows(report, peers):
    rows = []
    for threads in report["threads"]:
        for result in chosen(report, True, "f64", "general", threads):
            unit, own = gemm(result)[1], ours(result)
            if result["case"]["order"] >= LEAST and unit and own:
                cells = [cell(result, peer, lambda t: digits(t / unit)) for peer in [own, *peers]]
                rows.append([str(result["case"]["order"]), str(threads), seconds(unit), *cells])
    return rows


def stack_rows(report, peers):
    """The results that are shown, and their rows: of stacks beyond the cache, if there are any."""
    stacks = chosen(report, False, "f64", "general")
    memory = "memory" if any(result["case"]["memory"] == "memory" for result in stacks) else "cache"
    shown, rows = [], []
    for threads in report["threads"]:
        for result in chosen(report, False, "f64", "general", threads, memory):
            case, own = result["case"], ours(result)
            if own and case["order"] in STACKS:
                each = cell(result, own, lambda t: seconds(t / case["count"]))
                rows.append([str(case["order"]), str(threads), each, *[gain(result, peer) for peer in peers]])
                shown.append(result)
    return shown, rows
