"""Precisions of a Gaussian mixture on real data, as sklearn computes them.

A mixture is fitted to sklearn's wine data; its covariances, inverted in one call, are compared with the
precisions that sklearn finds by Cholesky.
"""

import time

import numpy as np
from sklearn.datasets import load_wine
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

import matinv

data = StandardScaler().fit_transform(load_wine().data)
mixture = GaussianMixture(3, reg_covar=1e-2, random_state=0).fit(data)


def shortest(function):
    """Return the shortest of some times."""
    times = []
    for _ in range(20):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


precisions, info = matinv.inv_ex(mixture.covariances_, assume_a="pos")
assert (info["status"] == matinv.Status.INVERTED).all()
scale = np.abs(mixture.precisions_).max()
np.testing.assert_allclose(precisions, mixture.precisions_, rtol=1e-9, atol=1e-9 * scale)
np.testing.assert_allclose(info["logabsdet"], np.linalg.slogdet(mixture.covariances_)[1], rtol=1e-9)
our_time = shortest(lambda: matinv.inv(mixture.covariances_, assume_a="pos"))
their_time = shortest(lambda: np.linalg.inv(mixture.covariances_))
print(f"3 covariances of order 13: as sklearn's precisions_; rcond {info['rcond'].min():.1e} or better")
print(f"numpy {1e6 * their_time:.0f} µs, matinv {1e6 * our_time:.0f} µs")
