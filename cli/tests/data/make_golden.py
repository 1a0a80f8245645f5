"""Makes the golden files beside it: python3 make_golden.py (needs numpy and scipy).

Every matrix follows a formula that the tests repeat, with i and j counted from 1:
general 10 i + j, symmetric 10 max + min, skew-symmetric the same with the sign of i - j.
"""

import gzip
from pathlib import Path

import numpy as np
import scipy
from scipy.io import mmwrite
from scipy.sparse import coo_array

HERE = Path(__file__).parent


def general(rows, columns):
    i, j = np.mgrid[1 : rows + 1, 1 : columns + 1]
    return 10 * i + j


def symmetric(n):
    i, j = np.mgrid[1 : n + 1, 1 : n + 1]
    return 10 * np.maximum(i, j) + np.minimum(i, j)


def skew(n):
    i, j = np.mgrid[1 : n + 1, 1 : n + 1]
    return np.sign(i - j) * symmetric(n)


def as_type(values, dtype):
    """The values in a type: odd ones true, complex with the negated value as imaginary part."""
    if dtype.kind == "b":
        return values % 2 == 1
    if dtype.kind == "c":
        return (values - 1j * values).astype(dtype)
    return values.astype(dtype)


def npy():
    folder = HERE / "npy"
    folder.mkdir(exist_ok=True)
    types = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128"
    for name in types.split():
        for endian, word in ("<", "little"), (">", "big"):
            dtype = np.dtype(name).newbyteorder(endian)
            if dtype.itemsize == 1 and endian == ">":
                continue
            array = as_type(general(2, 3), dtype).astype(dtype)
            np.save(folder / f"{name}_{word}_c.npy", np.ascontiguousarray(array))
            np.save(folder / f"{name}_{word}_f.npy", np.asfortranarray(array))
    np.save(folder / "axes0.npy", np.float64(7.5))
    np.save(folder / "axes1.npy", np.arange(3.0))
    np.save(folder / "axes3_c.npy", np.arange(12.0).reshape(2, 3, 2))
    np.save(folder / "axes3_f.npy", np.asfortranarray(np.arange(12.0).reshape(2, 3, 2)))
    np.save(folder / "empty.npy", np.zeros((0, 3)))
    for version in (2, 3):
        with open(folder / f"version{version}.npy", "wb") as file:
            np.lib.format.write_array(file, general(2, 3).astype(float), version=(version, 0))
    np.save(folder / "bad_longdouble.npy", np.zeros((2, 2), np.longdouble))
    np.save(folder / "bad_clongdouble.npy", np.zeros((2, 2), np.clongdouble))
    np.save(folder / "bad_object.npy", np.array([[1, None]], object))
    np.save(folder / "bad_text.npy", np.array([["a"]]))
    np.save(folder / "bad_bytes.npy", np.array([[b"a"]]))
    np.save(folder / "bad_structured.npy", np.zeros(2, [("x", "<f8"), ("y", "<i4")]))
    np.save(folder / "bad_date.npy", np.array(["2020-01-01"], "datetime64[D]"))


def npz():
    folder = HERE / "npz"
    folder.mkdir(exist_ok=True)
    a = general(2, 3).astype(float)
    np.savez(folder / "stored.npz", a=a)
    np.savez_compressed(folder / "deflated.npz", a=a)
    np.savez_compressed(folder / "several.npz", a=a, b=general(3, 3).astype(np.float32), c=np.zeros(2))
    np.savez(folder / "none.npz")


def mtx():
    folder = HERE / "mtx"
    folder.mkdir(exist_ok=True)
    for layout, wrap in ("array", np.asarray), ("coordinate", coo_array):
        for field, dtype in ("real", float), ("integer", np.int64), ("complex", complex):
            for symmetry, matrix in ("general", general(2, 3)), ("symmetric", symmetric(3)), ("skew-symmetric", skew(3)):
                values = as_type(matrix, np.dtype(dtype))
                mmwrite(folder / f"{layout}_{field}_{symmetry}.mtx", wrap(values), field=field, symmetry=symmetry)
        hermitian = symmetric(3) + 1j * skew(3)
        mmwrite(folder / f"{layout}_complex_hermitian.mtx", wrap(hermitian), field="complex", symmetry="hermitian")
        mmwrite(folder / f"{layout}_unsigned.mtx", wrap(np.full((2, 2), 2**64 - 1, np.uint64)))
    places = coo_array(np.tri(3))
    mmwrite(folder / "coordinate_pattern_general.mtx", places, field="pattern", symmetry="general")
    mmwrite(folder / "coordinate_pattern_symmetric.mtx", coo_array(np.ones((3, 3))), field="pattern", symmetry="symmetric")
    mmwrite(folder / "special.mtx", np.array([[np.nan, np.inf], [-np.inf, 1e-308]]))
    plain = (folder / "coordinate_real_symmetric.mtx").read_bytes()
    (folder / "coordinate_real_symmetric.mtx.gz").write_bytes(gzip.compress(plain, mtime=0))


def text():
    folder = HERE / "text"
    folder.mkdir(exist_ok=True)
    a = general(2, 3).astype(float)
    np.savetxt(folder / "default.txt", a)
    np.savetxt(folder / "comma.csv", a, delimiter=",")
    np.savetxt(folder / "semicolon.csv", a, delimiter=";")
    np.savetxt(folder / "tab.tsv", a, delimiter="\t")
    np.savetxt(folder / "integers.txt", a, fmt="%5d")
    np.savetxt(folder / "commented.csv", a, delimiter=", ", header="a, b, c", footer="the end")
    np.savetxt(folder / "windows.csv", a, delimiter=",", newline="\r\n")
    np.savetxt(folder / "gzipped.txt.gz", a)
    np.savetxt(folder / "complex.txt", a - 1j * a)
    np.savetxt(folder / "complex.csv", a - 1j * a, delimiter=",")
    np.savetxt(folder / "special.txt", np.array([[np.nan, np.inf], [-np.inf, 1e-308]]))


if __name__ == "__main__":
    print("numpy", np.__version__, "scipy", scipy.__version__)
    npy()
    npz()
    mtx()
    text()
