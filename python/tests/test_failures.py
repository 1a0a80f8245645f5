"""What is said of matrices and calls that cannot be served."""

import warnings

import numpy as np
import pytest
from checks import SCALARS, is_inverse, random_stack
from numpy.linalg import LinAlgError

import matinv
from matinv import Status, Structure

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
GOOD = np.array([[2.0, 0.0], [1.0, 4.0]])


def mixed():
    return np.stack([GOOD, SINGULAR, GOOD, np.full((2, 2), np.nan), SINGULAR, GOOD])


def test_a_singular_matrix():
    with pytest.raises(LinAlgError, match="singular: column 1") as caught:
        matinv.inv(SINGULAR)
    assert caught.value.indices == [[]]
    assert isinstance(caught.value, ValueError)


def test_every_failing_index_is_named():
    a = np.broadcast_to(np.eye(3), (4, 50, 3, 3)).copy()
    failing = [(0, 0), (0, 49), (1, 7), (2, 30), (3, 48), (3, 49), *((1, i) for i in range(20, 40))]
    for index in failing:
        a[index][:] = 1
    with pytest.raises(LinAlgError) as caught:
        matinv.inv(a)
    assert caught.value.indices == [list(index) for index in sorted(failing)]
    text = str(caught.value)
    assert text.startswith("26 matrices")
    assert all(str(list(index)) in text for index in failing)


def test_failures_far_into_a_stack_that_is_worked_on_in_pieces():
    a = random_stack((3, 40, 60, 60), np.float64)
    a[2, 39] = 0
    a[0, 1] = 0
    a[1, 17, 3, 4] = np.inf
    for threads in (1, 2):
        with pytest.raises(LinAlgError, match=r"\[0, 1\], \[1, 17\], \[2, 39\]"):
            matinv.inv(a, threads=threads)
        x, info = matinv.inv_ex(a, threads=threads)
        assert np.argwhere(info["status"]).tolist() == [[0, 1], [1, 17], [2, 39]]
        assert np.argwhere(np.isnan(x[..., 0, 0])).tolist() == [[0, 1], [1, 17], [2, 39]]


def test_policies():
    a = mixed()
    bad = [1, 3, 4]
    good = [0, 2, 5]
    with pytest.raises(LinAlgError, match=r"\[1\], \[3\], \[4\]"):
        matinv.inv(a)
    for policy in ("nan", "keep", "pinv"):
        x = matinv.inv(a, on_failure=policy)
        assert is_inverse(a[good], x[good])
        y, info = matinv.inv_ex(a, on_failure=policy)
        assert np.array_equal(x, y, equal_nan=True)
        assert info["status"][good].tolist() == [0, 0, 0]
        match policy:
            case "nan":
                assert np.isnan(x[bad]).all()
            case "keep":
                assert np.array_equal(x[bad], a[bad], equal_nan=True)
            case "pinv":
                assert np.isnan(x[3]).all()
                assert np.allclose(x[1], np.linalg.pinv(SINGULAR))
                assert info["status"][1] == Status.PSEUDO_INVERTED
                assert info["status"][3] == Status.NON_FINITE
    ints = np.array([[1, 2], [2, 4]])
    assert np.array_equal(matinv.inv(ints, on_failure="keep"), ints)
    assert np.allclose(matinv.inv(ints, on_failure="pinv"), np.linalg.pinv(ints))


