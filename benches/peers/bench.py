"""matinv beside numpy, scipy, torch, jax, faer and nalgebra. `./dev bench` starts this.

Every number of threads has a process of its own, confined to as many processors, in which all peers
take turns. What is measured is kept in a file of lines: started again, it goes on where it was.
"""

import argparse
import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Nothing that loads a BLAS: a worker is confined to its processors before.
import machine

HERE = Path(__file__).parent
PACKAGES = ["numpy", "scipy", "torch", "jax", "jaxlib", "matinv"]


def main():
    args = arguments()
    if args.worker:
        return work(args)
    args.out.mkdir(parents=True, exist_ok=True)
    environment, forced = machine.cleared(os.environ)
    all_processors = len(machine.processors())
    threads = args.threads or sorted({1, all_processors})
    if max(threads) > all_processors:
        sys.exit(f"there are {all_processors} processors, not {max(threads)}")
    about = {
        "machine": machine.describe(),
        "versions": versions(args),
        "cleared": forced,
        "mode": "quick" if args.quick else "full",
        "threads": threads,
    }
    begin(args, about)

    def child(script, *more):
        common = ["--server", args.server, "--out", args.out]
        try:
            ran = subprocess.run([sys.executable, HERE / script, *common, *more], env=environment)
        except KeyboardInterrupt:
            sys.exit("bench: stopped; the same command goes on from here")
        if ran.returncode != 0:
            sys.exit(f"bench: {script} ended with {ran.returncode}")

    for count in threads:
        more = [name for name in ("--quick", "--torch") if getattr(args, name[2:])]
        names = [str(count) for count in threads]
        child("bench.py", "--worker", str(count), *more, "--threads", *names)
    for part in ("accuracy", "behaviour"):
        if not (args.out / f"{part}.json").exists():
            print(f"bench: {part}", file=sys.stderr)
            child(f"{part}.py")
    child("report.py", *(["--quick"] if args.quick else []))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some cases, in under 3 minutes")
    parser.add_argument("--torch", action="store_true", help="with torch, which is large to install")
    parser.add_argument("--fresh", action="store_true", help="start over instead of going on")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N", help="default: 1 and all")
    parser.add_argument("--out", type=Path, default=Path("target/bench"), help="default: target/bench")
    parser.add_argument("--server", type=Path, required=True, help="the program of the Rust peers")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def results_file(out, quick):
    return out / f"results-{'quick' if quick else 'full'}.jsonl"


def begin(args, about):
    """Keeps the results there are if they belong to this machine and these versions."""
    path = results_file(args.out, args.quick)
    if path.exists() and not args.fresh:
        before = whole_lines(path)
        if before and fingerprint(json.loads(before[0])) == fingerprint(about):
            path.write_text("".join(before))
            return
        print("bench: machine or versions have changed: starting over", file=sys.stderr)
    for part in ("accuracy", "behaviour"):
        (args.out / f"{part}.json").unlink(missing_ok=True)
    path.write_text(json.dumps(about) + "\n")


def whole_lines(path):
    """All lines but one that was not written to its end."""
    with path.open() as lines:
        return [line for line in lines if line.endswith("\n")]


def fingerprint(about):
    """What must be the same for old results to stand beside new ones."""
    same = {name: about.get("machine", {}).get(name) for name in ("cpu", "processors", "commit")}
    return same, about.get("versions"), about.get("threads")


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


def work(args):
    """One number of threads: every case that has no result yet."""
    machine.confine(args.worker)
    import peers as all_peers
    from cases import cost, plan
    from measure import FULL, QUICK, measure
    from threadpoolctl import threadpool_info, threadpool_limits
    from tqdm import tqdm

    server = all_peers.Server(args.server)
    peers, missing = all_peers.available(server, args.torch)
    effort = QUICK if args.quick else FULL
    path = results_file(args.out, args.quick)
    with path.open() as lines:
        done = {json.loads(line).get("case", {}).get("id") for line in lines}
    cases = {count: plan(args.quick, count) for count in args.threads}

    def seconds(case):
        return cost(case, effort, len(peers))

    total = sum(seconds(case) for count in cases for case in cases[count])
    before = sum(seconds(case) for count in cases for case in cases[count] if case.id in done)
    bar = "{desc:<34} {bar} {percentage:3.0f} %  {elapsed}, {remaining} left"
    with (
        # For systems that cannot confine a process.
        threadpool_limits(args.worker),
        tqdm(total=total, initial=before, bar_format=bar, mininterval=0) as progress,
        path.open("a") as out,
    ):
        for case in cases[args.worker]:
            if case.id in done:
                continue
            progress.set_description_str(case.id)
            figures = measure(case, case.matrices(), peers, effort)
            # Now that all are loaded and have run.
            pools = threadpool_info()
            line = {
                "case": case.as_dict(),
                "peers": figures,
                "missing": missing,
                "load": os.getloadavg(),
                "processors": len(machine.processors()),
                "pools": [{k: p.get(k) for k in ("prefix", "version", "architecture", "num_threads")} for p in pools],
                "wrong_pools": machine.wrong_pools(pools, args.worker),
            }
            out.write(json.dumps(line) + "\n")
            out.flush()
            progress.update(seconds(case))
    server.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
