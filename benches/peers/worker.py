"""The process of one number of threads: measures every case that has no result yet."""

import argparse
import json
import os
import sys
from pathlib import Path

# Nothing that loads a BLAS: it would count the processors before this process is confined to some.
import machine
from bench import PATIENCE, results_file, whole_lines
from supervise import Steps

GIVE_UP = 3  # cases that a peer may spoil


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, nargs="+", required=True, help="of all workers")
    parser.add_argument("--worker", type=int, required=True, help="of this one")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--patience", type=float, default=PATIENCE)
    args = parser.parse_args()
    machine.confine(args.worker)
    steps = Steps(args.out / "step")
    import peers as all_peers
    from cases import plan
    from measure import FULL, QUICK, ServerEnded
    from threadpoolctl import threadpool_limits

    server = all_peers.Server(args.server)
    processes = [server.process.pid]
    peers, missing = all_peers.available(server, args.torch)
    cases = [case for count in args.threads for case in plan(args.quick, count, args.only)]
    # For systems that cannot confine a process.
    with threadpool_limits(args.worker):
        try:
            work(
                cases, args.worker, peers, QUICK if args.quick else FULL, results_file(args), steps,
                missing=missing, patience=args.patience,
                # The threads of one processor are one, which rests when its work is done.
                settle=(lambda: machine.settle(processes)) if args.worker > 1 else None,
            )
        except ServerEnded as error:
            sys.exit(f"bench: {error}")
    server.close()
    # A peer's threads that do not end must not keep this process.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def work(cases, threads, peers, effort, path, steps, *, missing, patience, settle=None):
    """Measures the cases of so many threads, and adds a line to the file for each."""
    from cases import cost, expected
    from measure import measure
    from threadpoolctl import threadpool_info

    lines = [json.loads(line) for line in whole_lines(path)]
    done = {line["case"]["id"] for line in lines if "case" in line}
    gone = [line["gone"] for line in lines if "gone" in line and line["gone"]["threads"] == threads]
    by_id = {case.id: case for case in cases}
    seconds = {case.id: cost(case, effort, len(peers)) for case in cases}

    def progress():
        return {"done": sum(seconds.get(name, 0) for name in done), "total": sum(seconds.values())}

    with path.open("a") as out:
        for case in cases:
            if case.threads != threads or case.id in done:
                continue
            steps.case(case.id, patience + 20 * expected(case), **progress())
            left_out = without(gone, case, by_id)
            taking_part = [peer for peer in peers if peer.name not in left_out]
            figures = left_out | measure(case, case.matrices(), taking_part, effort, steps, settle)
            # Now that all are loaded and have run.
            pools = threadpool_info()
            line = {
                "case": case.as_dict(),
                "peers": figures,
                "missing": missing,
                "load": os.getloadavg(),
                "processors": len(machine.processors()),
                "pools": [{k: p.get(k) for k in ("prefix", "version", "architecture", "num_threads")} for p in pools],
                "wrong_pools": machine.wrong_pools(pools, threads),
            }
            out.write(json.dumps(line) + "\n")
            out.flush()
            done.add(case.id)
            steps.case(case.id, patience, **progress())


def without(gone, case, by_id):
    """Figures of the peers that hung or crashed in this case, in one of the same order, or in too many
    before."""
    figures = {}
    for peer in dict.fromkeys(one["peer"] for one in gone):
        spoilt = [one for one in gone if one["peer"] == peer]
        alike = [by_id[one["case"]] for one in spoilt if one["case"] in by_id]
        if len(spoilt) >= GIVE_UP or any((c.order, c.is_single) == (case.order, case.is_single) for c in alike):
            figures[peer] = {"status": "absent", "why": f"hung or crashed before, in {spoilt[0]['case']}"}
        for one in spoilt:
            if one["case"] == case.id:
                figures[peer] = {"status": one["status"], "why": one["why"]}
    return figures


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
