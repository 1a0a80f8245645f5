"""matinv beside numpy, scipy, torch, jax, faer and nalgebra. `./dev bench` starts this.

Every number of threads has a process of its own, confined to as many processors, in which all peers
take turns. A peer that hangs there or takes the process down with it is noted, and the case measured
without it. What is measured is kept in a file of lines: started again, it goes on where it was.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Nothing that loads a BLAS: workers read this file, too, before they are confined to their processors.
import machine
from supervise import supervise

HERE = Path(__file__).parent
PACKAGES = ["numpy", "scipy", "torch", "jax", "jaxlib", "matinv"]
PATIENCE = 60
PARTS = ("accuracy", "behaviour")
PART = 300  # seconds that each of these may take


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))
    args.out.mkdir(parents=True, exist_ok=True)
    environment, forced = machine.cleared(os.environ)
    all_processors = len(machine.processors())
    args.threads = args.threads or sorted({1, all_processors})
    if max(args.threads) > all_processors:
        sys.exit(f"there are {all_processors} processors, not {max(args.threads)}")
    about = {
        "machine": machine.describe(),
        "versions": versions(args),
        "cleared": forced,
        "mode": "part" if args.only else "quick" if args.quick else "full",
        "only": args.only,
        "threads": args.threads,
    }
    begin(args, about)
    common = ["--server", args.server, "--out", args.out]
    with Progress() as progress:
        for count in args.threads:
            measure(args, count, common, environment, progress)
    for part in PARTS:
        if not (args.out / f"{part}.json").exists():
            print(f"bench: {part}", file=sys.stderr)
            try:
                subprocess.run([sys.executable, HERE / f"{part}.py", *common], env=environment, check=True, timeout=PART)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                print(f"bench: the report goes without {part}: {error}", file=sys.stderr)
    command = [sys.executable, HERE / "report.py", "--results", results_file(args), "--out", args.out]
    command += ["--publish"] if args.publish else []
    sys.exit(subprocess.run(command).returncode)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some cases, in under 3 minutes")
    parser.add_argument("--torch", action="store_true", help="with torch, which is large to install")
    parser.add_argument("--fresh", action="store_true", help="start over instead of going on")
    parser.add_argument("--only", metavar="PATTERN", help="cases whose names match: 'f64-general-*x1-t2'")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N", help="default: 1 and all")
    parser.add_argument("--patience", type=float, default=PATIENCE, metavar="S", help=(
        f"seconds without progress, beyond what a case is expected\nto take, after which a peer hangs; default: {PATIENCE}"
    ))
    parser.add_argument("--publish", action="store_true", help="copy report and charts to benches/report, to be committed")
    parser.add_argument("--out", type=Path, default=Path("target/bench"), help="default: target/bench")
    parser.add_argument("--server", type=Path, required=True, help="the program of the Rust peers")
    return parser.parse_args()


class Progress:
    """A bar of all cases of all workers. It begins with the first step that knows how much there is."""

    def __init__(self):
        self.bar = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.bar is not None:
            self.bar.close()

    def __call__(self, step):
        from tqdm import tqdm

        if "total" not in step:
            return
        if self.bar is None:
            form = "{desc:<34} {bar} {percentage:3.0f} %  {elapsed}, {remaining} left"
            self.bar = tqdm(total=step["total"], initial=step["done"], bar_format=form)
        self.bar.set_description_str(step["case"], refresh=False)
        # Sums of the same terms in another order: not more than all.
        self.bar.n = min(step["done"], self.bar.total)
        self.bar.refresh()


def measure(args, count, common, environment, progress):
    """The cases of so many threads: one worker, and another one whenever a peer has spoilt it."""
    from tqdm import tqdm

    command = [sys.executable, HERE / "worker.py", *common, "--worker", str(count), "--patience", str(args.patience)]
    command += ["--threads", *map(str, args.threads)]
    command += [f"--{name}" for name in ("quick", "torch") if getattr(args, name)]
    command += [f"--only={args.only}"] if args.only else []
    try:
        while ended := supervise(command, environment, args.out / "step", watch=progress):
            if ended.step["peer"] is None:
                sys.exit(f"bench: at {ended.step['case'] or 'the start'}: {ended.why}")
            note(results_file(args), count, ended)
            tqdm.write(f"bench: {ended.step['peer']} {ended.status} in {ended.step['case']}: {ended.why}", file=sys.stderr)
    except KeyboardInterrupt:
        sys.exit("bench: stopped; the same command goes on from here")


def note(path, threads, ended):
    """Keeps in mind which peer spoilt which case: the next worker does without it."""
    gone = {"case": ended.step["case"], "peer": ended.step["peer"], "threads": threads}
    with path.open("a") as out:
        out.write(json.dumps({"gone": {**gone, "status": ended.status, "why": ended.why}}) + "\n")


def results_file(args):
    return args.out / f"results-{'part' if args.only else 'quick' if args.quick else 'full'}.jsonl"


def begin(args, about):
    """Keeps the results there are if they belong to this machine and these versions."""
    path = results_file(args)
    if path.exists() and not args.fresh:
        before = whole_lines(path)
        if before and fingerprint(json.loads(before[0])) == fingerprint(about):
            path.write_text("".join(before))
            return
        print("bench: machine or versions have changed: starting over", file=sys.stderr)
    for part in PARTS:
        (args.out / f"{part}.json").unlink(missing_ok=True)
    path.write_text(json.dumps(about) + "\n")


def whole_lines(path):
    """All lines but one that was not written to its end."""
    with path.open() as lines:
        return [line for line in lines if line.endswith("\n")]


def fingerprint(about):
    """What must be the same for old results to stand beside new ones."""
    same = {name: about.get("machine", {}).get(name) for name in ("cpu", "processors", "commit")}
    return same, about.get("versions"), about.get("threads"), about.get("only")


def versions(args):
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    server = subprocess.run(
        [args.server], input='{"do": "describe"}\n', capture_output=True, text=True, check=True
    )
    rust = json.loads(server.stdout)
    del rust["threads"]
    return {"python": found, "rust": rust}


if __name__ == "__main__":
    main()
