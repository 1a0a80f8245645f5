"""What scipy and numpy do, on matrices of every kind: the same inverse, or the same refusal."""

import itertools
import warnings

import numpy as np
import pytest
from checks import is_inverse, random_stack, structured

import matinv

scipy_linalg = pytest.importorskip("scipy.linalg")
if "assume_a" not in scipy_linalg.inv.__doc__:
    pytest.skip("this scipy knows no structures", allow_module_level=True)

NAMES = [None, "general", "gen", "diagonal", "upper triangular", "lower triangular", "pos", "sym", "her"]
KINDS = ["gen", "diagonal", "upper triangular", "lower triangular", "pos", "sym", "her"]


def outcome(function, a, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(a, **options)
        except np.linalg.LinAlgError:
            return "LinAlgError"


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_table(dtype, kind):
    """Every kind of matrix under every name, right and wrong ones, and both triangles."""
    tolerance = 1e4 * np.finfo(dtype).eps
    a = structured(kind, (5, 5), dtype, seed=3)
    for name, lower in itertools.product(NAMES, (False, True)):
        theirs = outcome(scipy_linalg.inv, a, assume_a=name, lower=lower)
        ours = outcome(matinv.inv, a, assume_a=name, lower=lower)
        what = (name, lower)
        assert isinstance(theirs, str) == isinstance(ours, str), what
        if not isinstance(theirs, str):
            assert ours.dtype == theirs.dtype
            if name == "diagonal":
                # What is beside the diagonal is not read; scipy returns it as it was, not zero.
                theirs = np.diag(np.diag(theirs))
            assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max(), what


def test_the_other_triangle_is_not_read():
    for name in ("pos", "sym", "her"):
        a = structured(name, (6, 6), np.complex128)
        for lower in (True, False):
            garbled = a.copy()
            garbled[np.triu_indices(6, 1) if lower else np.tril_indices(6, -1)] = np.nan
            x = matinv.inv(garbled, assume_a=name, lower=lower)
            assert np.array_equal(x, matinv.inv(a, assume_a=name, lower=lower))
            assert is_inverse(a, x)
    a = structured("diagonal", (4, 4), np.float64) + np.where(np.eye(4), 0, np.nan)
    assert np.isfinite(matinv.inv(a, assume_a="diagonal")).all()


def test_numpys_singular_and_shape_errors():
    for bad in (np.zeros((2, 2)), np.ones((3, 3)), np.ones((2, 3)), np.ones(4), 1.0):
        with pytest.raises(np.linalg.LinAlgError):
            np.linalg.inv(bad)
        with pytest.raises(np.linalg.LinAlgError):
            matinv.inv(bad)
    a = random_stack((3, 4, 5, 5), np.float64)
    assert np.allclose(matinv.inv(a), np.linalg.inv(a))
    a = random_stack((3, 4, 5, 5), np.complex64)
    assert matinv.inv(a).dtype == np.linalg.inv(a).dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_who_warns(dtype):
    for power in range(0, 40, 2):
        a = np.diag([1.0, 0.5**power * 3]).astype(dtype)
        a[0, 1] = 1
        with warnings.catch_warnings(record=True) as theirs:
            warnings.simplefilter("always")
            scipy_linalg.inv(a)
        with warnings.catch_warnings(record=True) as ours:
            warnings.simplefilter("always")
            matinv.inv(a)
        assert len(theirs) == len(ours), power
