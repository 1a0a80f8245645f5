"""How good the inverses are: both residual ratios, and the forward error against the exact inverse."""

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import scipy.io
import scipy.linalg
from flint import acb, acb_mat, arb_mat, ctx, fmpq, fmpq_mat

from measure import ratios
from peers import Server

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "data"
BITS = 2000


def gallery():
    """Matrices by name: of the literature, random with a given condition, and real ones."""
    for n in (5, 8, 12):
        yield "Hilbert", scipy.linalg.hilbert(n)
    for n in (8, 16):
        yield "Pascal", scipy.linalg.pascal(n).astype(float)
    i, j = np.indices((40, 40)) + 1.0
    yield "Lehmer", np.minimum(i, j) / np.maximum(i, j)
    yield "minij", np.minimum(i, j)
    yield "Moler", moler(20)
    yield "Frank", frank(12)
    yield "Kahan", kahan(30)
    yield "Vandermonde", np.vander(np.arange(1, 13) / 12, increasing=True)
    yield "tridiagonal", 2 * np.eye(64) - np.eye(64, k=1) - np.eye(64, k=-1)
    yield "growth (gfpp)", growth(40)
    source = np.random.default_rng(1)
    for n in (4, 16, 32, 64, 100):
        yield "random", source.standard_normal((n, n))
    for condition in (1e4, 1e8, 1e12, 1e15):
        yield f"random, cond {condition:.0e}", with_condition(48, condition, source)
    graded = source.standard_normal((48, 48))
    yield "graded rows", np.logspace(0, -12, 48)[:, None] * graded
    yield "graded columns", np.logspace(0, -12, 48) * graded
    yield "definite", (lambda g: g @ g.T / 48 + np.eye(48))(source.standard_normal((48, 48)))
    for path in sorted(EXAMPLES.glob("*.mtx")):
        a = scipy.io.mmread(path)
        a = a.toarray() if hasattr(a, "toarray") else a
        yield path.name, np.ascontiguousarray(a)


def moler(n):
    lower = np.tril(-np.ones((n, n)), -1) + np.eye(n)
    return lower @ lower.T


def frank(n):
    i, j = np.indices((n, n)) + 1.0
    return np.where(j >= i - 1, n + 1 - np.maximum(i, j), 0.0)


def kahan(n, angle=1.2):
    rows = np.sin(angle) ** np.arange(n)
    return rows[:, None] * (np.eye(n) - np.cos(angle) * np.triu(np.ones((n, n)), 1))


def growth(n):
    """Partial pivoting grows its last column by 2ⁿ⁻¹."""
    a = np.tril(-np.ones((n, n)), -1) + np.eye(n)
    a[:, -1] = 1
    return a


def with_condition(n, condition, source):
    u, _ = np.linalg.qr(source.standard_normal((n, n)))
    v, _ = np.linalg.qr(source.standard_normal((n, n)))
    return (u * np.logspace(0, -np.log10(condition), n)) @ v


def exact_inverse(a):
    """The inverse of what the doubles are, exactly or to 2000 bits; in double-double: the nearest
    doubles, and what is left."""
    n = len(a)
    ctx.prec = BITS
    if np.iscomplexobj(a):
        inverse = acb_mat(n, n, a.ravel().tolist()).inv().mid().entries()
        high = np.array([complex(x) for x in inverse])
        low = np.array([complex(x - acb(h)) for x, h in zip(inverse, high.tolist())])
    elif n <= 20:
        inverse = fmpq_mat(n, n, [fmpq(*x.as_integer_ratio()) for x in a.ravel().tolist()]).inv()
        high = np.array([float(_double(x)) for x in inverse.entries()])
        low = np.array([float(_double(x - fmpq(*h.as_integer_ratio()))) for x, h in zip(inverse.entries(), high.tolist())])
    else:
        inverse = arb_mat(n, n, a.ravel().tolist()).inv().mid().entries()
        high = np.array([float(x) for x in inverse])
        low = np.array([float(x - h) for x, h in zip(inverse, high.tolist())])
    return high.reshape(n, n), low.reshape(n, n)


def _double(x):
    """A rational as the nearest double, also if numerator and denominator are beyond its range."""
    return int(x.p) / int(x.q)


def assess(a, x, exact):
    """Ratios and forward error of one inverse."""
    high, low = exact
    left, right = ratios(a, x)
    # X − high is exact where they are close, and low what high leaves out.
    error = np.abs((x - high) - low).sum(axis=0).max() / np.abs(high).sum(axis=0).max()
    return {"left": float(left), "right": float(right), "forward": float(error)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    # The peers warn of what is measured here.
    warnings.simplefilter("ignore")
    server = Server(args.server)

    def rust(peer):
        return lambda a: server.result(peer)[0]

    who = {
        "matinv native": rust("matinv-native"),
        "matinv lapack": rust("matinv-lapack"),
        "numpy": np.linalg.inv,
        "scipy": lambda a: scipy.linalg.inv(a, assume_a="general", check_finite=False),
    }
    rows = []
    for name, a in gallery():
        exact = exact_inverse(a)
        norm = lambda x: np.abs(x).sum(axis=0).max()
        row = {"name": name, "order": len(a), "condition": float(norm(a) * norm(exact[0])), "who": {}}
        server.load((name, len(a)), a[None], 1, False)
        for peer, inv in who.items():
            try:
                row["who"][peer] = assess(a, inv(a), exact)
            except (RuntimeError, np.linalg.LinAlgError) as error:
                if "no native kernel" not in str(error):
                    row["who"][peer] = {"error": "refused"}
        rows.append(row)
    server.close()
    (args.out / "accuracy.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    sys.exit(main())
