"""Inverses are inverses: every type, layout, structure and shape."""

import hypothesis.strategies as st
import numpy as np
import pytest
from checks import SCALARS, is_inverse, random_stack, structured
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

import matinv

STRUCTURES = [None, "gen", "diagonal", "upper triangular", "lower triangular", "pos", "sym", "her"]

LAYOUTS = {
    "C": lambda a: np.ascontiguousarray(a),
    "F": lambda a: np.asfortranarray(a),
    "columns": lambda a: np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2),
    "gaps": lambda a: np.repeat(np.repeat(a, 2, axis=-1), 3, axis=-2)[..., ::3, ::2],
    "backwards": lambda a: np.ascontiguousarray(a[..., ::-1, ::-1])[..., ::-1, ::-1],
    "read-only": lambda a: _read_only(a),
    "misaligned": lambda a: _misaligned(a),
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "records": lambda a: _field(a),
}


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def _misaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)[1:]
    b = raw.view(a.dtype).reshape(a.shape)
    b[...] = a
    assert a.size == 0 or not b.flags.aligned
    return b


def _field(a):
    # Strides that are no multiples of the item size.
    records = np.zeros(a.shape, np.dtype([("tag", np.int8), ("value", a.dtype)], align=False))
    records["value"] = a
    return records["value"]


@pytest.mark.parametrize("dtype", SCALARS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_every_type_layout_and_structure(dtype, layout, structure):
    for n in (1, 2, 3, 4, 7, 8, 16, 17, 33):
        for shape in ((n, n), (5, n, n), (2, 3, n, n)):
            a = structured(structure, shape, dtype, seed=n)
            stored = LAYOUTS[layout](a)
            before = stored.copy()
            for assume_a in {None, structure}:
                x = matinv.inv(stored, assume_a=assume_a)
                assert x.dtype == dtype and type(x) is np.ndarray
                assert is_inverse(a, x), (shape, assume_a)
            assert np.array_equal(stored, before)


@pytest.mark.parametrize("dtype", SCALARS)
@pytest.mark.parametrize("n", [64, 100, 200, 257, 300])
def test_large_orders(dtype, n):
    a = random_stack((n, n), dtype, seed=n)
    assert is_inverse(a, matinv.inv(a))
    assert is_inverse(a.T, matinv.inv(a.T))


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        (bool, np.float64),
        *((f"{kind}{size}", np.float64) for kind in "iu" for size in (1, 2, 4, 8)),
        (np.longlong, np.float64),
        (np.ulonglong, np.float64),
        (np.float16, np.float32),
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.longdouble, np.float64),
        (np.complex64, np.complex64),
        (np.complex128, np.complex128),
        (np.clongdouble, np.complex128),
    ],
)
def test_types(given, computed):
    a = np.array([[1, 1], [0, 1]]).astype(given)
    for order in "CF":
        for byte_order in "<>":
            stored = np.array(a, dtype=a.dtype.newbyteorder(byte_order), order=order)
            x = matinv.inv(stored)
            assert x.dtype == computed
            assert x.dtype.isnative
            assert np.array_equal(x, [[1, -1], [0, 1]])
    assert matinv.inv(np.empty((0, 3, 3), given)).dtype == computed


def test_array_likes():
    assert is_inverse([[2.0, 1.0], [1.0, 1.0]], matinv.inv([[2, 1], [1, 1]]))
    assert np.array_equal(matinv.inv([[4]]), [[0.25]])
    assert matinv.inv(((1, 2j), (0, 1))).dtype == np.complex128


@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (4, 0, 0), (2, 0, 5, 5), (0, 0, 0), (0, 1, 1)])
def test_empty_shapes(shape):
    for dtype in SCALARS:
        x = matinv.inv(np.empty(shape, dtype))
        assert x.shape == shape and x.dtype == dtype
        x, info = matinv.inv_ex(np.empty(shape, dtype))
        assert x.shape == shape and info.shape == shape[:-2]
        out = np.empty(shape, dtype)
        assert matinv.inv(np.empty(shape, dtype), out=out) is out


def test_zero_strides():
    a = np.broadcast_to(random_stack((3, 3), np.float64), (1000, 2, 3, 3))
    x = matinv.inv(a)
    assert is_inverse(a[0], x[0])
    assert np.array_equal(x, np.broadcast_to(x[0, 0], x.shape))
    ones = np.broadcast_to(2.0, (1, 1))
    assert np.array_equal(matinv.inv(ones), [[0.5]])
    with pytest.raises(np.linalg.LinAlgError):
        matinv.inv(np.broadcast_to(1.0, (2, 2)))


