"""The driver itself: plans, checks, statistics and tables. `pytest benches/peers`."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import accuracy
import behaviour
import machine
import measure
import figures
import report
import section
import supervise
from cases import Case, cost, plan
from peers import Numpy, Peer


@pytest.mark.parametrize(("quick", "effort", "limit"), [(True, measure.QUICK, 120), (False, measure.FULL, 1200)])
def test_a_plan_fits_into_its_time(quick, effort, limit):
    cases = [case for threads in (1, 2) for case in plan(quick, threads)]
    assert sum(cost(case, effort, 16) for case in cases) < limit
    assert len({case.id for case in cases}) == len(cases)


def test_a_full_plan_has_every_kind():
    cases = plan(False, 1)
    assert {c.scalar for c in cases} == {"f32", "f64", "c64", "c128"}
    assert {c.structure for c in cases} == {"general", "definite"}
    assert {c.memory for c in cases} == {"single", "cache", "memory"}
    assert max(c.order for c in cases) == 4096


@pytest.mark.parametrize("scalar", ["f32", "c128"])
def test_matrices_are_what_the_case_says(scalar):
    case = Case(6, 5, scalar, "definite", 1)
    a = case.matrices()
    assert a.shape == (5, 6, 6) and a.flags.c_contiguous and a.nbytes == case.bytes
    assert np.array_equal(a, a.conj().swapaxes(1, 2)) and np.linalg.eigvalsh(a).min() > 0
    assert np.array_equal(a, case.matrices())


def test_ratios_tell_right_from_wrong():
    a = np.random.default_rng(0).standard_normal((600, 600))
    x = np.linalg.inv(a)
    assert max(measure.ratios(a, x)) < measure.THRESHOLD
    assert min(measure.ratios(a, x * (1 + 1e-6))) > measure.THRESHOLD
    assert measure.ratios(a, np.full_like(a, np.nan)) == (np.inf, np.inf)
    assert min(measure.ratios(np.eye(2), np.zeros((2, 2)))) > measure.THRESHOLD


class Wrong(Peer):
    def call(self):
        return np.linalg.inv(self.given) * 1.001


class Failing(Peer):
    def call(self):
        raise ValueError("no")


class Away(Peer):
    def prepare(self, case, a):
        raise measure.Absent("not here")


@pytest.mark.parametrize("count", [1, 3])
def test_only_right_results_have_times(count):
    case = Case(8, count, "f64", "general", 1)
    peers = [Wrong("wrong"), Failing("failing"), Away("away"), Numpy()]
    figures = measure.measure(case, case.matrices(), peers, measure.QUICK)
    assert {name: figure["status"] for name, figure in figures.items()} == {
        "wrong": "wrong",
        "failing": "failed",
        "away": "absent",
        "numpy": "ok",
    }
    assert figures["numpy"]["median"] > 0 and figures["numpy"]["rounds"] >= 3
    assert "median" not in figures["wrong"]


class Breaking(Peer):
    """Fails when it is timed."""

    def call(self):
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls > 2:
            raise ValueError("no more")
        return np.linalg.inv(self.given)


def test_a_peer_may_fail_in_any_round():
    case = Case(8, 1, "f64", "general", 1)
    figures = measure.measure(case, case.matrices(), [Breaking("breaking"), Numpy()], measure.QUICK)
    assert figures["breaking"] == {"status": "failed", "why": "ValueError: no more"}
    assert figures["numpy"]["status"] == "ok"


class Slow(Peer):
    """As long as it says; counts how often it is asked."""

    def __init__(self, seconds):
        super().__init__("slow")
        self.seconds, self.calls = seconds, 0

    def call(self):
        return np.linalg.inv(self.given)

    def run(self, times):
        self.calls += times
        return self.seconds


def test_threads_rest_before_every_turn():
    case, peer, rested = Case(8, 1, "f64", "general", 1), Slow(0.2), []
    measure.measure(case, case.matrices(), [peer], measure.FULL, settle=lambda: rested.append(peer.calls))
    assert rested == [0, 1, 2]


def test_what_begins_after_a_rest_is_warm_before_it_counts():
    case, peer, rested = Case(8, 1, "f64", "general", 1), Slow(0.05), []
    measure.measure(case, case.matrices(), [peer], measure.FULL, settle=lambda: rested.append(peer.calls))
    # How long it takes is not known at first.
    assert rested == [0, 1, 3, 5, 7, 9]


def test_threads_that_do_not_rest_are_noticed(monkeypatch):
    if machine._clock_of(os.getpid()) is None:
        pytest.skip("this system does not tell the processor time of other processes")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as waiting:
        assert machine.settle([waiting.pid])
        waiting.communicate(b"\n")
    assert machine.settle([waiting.pid])
    # Long enough for one that shares the processors.
    monkeypatch.setattr(machine, "WINDOW", 0.3)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            assert not machine.settle([busy.pid])
        finally:
            busy.kill()


@pytest.mark.parametrize(("seconds", "calls"), [(0.02, 6), (0.2, 3), (2.0, 2), (20.0, 1)])
def test_long_runs_are_few(seconds, calls):
    case, peer = Case(8, 1, "f64", "general", 1), Slow(seconds)
    figures = measure.measure(case, case.matrices(), [peer], measure.FULL)
    assert (figures["slow"]["rounds"], peer.calls) == (calls, calls)


class Hanging(Peer):
    """Beyond the reach of Python's signals, as threads that spin inside a library."""

    def call(self):
        import signal

        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(3600)


