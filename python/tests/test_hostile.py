"""Objects whose truth or value changes the array of the same call."""

import warnings

import numpy as np
import pytest
from checks import is_inverse, random_stack

import matinv

CANARY = 0xA5
MARGIN = 4096


class Framed:
    """An array in the middle of bytes that nobody is to write."""

    def __init__(self, a):
        self.bytes = np.full(a.nbytes + 2 * MARGIN, CANARY, np.uint8)
        inside = self.bytes[MARGIN:-MARGIN]
        self.array = inside.view(a.dtype).reshape(a.shape)
        self.array[...] = a

    def is_whole(self):
        frame = np.concatenate([self.bytes[:MARGIN], self.bytes[-MARGIN:]])
        return bool((frame == CANARY).all())


class Hostile:
    """Asked for its truth or its value, it does something else first."""

    def __init__(self, value, act):
        self.value, self.act, self.asked = value, act, 0

    def _answer(self):
        if self.asked == 0:
            self.act()
        self.asked += 1
        return self.value

    def __bool__(self):
        return bool(self._answer())

    def __index__(self):
        return int(self._answer())

    def __float__(self):
        return float(self._answer())


def become(array, dtype, shape):
    """The same bytes in other numbers and another shape."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        array.dtype = dtype
        array.shape = shape


ARGUMENTS = {
    "lower": True,
    "check_finite": True,
    "overwrite_a": True,
    "threads": 1,
    "min_rcond": 0.0,
}


@pytest.mark.parametrize("function", [matinv.inv, matinv.inv_ex])
@pytest.mark.parametrize("argument", ARGUMENTS)
def test_an_array_that_changes_is_taken_as_it_is_then(function, argument):
    numbers = random_stack((4, 4), np.float32) + 4 * np.eye(4, dtype=np.float32)
    framed = Framed(numbers.reshape(-1).view(np.complex128).reshape(2, 2))
    hostile = Hostile(ARGUMENTS[argument], lambda: become(framed.array, np.float32, (4, 4)))
    x = function(framed.array, **{argument: hostile})
    assert hostile.asked > 0 and framed.is_whole()
    x = x[0] if function is matinv.inv_ex else x
    assert x.shape == (4, 4) and x.dtype == np.float32 and is_inverse(numbers, x)


@pytest.mark.parametrize("function", [matinv.inv, matinv.inv_ex])
@pytest.mark.parametrize("argument", ARGUMENTS)
def test_an_array_that_is_no_matrix_any_more_is_refused(function, argument):
    framed = Framed(random_stack((2, 2), np.complex128))
    hostile = Hostile(ARGUMENTS[argument], lambda: become(framed.array, np.complex128, (1, 4)))
    with pytest.raises(np.linalg.LinAlgError, match="1 rows and 4 columns"):
        function(framed.array, **{argument: hostile})
    assert hostile.asked > 0 and framed.is_whole()


@pytest.mark.parametrize("function", [matinv.inv, matinv.inv_ex])
@pytest.mark.parametrize("argument", [name for name in ARGUMENTS if name != "overwrite_a"])
def test_an_out_that_changes_is_refused(function, argument):
    a = random_stack((2, 2), np.complex128)
    framed = Framed(np.zeros((2, 2), np.complex128))
    hostile = Hostile(ARGUMENTS[argument], lambda: become(framed.array, np.float32, (4, 4)))
    with pytest.raises((TypeError, ValueError)):
        function(a, out=framed.array, **{argument: hostile})
    assert hostile.asked > 0 and framed.is_whole()


@pytest.mark.parametrize("order", ["CF", "backwards", "every other"])
def test_views_of_all_strides_stay_inside(order):
    a = random_stack((5, 6, 6), np.float64)
    room = Framed(np.zeros((10, 12, 12)))
    view = {
        "CF": room.array[:5, :6, :6].swapaxes(1, 2),
        "backwards": room.array[4::-1, 5::-1, 11:5:-1],
        "every other": room.array[::2, ::-2, ::2],
    }[order]
    view[...] = a
    before = room.bytes.copy()
    assert matinv.inv(view, overwrite_a=True) is view
    assert is_inverse(a, view)
    view[...] = a
    assert np.array_equal(room.bytes, before)
