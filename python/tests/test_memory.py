"""Where results go, and who owns what."""

import gc
import sys

import numpy as np
import pytest
from checks import SCALARS, is_inverse, random_stack

import matinv


@pytest.mark.parametrize("dtype", SCALARS)
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("shape", [(3, 3), (50, 50), (300, 300), (7, 4, 4)])
def test_overwriting_works_in_place(dtype, order, shape):
    a = random_stack(shape, dtype)
    b = np.array(a, order=order)
    address = b.ctypes.data
    x = matinv.inv(b, overwrite_a=True)
    assert x is b and b.ctypes.data == address
    assert is_inverse(a, b)


def test_overwriting_is_a_hint_where_it_cannot_be():
    a = random_stack((4, 4), np.float64)
    for stored in (
        np.broadcast_to(a, (3, 4, 4)),
        a.astype(">f8"),
        (100 * a).astype(int),
        (4 * a).astype(np.float16),
        a.astype(np.longdouble),
    ):
        before = stored.copy()
        x = matinv.inv(stored, overwrite_a=True)
        assert not np.shares_memory(x, stored)
        assert np.array_equal(stored, before)
    b = a.copy()
    b.flags.writeable = False
    assert is_inverse(a, matinv.inv(b, overwrite_a=True))
    assert np.array_equal(a, b)


@pytest.mark.parametrize("policy", ["nan", "keep", "pinv"])
def test_overwriting_under_every_policy(policy):
    a = random_stack((5, 3, 3), np.float64)
    a[2] = np.outer([1, 2, 3], [4, 5, 6])
    b = a.copy()
    x = matinv.inv(b, overwrite_a=True, on_failure=policy)
    assert x is b
    assert np.array_equal(x, matinv.inv(a, on_failure=policy), equal_nan=True)
    if policy == "keep":
        assert np.array_equal(x[2], a[2])


def test_out_of_any_strides():
    a = random_stack((6, 5, 5), np.float64)
    x = matinv.inv(a)
    for out in (
        np.empty((6, 5, 5)),
        np.empty((6, 5, 5), order="F"),
        np.empty((5, 5, 6)).transpose(2, 1, 0),
        np.empty((12, 10, 15))[::2, ::-2, ::3],
        np.empty((6, 5, 5), ">f8"),
        np.empty((6, 5, 5), np.float32),
        np.empty((6, 5, 5), np.complex128),
    ):
        assert matinv.inv(a, out=out) is out
        assert np.allclose(out, x, rtol=1e-4, atol=1e-4)


def test_out_may_be_the_input_or_overlap_it():
    a = random_stack((8, 3, 3), np.float64)
    x = matinv.inv(a)
    b = a.copy()
    assert matinv.inv(b, out=b) is b
    assert np.allclose(b, x)
    room = np.empty((9, 3, 3))
    room[:8] = a
    matinv.inv(room[:8], out=room[1:])
    assert np.array_equal(room[1:], x)
    b = a.copy()
    matinv.inv(b, out=b.swapaxes(1, 2))
    assert np.allclose(b.swapaxes(1, 2), x)
    b = a.copy()
    matinv.inv(b, out=b, on_failure="pinv")
    assert np.allclose(b, x)


def test_an_out_that_does_not_fit_is_refused():
    a = random_stack((4, 3, 3), np.float64)
    out = np.full((4, 3, 3), 7.0)
    for bad, error in (
        (np.empty((3, 3)), ValueError),
        (np.empty((4, 3, 3), int), TypeError),
        ([[1.0]], TypeError),
        (np.broadcast_to(out[0], (4, 3, 3)), ValueError),
    ):
        with pytest.raises(error, match="out"):
            matinv.inv(a, out=bad)
    with pytest.raises(TypeError, match="complex"):
        matinv.inv(a + 1j, out=out)
    assert (out == 7).all()


def test_elements_of_out_that_share_memory():
    # Writeable, and every row is the same one: the last to be written stays, as with any assignment.
    base = np.zeros(3)
    out = np.lib.stride_tricks.as_strided(base, (3, 3), (0, 8))
    a = np.diag([1.0, 2.0, 4.0])
    assert matinv.inv(a, out=out) is out
    assert np.array_equal(base, [0, 0, 0.25])


def test_inv_ex_writes_where_it_is_told():
    a = random_stack((5, 4, 4), np.float64)
    out = np.empty((5, 4, 4))
    x, _ = matinv.inv_ex(a, out=out)
    assert x is out and is_inverse(a, out)
    b = a.copy()
    x, _ = matinv.inv_ex(b, overwrite_a=True)
    assert x is b and is_inverse(a, b)


def test_nothing_is_leaked():
    a = random_stack((3, 3), np.float64)
    singular = np.zeros((5, 2, 2))
    out = np.empty((3, 3))  # some versions of numpy lose a reference to the default type in here

    def use():
        matinv.inv(a)
        matinv.inv(a.astype(int) * 5 + np.eye(3, dtype=int) * 100)
        matinv.inv([[1.0]])
        matinv.inv_ex(singular)
        matinv.inv(a, out=out)
        with pytest.raises(np.linalg.LinAlgError):
            matinv.inv(singular)
        with pytest.raises(TypeError):
            matinv.inv("text")

    for _ in range(20):
        use()
    gc.collect()
    dtype = a.dtype
    objects, references = len(gc.get_objects()), (sys.getrefcount(a), sys.getrefcount(dtype))
    for _ in range(200):
        use()
    gc.collect()
    assert len(gc.get_objects()) <= objects + 20
    assert sys.getrefcount(a) == references[0]
    assert abs(sys.getrefcount(dtype) - references[1]) < 20


def test_a_result_owns_its_memory():
    x = matinv.inv(random_stack((3, 3), np.float64))
    assert x.base is None and x.flags.owndata and x.flags.writeable
    assert sys.getrefcount(x) == 2


class Labelled(np.ndarray):
    """A subclass with an attribute."""

    label = None

    def __array_finalize__(self, other):
        self.label = getattr(other, "label", None)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_subclasses_are_preserved():
    a = random_stack((3, 3), np.float64)
    m = matinv.inv(np.asmatrix(a))
    assert type(m) is np.matrix and is_inverse(a, np.asarray(m))
    labelled = a.view(Labelled)
    labelled.label = "yes"
    x = matinv.inv(labelled)
    assert type(x) is Labelled and x.label == "yes"
    x, _ = matinv.inv_ex(labelled)
    assert type(x) is Labelled
    b = labelled.copy()
    assert matinv.inv(b, overwrite_a=True) is b
    assert is_inverse(a, np.asarray(b))


def test_masked_arrays():
    a = np.ma.masked_array([[2.0, 0.0], [0.0, 4.0]])
    x = matinv.inv(a)
    assert isinstance(x, np.ma.MaskedArray)
    assert np.array_equal(x.data, [[0.5, 0], [0, 0.25]])
    a[0, 1] = np.ma.masked
    with pytest.raises(ValueError, match="masked"):
        matinv.inv(a)