def test_many_axes():
    for leading in (30, 31, 40, 62):
        shape = (1,) * (leading - 1) + (2, 3, 3)
        a = random_stack(shape, np.float64)
        assert is_inverse(a, matinv.inv(a))
        x, info = matinv.inv_ex(a)
        assert x.shape == shape and info.shape == shape[:-2]


def test_the_memory_order_of_matrices_is_kept():
    a = random_stack((5, 5), np.float64)
    assert matinv.inv(a).flags.c_contiguous
    assert matinv.inv(np.asfortranarray(a)).flags.f_contiguous
    stack = random_stack((4, 5, 5), np.float64).swapaxes(1, 2)
    assert matinv.inv(stack).swapaxes(1, 2).flags.c_contiguous


@st.composite
def views(draw):
    """A stack, and a view of any strides that holds it."""
    dtype = draw(st.sampled_from(SCALARS))
    leading = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    n = draw(st.integers(0, 9))
    shape = (*leading, n, n)
    axes = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from([1, 2, 3, -1, -2])) for _ in shape]
    offset = draw(st.sampled_from([0, 0, 1, 3]))
    big = tuple(shape[axis] * abs(steps[axis]) for axis in axes)
    size = int(np.prod(big)) * np.dtype(dtype).itemsize
    # Behind NaN canaries, at any alignment.
    raw = np.full(size + 8, 255, np.uint8)[offset : offset + size]
    whole = raw.view(dtype).reshape(big)
    view = whole.transpose(np.argsort(axes))
    view = view[tuple(slice(None, None, step) for step in steps)]
    assert view.shape == shape
    seed = draw(st.integers(0, 2**32))
    return random_stack(shape, dtype, seed), view, whole


@settings(max_examples=300, deadline=None)
@given(views(), views())
def test_views_of_any_strides(source, target):
    a, view, _ = source
    view[...] = a
    expected = matinv.inv(a)
    x = matinv.inv(view)
    assert x.shape == a.shape and x.dtype == a.dtype
    assert is_inverse(a, x)
    _, out, whole = target
    if out.shape == a.shape and np.can_cast(a.dtype, out.dtype, "same_kind"):
        assert matinv.inv(view, out=out) is out
        assert np.allclose(out, expected, rtol=1e-3, atol=1e-3)
    # In place: inverses where the view is, NaN between.
    _, whole = source[1:]
    mask = np.isnan(whole)
    y = matinv.inv(view, overwrite_a=True)
    assert is_inverse(a, y)
    assert np.array_equal(np.isnan(whole), mask)
    if view.flags.aligned and view.dtype.isnative and view.size:
        assert np.shares_memory(y, view)


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.int8, np.uint16, np.int64, np.bool_]),
        st.integers(1, 6).map(lambda n: (3, n, n)),
    )
)
def test_integers(a):
    try:
        x = matinv.inv(a)
    except np.linalg.LinAlgError:
        singular = np.abs(np.linalg.det(a.astype(float))) < 1e-6 * np.abs(a.astype(float)).max() ** 6
        assert singular.any() or np.linalg.cond(a.astype(float)).max() > 1e12
    except matinv.IllConditionedWarning:
        assert np.linalg.cond(a.astype(float)).max() > 1e12
    else:
        assert is_inverse(a.astype(float), x)


def test_the_bits_are_the_same_alone_in_a_stack_and_for_any_threads():
    for n in (1, 2, 3, 5, 8, 16, 17, 40, 100):
        for dtype in SCALARS:
            a = random_stack((200 if n < 40 else 20, n, n), dtype, seed=n)
            x = matinv.inv(a, threads=1)
            for threads in (2, 3):
                assert np.array_equal(matinv.inv(a, threads=threads), x)
            for i in (0, len(a) // 2, len(a) - 1):
                assert np.array_equal(matinv.inv(a[i]), x[i])


def test_the_bits_are_the_same_when_threads_share_a_matrix():
    for n, dtype in ((200, np.complex128), (500, np.float32), (500, np.complex64), (700, np.float64)):
        for a in (random_stack((n, n), dtype), random_stack((n, n), dtype).T, random_stack((3, n, n), dtype)):
            x = matinv.inv(a, threads=1)
            for threads in (2, 3):
                assert np.array_equal(matinv.inv(a, threads=threads), x)