class Crashing(Peer):
    def call(self):
        os.kill(os.getpid(), 11)


class Leaving(Peer):
    """Right at first, then the process is gone."""

    def run(self, times):
        os._exit(7)

    def call(self):
        return np.linalg.inv(self.given)


SPOILT = [Case(n, 1, "f64", "general", 1) for n in range(2, 7)]


def spoilt_worker(folder):
    """What worker.py does, with peers that spoil it."""
    import worker

    peers = [Hanging("hanging"), Crashing("crashing"), Leaving("leaving"), Numpy()]
    path, steps = Path(folder) / "results.jsonl", supervise.Steps(Path(folder) / "step")
    worker.work(SPOILT, 1, peers, measure.QUICK, path, steps, missing={}, patience=0.2)


def test_peers_that_hang_or_crash_end_no_run(tmp_path):
    import bench

    path = tmp_path / "results.jsonl"
    path.write_text("{}\n")
    command = [sys.executable, "-c", f"import test_driver; test_driver.spoilt_worker({str(tmp_path)!r})"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    seen = []
    while ended := supervise.supervise(command, environment, tmp_path / "step", watch=seen.append, poll=0.05):
        assert ended.step["peer"] in ("hanging", "crashing", "leaving"), ended
        bench.note(path, 1, ended)
    found = {r["case"]["order"]: r["peers"] for r in figures.gather(path)["results"]}
    assert list(found) == [2, 3, 4, 5, 6]
    statuses = {n: [found[n][name]["status"] for name in ("hanging", "crashing", "leaving", "numpy")] for n in found}
    assert statuses[2] == statuses[3] == statuses[4] == ["hangs", "crashes", "crashes", "ok"]
    # After three cases they take no part any more.
    assert statuses[5] == statuses[6] == ["absent", "absent", "absent", "ok"]
    assert found[2]["hanging"]["why"].startswith("no end in ")
    assert "SIGSEGV" in found[2]["crashing"]["why"] and found[2]["leaving"]["why"].endswith("with 7")
    assert seen[-1]["done"] == pytest.approx(seen[-1]["total"]) and seen[-1]["total"] > 0


def test_a_peer_that_hung_is_not_asked_again_with_the_order():
    from worker import without

    cases = [Case(n, count, "f64", "general", 2) for n in (8, 16) for count in (1, 2, 100)]
    by_id = {case.id: case for case in cases}
    gone = [{"case": cases[1].id, "peer": "torch", "threads": 2, "status": "hangs", "why": "no end"}]
    statuses = [without(gone, case, by_id).get("torch", {}).get("status") for case in cases]
    assert statuses == [None, "hangs", "absent", None, None, None]


def test_what_is_not_a_peers_fault_is_not_said_of_one(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    ended = supervise.supervise(command, os.environ, tmp_path / "step", poll=0.05)
    assert (ended.status, ended.step["peer"]) == ("crashes", None)


def test_cases_are_picked_by_their_names():
    assert [case.id for case in plan(False, 2, "f64-general-256x2-*")] == ["f64-general-256x2-t2"]
    assert not plan(False, 2, "*-t1")


def test_quartiles_make_the_spread():
    found = measure.summary([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found["median"], found["spread"], found["rounds"]) == (3.0, 2 / 3, 5)


def test_variables_that_force_kernels_are_cleared():
    given = {"OPENBLAS_CORETYPE": "x", "OMP_NUM_THREADS": "1", "MKL_CBWR": "x", "HOME": "/"}
    assert machine.cleared(given) == (
        {"HOME": "/"},
        ["MKL_CBWR", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE"],
    )


def test_pools_of_another_size_are_named():
    pools = [{"prefix": "libopenblas", "version": "1", "num_threads": k} for k in (1, 2)]
    assert machine.wrong_pools(pools, 1) == ["libopenblas 1: 2"]


def results(order, count, **medians):
    ok = {"status": "ok", "spread": 0.01, "ratio": 1.0}
    case = Case(order, count, "f64", "general", 1)
    peers = {name.replace("_", " "): {**ok, "median": t} for name, t in medians.items()}
    return {"case": case.as_dict(), "peers": peers, "missing": {}, "load": [0.1], "pools": [], "wrong_pools": []}


def a_report():
    single = results(64, 1, matinv=3.0, numpy=6.0, scipy=2.0, gemm_faer=2.0, gemm_numpy=1.5)
    single["peers"]["jax"] = {"status": "wrong", "ratio": 1e5}
    stack = results(4, 100, matinv=1e-6, numpy=4e-6)
    rust = {"matinv": "1", "native": "AVX2", "faer": "1", "nalgebra": "1", "blas": "OpenBLAS 1", "blas_core": "X"}
    return {
        "machine": {"cpu": "C", "processors": 1, "memory_gib": 1, "system": "S", "caches": {}, "python": "3", "commit": "abc"},
        "versions": {"python": {"numpy": "2"}, "rust": rust},
        "cleared": ["OMP_NUM_THREADS"],
        "mode": "quick",
        "threads": [1],
        "results": [single, stack],
        "accuracy": [],
        "behaviour": [],
    }


def test_the_report_says_what_was_measured():
    text = report.markdown(a_report())
    assert "| 64 | 1.5 s numpy | 2.00 | 4.00 | 1.33 | **wrong** |" in text
    assert "| 4 | 100 | 10 ns | 40 ns | 4.0× |" in text
    assert "| float64, general, 1 thread | one matrix | scipy | 64 (1.50×) |" in text
    assert "in 1 of 3 comparisons" in text
    assert "- jax gives a wrong result: 1 matrix of order 64, float64, general, 1 thread." in text
    assert "OMP_NUM_THREADS" in text and "noisy run" not in text


def test_like_is_compared_with_like():
    stack = results(4, 100, matinv=4.0, matinv_Rust=3.0, matinv_into=2.0, numpy=8.0, faer=8.0)
    single = results(4, 1, matinv_Rust=3.0, numpy=6.0, faer=9.0)
    assert [figures.speed_up(stack, peer) for peer in ("numpy", "faer", "jax")] == [2.0, 4.0, None]
    assert [figures.speed_up(single, peer) for peer in ("numpy", "faer")] == [2.0, 3.0]


def test_the_section_of_the_readme_is_made():
    text = section.section(a_report())
    assert "| 64 | 1 | 1.5 s | 2.00 | 4.00 | 1.33 |" in text
    assert "| 4 | 1 | 10 ns | 4.0× | – |" in text
    assert "commit abc" in text and "- **scipy**, in 1: one general float64 matrix of order 64 (1.50×)" in text


def test_peers_that_did_not_get_through_are_named():
    hung = a_report()
    stack = hung["results"][1]["peers"]
    stack["torch"] = {"status": "hangs", "why": "no end in 30 s"}
    stack["faer"] = {"status": "absent", "why": "hung or crashed before, in x"}
    hung["results"][0]["peers"]["torch"] = stack["numpy"]
    text = report.markdown(hung)
    assert "- torch hangs (no end in 30 s): 100 matrices of order 4, float64, general, 1 thread." in text
    assert "- faer was left out of some cases after that, with 1 thread (cases: 1)." in text
    assert "**hangs**" in text and "| **hangs** |" in section.section(hung)


def test_published_is_what_the_links_lead_to(tmp_path):
    import re

    import charts

    full, out, folder = {**a_report(), "mode": "full"}, tmp_path / "out", tmp_path / "benches" / "report"
    out.mkdir()
    folder.parent.mkdir()
    full["accuracy"] = [{"name": "m", "order": 2, "condition": 3.0, "who": {"numpy": {"left": 1, "right": 1, "forward": 1e-16}}}]
    drawn = charts.draw(full, out)
    (out / "report.json").write_text(report.compact(full))
    (out / "report.md").write_text(report.markdown(full, drawn))
    (out / "section.md").write_text(section.section(full, drawn))
    report.publish(full, drawn, out, folder)
    links = lambda path: re.findall(r'(?:srcset|src)="([^"]*)"', path.read_text())
    assert len(links(folder / "report.md")) == 2 and len(links(folder / "section.md")) == 2
    assert all((folder / link).exists() for link in links(folder / "report.md"))
    assert all((tmp_path / link).exists() for link in links(folder / "section.md"))
    assert json.loads((folder / "report.json").read_text())["results"] == full["results"]
    with pytest.raises(SystemExit):
        report.publish({**full, "mode": "quick"}, drawn, out, folder)


def test_names_beside_curves_do_not_overlap():
    import charts

    assert charts.apart([10.0, 11.0, 50.0], 10, 0) == [5.5, 15.5, 50.0]
    assert charts.apart([1.0, 2.0, 3.0], 10, 0) == [0.0, 10.0, 20.0]


def test_a_noisy_run_says_so():
    noisy = a_report()
    for result in noisy["results"]:
        for figure in result["peers"].values():
            figure["spread"] = 0.5
    assert "**a noisy run**" in report.markdown(noisy)


def test_every_chart_is_drawn(tmp_path):
    import charts

    drawn = charts.draw(a_report(), tmp_path)
    assert (tmp_path / "report.svg").exists() and (tmp_path / "report-dark.png").exists()
    assert list(drawn) == ["report"]  # too few orders for panels of their own


def test_results_of_another_version_are_not_kept(tmp_path):
    import bench

    class Arguments:
        out, quick, only, fresh = tmp_path, True, None, False

    about = {"machine": {"cpu": "C"}, "versions": {"numpy": "1"}, "threads": [1]}
    path = bench.results_file(Arguments)
    bench.begin(Arguments, about)
    path.write_text(path.read_text() + '{}\n{"case": {"i')
    bench.begin(Arguments, about)
    assert len(path.read_text().splitlines()) == 2
    bench.begin(Arguments, {**about, "versions": {"numpy": "2"}})
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize("n", [5, 24])
@pytest.mark.parametrize("unit", [1, 1j])
def test_exact_inverses_are(n, unit):
    i, j = np.indices((n, n)) + 1.0
    inverse = unit * (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1))
    inverse[-1, -1] = unit
    high, low = accuracy.exact_inverse(np.minimum(i, j) / unit)
    assert np.array_equal(high, inverse) and not low.any()


def test_forward_errors_see_below_rounding():
    third = np.array([[3.0]])
    exact = accuracy.exact_inverse(third)
    assert exact[0] == 1 / 3 and 0 < abs(exact[1][0, 0]) < 2**-54
    assert 0 < accuracy.assess(third, np.array([[1 / 3]]), exact)["forward"] < 2**-53


def test_behaviour_is_told_by_running():
    assert behaviour.singular(np.linalg.inv) == "raises, does not say which; no result"
    assert behaviour.not_a_number(np.linalg.inv).startswith("NaN there, the rest inverted")
    assert behaviour.integers(np.linalg.inv) == "float64"
    rows = {what: ask.__name__ for what, ask in behaviour.QUESTIONS.items()}
    assert json.dumps(rows)
