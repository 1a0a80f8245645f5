"""The charts: multiples of GEMM, speed-up on stacks, and accuracy; light and dark, SVG and PNG."""

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

import figures

COLOURS = {
    "matinv": "#d9480f",
    "matinv lapack": "#f59f00",
    "numpy": "#4263eb",
    "scipy": "#1098ad",
    "scipy tuned": "#0ca678",
    "torch": "#e64980",
    "jax": "#7048e8",
    "faer": "#b08900",
    "nalgebra": "#868e96",
}
# What would be too dark there.
ON_DARK = {**COLOURS, "matinv": "#ff6b35", "numpy": "#748ffc", "jax": "#b197fc", "faer": "#d9b310", "nalgebra": "#adb5bd"}
THEMES = {
    "light": {"back": "#ffffff", "ink": "#212529", "faint": "#adb5bd", "of": COLOURS},
    "dark": {"back": "#0d1117", "ink": "#e6edf3", "faint": "#484f58", "of": ON_DARK},
}


def draw(report, out):
    """Draws all there is to draw; returns the names of the files, without extension, by figure."""
    drawn = {}
    plots = {"singles": singles, "stacks": stacks, "accuracy": accuracy, "report": both}
    for name, plot in plots.items():
        for theme, colours in THEMES.items():
            with plt.rc_context(style(colours)):
                picture = plot(report, colours)
                if picture is None:
                    continue
                stem = "report" if (name, theme) == ("report", "light") else f"{name}-{theme}"
                picture.savefig(out / f"{stem}.svg", bbox_inches="tight")
                picture.savefig(out / f"{stem}.png", dpi=150, bbox_inches="tight")
                plt.close(picture)
                drawn.setdefault(name, []).append(stem)
    return drawn


def style(colours):
    back, ink, faint = colours["back"], colours["ink"], colours["faint"]
    return {
        "figure.facecolor": back,
        "axes.facecolor": back,
        "savefig.facecolor": back,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": faint,
        "xtick.color": ink,
        "ytick.color": ink,
        "grid.color": faint,
        "grid.alpha": 0.35,
        "axes.grid": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.size": 10,
        "legend.frameon": False,
        "svg.fonttype": "path",
        "svg.hashsalt": "matinv",
    }


def both(report, colours):
    picture, (left, right) = plt.subplots(1, 2, figsize=(13, 5), gridspec_kw={"wspace": 0.4})
    drew = [draw_singles(report, left, colours, "f64", 1), draw_stacks(report, right, colours, "f64", 1)]
    picture.text(0.5, -0.02, machine(report), ha="center", fontsize=8, color=colours["ink"], alpha=0.7)
    return picture if any(drew) else None


def singles(report, colours):
    return grid(report, colours, True, draw_singles)


def stacks(report, colours):
    return grid(report, colours, False, draw_stacks)


def grid(report, colours, single, draw_one):
    """One panel for float64 and float32, at one thread and at all."""
    enough = lambda s: len(figures.chosen(report, single, s, "general")) > 4
    scalars = [scalar for scalar in ("f64", "f32") if enough(scalar)]
    threads = sorted({threads for _, _, threads, _ in figures.kinds(report, single)})
    if not scalars:
        return None
    size = (6.5 * len(scalars), 4.6 * len(threads))
    picture, panels = plt.subplots(len(threads), len(scalars), figsize=size, squeeze=False)
    for row, count in zip(panels, threads):
        for panel, scalar in zip(row, scalars):
            draw_one(report, panel, colours, scalar, count)
    picture.tight_layout(h_pad=2.5, w_pad=4)
    picture.text(0.5, -0.01, machine(report), ha="center", va="top", fontsize=8, alpha=0.7)
    return picture


def draw_singles(report, panel, colours, scalar, threads):
    results = figures.chosen(report, True, scalar, "general", threads)
    results = [r for r in results if r["case"]["order"] >= 8 and figures.gemm(r)[1]]
    lines = {}
    for result in results:
        unit = figures.gemm(result)[1]
        for peer in ["matinv", *figures.PEERS]:
            name = figures.ours(result) if peer == "matinv" else peer
            if name and (t := figures.time(result, name)):
                lines.setdefault(peer, []).append((result["case"]["order"], t / unit))
    curves(panel, lines, colours)
    title(panel, "One matrix", scalar, threads)
    panel.set_ylabel("times of one multiplication (1 is the limit)")
    panel.set_ylim(bottom=0.8)
    return bool(lines)


def draw_stacks(report, panel, colours, scalar, threads):
    """How many times as fast as each peer."""
    memories = {r["case"]["memory"] for r in figures.chosen(report, False, scalar, "general", threads)}
    memory = "memory" if "memory" in memories else "cache"
    lines = {}
    results = figures.chosen(report, False, scalar, "general", threads, memory)
    for result in results:
        for peer in figures.PEERS:
            if gain := figures.speed_up(result, peer):
                lines.setdefault(peer, []).append((result["case"]["order"], gain))
    curves(panel, lines, colours)
    size = max((figures.size(result["case"]) for result in results), default=0)
    title(panel, f"Stacks of {size / 2**20:.0f} MiB" if memory == "memory" else "Stacks in cache", scalar, threads)
    panel.set_ylabel("matinv is so many times as fast")
    low = min((y for line in lines.values() for _, y in line), default=1)
    panel.set_ylim(bottom=min(0.8, low / 1.3))
    return bool(lines)