def test_verdicts():
    a = mixed()
    x, info = matinv.inv_ex(a)
    assert info.dtype.names == ("status", "pivot", "rcond", "structure", "sign", "logabsdet")
    assert info["status"].tolist() == [0, Status.SINGULAR, 0, Status.NON_FINITE, Status.SINGULAR, 0]
    assert info["pivot"].tolist() == [-1, 1, -1, -1, 1, -1]
    assert info["structure"][0] == Structure.LOWER_TRIANGULAR
    assert np.allclose(info["rcond"][[0, 1]], [1 / (4 * 0.625), 0])
    sign, logabsdet = np.linalg.slogdet(a[[0, 1]])
    assert np.array_equal(info["sign"][[0, 1]], sign)
    assert np.allclose(info["logabsdet"][[0, 1]], logabsdet)
    _, info = matinv.inv_ex(np.array([[1.0, 2.0], [2.0, 1.0]]), assume_a="pos")
    assert info["status"] == Status.NOT_POSITIVE_DEFINITE and info["pivot"] == 1
    with pytest.raises(LinAlgError, match="not positive definite"):
        matinv.inv_ex(np.array([[1.0, 2.0], [2.0, 1.0]]), assume_a="pos", on_failure="raise")


@pytest.mark.parametrize("dtype", SCALARS)
def test_determinants_and_condition_numbers(dtype):
    for n in (1, 2, 5, 16, 17, 40):
        a = random_stack((20, n, n), dtype, seed=n)
        x, info = matinv.inv_ex(a)
        assert info["sign"].dtype == dtype
        sign, logabsdet = np.linalg.slogdet(a)
        tolerance = 1e4 * np.finfo(dtype).eps
        assert np.allclose(info["sign"], sign, atol=tolerance)
        assert np.allclose(info["logabsdet"], logabsdet, atol=tolerance * n)
        exact = 1 / (np.linalg.norm(a, 1, (1, 2)) * np.linalg.norm(x, 1, (1, 2)))
        # LAPACK's estimate may be above, by a factor that dget06 and this project hold below 10.
        assert (info["rcond"] > 0.5 * exact).all() and (info["rcond"] < 10 * exact).all()


def test_ill_conditioned_matrices_warn_once():
    a = np.stack([np.diag([1.0, 10.0**-k]) for k in (0, 17, 3, 30, 20)])
    for stored in (a, a.astype(np.float32), a + 0j, a.tolist()):
        with pytest.warns(matinv.IllConditionedWarning) as caught:
            x = matinv.inv(stored)
        assert len(caught) == 1
        text = str(caught[0].message)
        assert text.startswith("3 matrices are ill-conditioned; the worst is [3]")
        assert caught[0].filename == __file__
        assert x[3, 1, 1] == pytest.approx(1e30)
        with pytest.warns(matinv.IllConditionedWarning) as caught:
            matinv.inv_ex(stored)
        assert len(caught) == 1 and str(caught[0].message) == text
        assert caught[0].filename == __file__
    with pytest.warns(matinv.IllConditionedWarning, match="^the matrix is ill-conditioned"):
        matinv.inv(a[1])
    with pytest.warns(matinv.IllConditionedWarning, match=r"^matrix \[1\] is ill"):
        matinv.inv(a[:3])
    assert issubclass(matinv.IllConditionedWarning, RuntimeWarning)
    for policy in ("nan", "keep", "pinv"):
        with pytest.warns(matinv.IllConditionedWarning):
            y = matinv.inv(a, on_failure=policy, overwrite_a=False)
        assert np.array_equal(y, matinv.inv(a, min_rcond=0))


def test_a_warning_may_be_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(matinv.IllConditionedWarning):
            matinv.inv(np.diag([1.0, 1e-17]))
        matinv.inv(np.diag([1.0, 1e-15]))


