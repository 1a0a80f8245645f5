"""Figures in words: cells, tables, names of kinds, pictures."""

import re

from figures import NOISE, SCALARS, behind, compared, misbehaved, own_for, speed_up

# The charts by name: in light, in dark, and what is to be seen.
PICTURES = {
    "report": ("report", "report-dark", "One float64 matrix in times of a multiplication, and speed-ups on stacks"),
    "singles": ("singles-light", "singles-dark", "One matrix, in times of one multiplication"),
    "stacks": ("stacks-light", "stacks-dark", "Stacks: how many times as fast as each peer"),
    "accuracy": ("accuracy-light", "accuracy-dark", "Forward errors"),
}
STATUS = {"absent": "–", "failed": "failed", "wrong": "**wrong**", "hangs": "**hangs**", "crashes": "**crashes**"}


def picture(name, folder=""):
    light, dark, alt = PICTURES[name]
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{folder}{dark}.svg">'
        f'<img alt="{alt}" src="{folder}{light}.svg"></picture>'
    )


def table(head, rows, align="--:"):
    lines = [head, ["---"] + [align] * (len(head) - 1), *rows]
    escape = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    return "\n".join("| " + " | ".join(map(escape, row)) + " |" for row in lines)


def folded(title, text):
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def seconds(t):
    """Three digits and a unit."""
    for factor, unit in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")):
        if t * factor < 999.5:
            return f"{t * factor:.3g} {unit}"
    return f"{t:.3g} s"


def digits(x):
    """Three digits."""
    return f"{x:.{2 if x < 9.995 else 1 if x < 99.95 else 0}f}"


def cell(result, peer, text):
    figure = result["peers"].get(peer, {"status": "absent"})
    if figure["status"] == "ok":
        return text(figure["median"]) + ("~" if figure["spread"] > NOISE else "")
    return STATUS[figure["status"]]


def gain(result, peer):
    """How many times as fast as a peer."""
    factor = speed_up(result, peer)
    if factor is None:
        return STATUS.get(result["peers"].get(peer, {}).get("status"), "–")
    noisy = any(result["peers"][name]["spread"] > NOISE for name in (peer, own_for(result, peer)))
    return f"{factor:.1f}×{'~' if noisy else ''}"


def threads(count):
    return f"{count} thread{'s' if count > 1 else ''}"


def count_of(matrices):
    """As the matrices of a case are spoken of."""
    return {"single": "one matrix", "cache": "stack in cache", "memory": "stack beyond cache"}[matrices]


def title(scalar, structure, count, memory):
    words = [SCALARS[scalar], structure, threads(count)] + ([count_of(memory)] if memory != "single" else [])
    return ", ".join(words)


def tally(report):
    """One sentence: how often a peer is ahead."""
    pairs = compared(report)
    worse = sum(len(orders) for orders in behind(report).values())
    if not worse:
        return f"No peer is ahead by more than 3 % in any of {len(pairs)} comparisons."
    return f"A peer is ahead by more than 3 % in {worse} of {len(pairs)} comparisons."


def ahead(report):
    """All of it, as a table."""
    rows = [
        [
            title(*kind[:3], "single"), count_of(kind[3]), peer,
            ", ".join(f"{order} ({factor:.2f}×)" for order, factor in sorted(orders)),
        ]
        for (kind, peer), orders in behind(report).items()
    ]
    head = ["matrices", "count", "peer", "orders (our time / its time)"]
    return tally(report) + ("\n\n" + table(head, rows, "---") if rows else "")


def ahead_in_short(report):
    """A line per peer, the one that is ahead most often first, with the factor at worst."""
    found = {}
    for (kind, peer), orders in behind(report).items():
        found.setdefault(peer, []).append((kind, orders))
    times = {peer: sum(len(orders) for _, orders in kinds) for peer, kinds in found.items()}
    lines = [tally(report)]
    for peer, kinds in sorted(found.items(), key=lambda entry: -times[entry[0]]):
        # Threads, and stacks in cache and beyond, are one entry here: the report has them apart.
        merged = {}
        for (scalar, structure, _, memory), orders in kinds:
            one = memory == "single"
            what = f"{'one' if one else 'stacks of'} {structure} {SCALARS[scalar]} {'matrix' if one else 'matrices'}"
            merged.setdefault(what, []).extend(orders)
        entries = []
        for what, orders in merged.items():
            which = sorted({order for order, _ in orders})
            entries.append(
                f"{what} of order {', '.join(map(str, which))} "
                f"({'up to ' if len(orders) > 1 else ''}{max(factor for _, factor in orders):.2f}×)"
            )
        lines.append(f"- **{peer}**, in {times[peer]}: " + "; ".join(entries))
    return "\n".join(lines[:1] + [""] * (len(lines) > 1) + lines[1:])


def trouble(report):
    """A sentence for each way in which a peer hung, crashed, failed, or was wrong."""
    verbs = {"hangs": "hangs", "crashes": "crashes", "failed": "fails", "wrong": "gives a wrong result"}
    lines = []
    for (peer, status, why), cases in misbehaved(report).items():
        where = "; ".join(
            f"{case['count']} {'matrices' if case['count'] > 1 else 'matrix'} of order {case['order']}, "
            f"{SCALARS[case['scalar']]}, {case['structure']}, {threads(case['threads'])}"
            for case in cases[:6]
        )
        rest = f"; and {len(cases) - 6} more" if len(cases) > 6 else ""
        lines.append(f"- {peer} {verbs[status]}{f' ({why})' if why else ''}: {where}{rest}.")
    given_up = {}
    for result in report["results"]:
        for peer, figure in result["peers"].items():
            if figure["status"] == "absent" and figure.get("why", "").startswith("hung or crashed"):
                given_up.setdefault((peer, result["case"]["threads"]), []).append(result)
    for (peer, count), results in given_up.items():
        lines.append(f"- {peer} was left out of some cases after that, with {threads(count)} (cases: {len(results)}).")
    return "\n".join(lines)


def memory(size):
    """Of the kernel's `2048K`, in units that are read easily."""
    match = re.fullmatch(r"(\d+)K", size)
    if not match:
        return size
    kib = int(match.group(1))
    return f"{kib} KiB" if kib < 1024 else f"{kib / 1024:g} MiB"


def packages(versions):
    """Python's, as they are named here; jaxlib goes with jax."""
    return ", ".join(f"{name} {version}" for name, version in versions["python"].items() if name not in ("jaxlib", "matinv"))


def percent(share):
    return f"{share * 100:.0f} %"