def title(panel, what, scalar, threads):
    count = f"{threads} thread{'s' if threads > 1 else ''}"
    panel.set_title(f"{what}, {figures.SCALARS[scalar]}, {count}", loc="left", fontsize=11, fontweight="bold")


def curves(panel, lines, colours):
    """Logarithmic on both axes; every curve is named at its end."""
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    orders = sorted({x for line in lines.values() for x, _ in line})
    panel.axhline(1, color=colours["ink"], linewidth=1, alpha=0.6, zorder=1)
    for peer, line in lines.items():
        own = peer == "matinv"
        xs, ys = zip(*line)
        panel.plot(
            xs, ys, color=colours["of"][peer], label=peer, marker="o", markersize=4 if own else 3,
            linewidth=2.6 if own else 1.5, zorder=4 if own else 3,
        )
    shown = [n for n in orders if n & (n - 1) == 0] or orders
    panel.xaxis.set_major_locator(FixedLocator(shown))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0f}"))
    panel.yaxis.set_major_locator(FixedLocator([d * 10**k for k in range(-2, 5) for d in (1, 2, 5)]))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}×"))
    panel.set_xlabel("order")
    if lines:
        names(panel, lines, colours)


def names(panel, lines, colours):
    """Puts the names beside the last points, pushed apart where they would overlap; a line leads from a
    name that had to move, or whose curve ends early."""
    panel.figure.canvas.draw()
    place, back = panel.transData, panel.transData.inverted()
    panel.autoscale(False)
    right = max(x for line in lines.values() for x, _ in line)
    ends = sorted((place.transform(line[-1])[1], peer) for peer, line in lines.items())
    points = panel.figure.dpi / 72
    x, bottom = place.transform((right, panel.get_ylim()[0]))
    places = apart([y for y, _ in ends], 12 * points, bottom + 4 * points)
    for (_, peer), y in zip(ends, places):
        colour = colours["of"][peer]
        last, (start, name) = lines[peer][-1], back.transform([(x + 18 * points, y), (x + 20 * points, y)])
        panel.plot(
            [last[0], start[0]], [last[1], start[1]], color=colour, linewidth=0.8, alpha=0.6, linestyle=":", clip_on=False, zorder=2
        )
        panel.text(
            *name, peer, va="center", fontsize=9, color=colour, fontweight="bold" if peer == "matinv" else "normal"
        )


def apart(heights, least, bottom):
    """Sorted heights moved as little as need be so that neighbours are `least` apart and none is below
    the bottom: those that would overlap stand together around their middle."""
    groups = []  # [sum of heights, count]
    for height in heights:
        groups.append([height, 1])
        while len(groups) > 1 and _top(groups[-2], least) + least > _bottom(groups[-1], least):
            total, count = groups.pop()
            groups[-1] = [groups[-1][0] + total, groups[-1][1] + count]
    places = [_bottom(group, least) + i * least for group in groups for i in range(group[1])]
    return [max(y, bottom + i * least) for i, y in enumerate(places)]


def _bottom(group, least):
    return group[0] / group[1] - (group[1] - 1) / 2 * least


def _top(group, least):
    return group[0] / group[1] + (group[1] - 1) / 2 * least


def accuracy(report, colours):
    """Forward errors in units of condition times rounding: below 1 is as good as can be asked for."""
    rows = report.get("accuracy") or []
    if not rows:
        return None
    picture, panel = plt.subplots(figsize=(8, 0.24 * len(rows) + 1.6))
    marks = {"matinv native": ("o", "matinv"), "matinv lapack": ("D", "matinv lapack"), "numpy": ("s", "numpy"), "scipy": ("x", "scipy")}
    for who, (mark, colour) in marks.items():
        points = [(i, r["who"].get(who)) for i, r in enumerate(rows)]
        points = [(i, p["forward"]) for i, p in points if p and p.get("forward") is not None]
        if points:
            ys, xs = zip(*points)
            # An exact inverse stands at the edge.
            xs = [max(x, 1e-18) for x in xs]
            panel.scatter(xs, ys, marker=mark, s=26, label=who, color=colours["of"][colour], alpha=0.85, zorder=3)
    bounds = [min(1.0, r["condition"] * 2**-53) for r in rows]
    panel.scatter(bounds, range(len(rows)), marker="|", s=90, color=colours["ink"], label="condition · ε", zorder=2)
    panel.set_xscale("log")
    panel.set_yticks(range(len(rows)), [f"{r['name']} ({r['order']})" for r in rows], fontsize=8)
    panel.invert_yaxis()
    panel.set_xlabel("forward error ‖X − A⁻¹‖₁ / ‖A⁻¹‖₁ in double precision; what is exact stands at the left")
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -1.0 / (0.24 * len(rows) + 1.6)), ncols=5, fontsize=8)
    return picture


def machine(report):
    about = report["machine"]
    return f"{about['cpu']}, {about['processors']} processors, commit {about['commit']}, {report['mode']} run"