def test_a_limit_makes_ill_conditioned_matrices_fail():
    a = np.stack([np.diag([1.0, 10.0**-k]) for k in (0, 17, 3)])
    with pytest.raises(LinAlgError, match=r"\[1\].*\n.*ill-conditioned"):
        matinv.inv(a, min_rcond=1e-6)
    x, info = matinv.inv_ex(a, min_rcond=1e-6)
    assert info["status"].tolist() == [0, Status.ILL_CONDITIONED, 0]
    assert np.isnan(x[1]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matinv.inv(a, min_rcond=0)
        matinv.inv(a, min_rcond=1e-20)


def test_nan_and_infinity():
    for bad in (np.nan, np.inf, -np.inf):
        a = np.eye(3)
        a[0, 2] = bad
        with pytest.raises(LinAlgError, match=r"element \(0, 2\) is NaN or infinite"):
            matinv.inv(a)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.isnan(matinv.inv(np.full((3, 3), np.nan), check_finite=False)).any()
        assert is_inverse(np.eye(3), matinv.inv(a, assume_a="lower triangular"))


def test_an_overflowing_inverse():
    with pytest.raises(LinAlgError, match="overflow"):
        matinv.inv(np.diag([1e-310, 1e-310]))
    with pytest.raises(LinAlgError, match="overflow"):
        matinv.inv(np.diag([1.0, 1e-310]))
    _, info = matinv.inv_ex(np.diag([1e-310, 1e-310]))
    assert info["status"] == Status.OVERFLOW


@pytest.mark.parametrize("bad", [1.0, [], [1.0, 2.0], np.zeros((2, 3)), np.zeros((4, 3, 2)), np.ones(3)])
def test_shapes_that_are_no_matrices(bad):
    for call in (matinv.inv, matinv.inv_ex):
        with pytest.raises(LinAlgError):
            call(bad)
        with pytest.raises(ValueError):
            call(bad)


@pytest.mark.parametrize(
    "bad",
    [
        "text",
        None,
        object(),
        np.array([[object()]]),
        np.array([["1"]]),
        np.array([[b"1"]]),
        np.array([["2020-01-01"]], "M8[D]"),
        np.array([[1]], "m8[s]"),
        np.zeros((1, 1), [("x", float)]),
        {"a": 1},
    ],
)
def test_elements_that_are_no_numbers(bad):
    for call in (matinv.inv, matinv.inv_ex):
        with pytest.raises(TypeError, match="cannot be inverted, only numbers"):
            call(bad)


def test_sparse_matrices_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="toarray"):
        matinv.inv(sparse.eye_array(3))


def test_options_that_mean_nothing():
    a = np.eye(2)
    for options, text in (
        ({"assume_a": "nice"}, "assume_a is 'nice', but must be one of None, 'general', 'gen', 'diag"),
        ({"assume_a": "POS"}, "'pos'"),
        ({"on_failure": "ignore"}, "'raise', 'nan', 'keep', 'pinv'"),
        ({"min_rcond": -1.0}, "between 0 and 1"),
        ({"min_rcond": 2}, "between 0 and 1"),
        ({"min_rcond": np.nan}, "between 0 and 1"),
        ({"threads": 0}, "from 1 to"),
        ({"threads": -3}, "from 1 to"),
        ({"threads": 10**9}, "from 1 to"),
    ):
        for call in (matinv.inv, matinv.inv_ex):
            for value in (a, a.tolist()):
                with pytest.raises(ValueError, match=text):
                    call(value, **options)
    for options in ({"assume_a": 3}, {"threads": "two"}, {"min_rcond": "small"}, {"tol": 1}):
        with pytest.raises(TypeError):
            matinv.inv(a, **options)


def test_huge_requests_are_memory_errors():
    for shape in ((2**40, 3, 3), (2**57, 2, 2), (2**36, 40, 40)):
        for dtype in (np.float64, np.int8):
            huge = np.broadcast_to(np.ones((), dtype), shape)
            for call in (matinv.inv, matinv.inv_ex):
                with pytest.raises(MemoryError):
                    call(huge)


def test_large_orders_are_no_crash():
    # Pages that nobody has written to all are the same one. Only the diagonal is read and written.
    n = 32_767
    zeros = np.zeros((n, n), np.float32)
    with pytest.raises(LinAlgError, match="singular"):
        matinv.inv(zeros, overwrite_a=True, assume_a="diagonal")
    too_large = np.broadcast_to(np.float32(0), (50_000, 50_000))
    with pytest.raises((LinAlgError, MemoryError)):
        matinv.inv(too_large)
