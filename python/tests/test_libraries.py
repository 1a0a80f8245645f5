"""Arrays of other libraries: the same kind comes out as goes in."""

import numpy as np
import pytest
from checks import is_inverse, random_stack

import matinv

A = random_stack((4, 3, 3), np.float64)


class Foreign:
    """An array that nothing is known of but DLPack and the array API standard."""

    def __init__(self, array, device=1):
        self.array, self.device = array, device

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return (self.device, 0)

    def __array_namespace__(self):
        return Namespace


class Namespace:
    asarray = staticmethod(Foreign)


def test_dlpack():
    x = matinv.inv(Foreign(A))
    assert type(x) is Foreign and is_inverse(A, x.array)
    x, info = matinv.inv_ex(Foreign(A))
    assert type(x) is Foreign and info.shape == (4,)
    with pytest.raises(TypeError, match="device"):
        matinv.inv(Foreign(A, device=2))


def test_the_array_api_standard():
    xp = pytest.importorskip("array_api_strict")
    x = matinv.inv(xp.asarray(A))
    assert type(x) is type(xp.asarray(A))
    assert is_inverse(A, np.asarray(x))


# torch warns of what it does itself.
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
class TestTorch:
    @pytest.fixture(autouse=True)
    def _torch(self):
        self.torch = pytest.importorskip("torch")
        self.inv = pytest.importorskip("matinv.torch").inv

    def test_tensors(self):
        for dtype in (self.torch.float32, self.torch.float64, self.torch.complex64):
            a = self.torch.from_numpy(A).to(dtype)
            for tensor in (a, a.mT, a[:, ::2, ::2], a.flip(0)):
                x = matinv.inv(tensor)
                assert type(x) is self.torch.Tensor and x.dtype == dtype
                assert is_inverse(tensor.numpy(), x.numpy())
        assert matinv.inv(self.torch.eye(2, dtype=self.torch.bfloat16)).dtype == self.torch.float32
        assert matinv.inv(self.torch.eye(2, dtype=self.torch.int32)).dtype == self.torch.float64
        a = self.torch.from_numpy(A + 1j).conj()
        assert is_inverse(a.resolve_conj().numpy(), matinv.inv(a).numpy())
        with pytest.raises(TypeError, match="out="):
            matinv.inv(a, out=np.empty((4, 3, 3)))
        with pytest.raises(np.linalg.LinAlgError):
            matinv.inv(self.torch.zeros(2, 2))

    @pytest.mark.parametrize("dtype", ["float64", "complex128"])
    def test_derivatives(self, dtype):
        check = self.torch.autograd
        a = self.torch.from_numpy(A).to(getattr(self.torch, dtype)).requires_grad_()
        assert check.gradcheck(self.inv, (a,), check_forward_ad=True, check_batched_grad=True)
        assert check.gradgradcheck(self.inv, (a,))

    def test_data_loaders(self):
        data = pytest.importorskip("torch.utils.data")

        class Inverses(data.Dataset):
            def __len__(self):
                return 8

            def __getitem__(self, i):
                return matinv.inv(random_stack((200, 10, 10), np.float64, i))

        matinv.inv(random_stack((200, 10, 10), np.float64), threads=2)
        loader = data.DataLoader(Inverses(), batch_size=2, num_workers=2, timeout=100)
        for i, batch in enumerate(loader):
            assert is_inverse(random_stack((200, 10, 10), np.float64, 2 * i), batch[0].numpy())

    def test_vmap(self):
        a = self.torch.from_numpy(A)
        for axis in range(3):
            x = self.torch.func.vmap(self.inv, in_dims=axis)(a.movedim(0, axis))
            assert is_inverse(A, x.numpy())
        grad = self.torch.func.vmap(self.torch.func.grad(lambda m: self.inv(m).sum()))(a)
        assert grad.shape == a.shape


class TestJax:
    @pytest.fixture(autouse=True)
    def _jax(self):
        self.jax = pytest.importorskip("jax")
        self.jax.config.update("jax_enable_x64", True)
        self.inv = pytest.importorskip("matinv.jax").inv
        yield
        self.jax.config.update("jax_enable_x64", False)

    def test_arrays(self):
        jnp = self.jax.numpy
        for dtype in (jnp.float32, jnp.float64, jnp.complex128):
            a = jnp.asarray(A, dtype)
            x = matinv.inv(a)
            assert isinstance(x, self.jax.Array) and x.dtype == dtype
            assert is_inverse(np.asarray(a), np.asarray(x))
        assert matinv.inv(jnp.eye(2, dtype=jnp.bfloat16)).dtype == jnp.float32
        with pytest.raises(np.linalg.LinAlgError):
            matinv.inv(jnp.zeros((2, 2)))

    def test_transformations(self):
        jax, a = self.jax, self.jax.numpy.asarray(A)
        x = self.inv(a)
        assert np.array_equal(jax.jit(self.inv)(a), x)
        for axis in range(3):
            mapped = jax.vmap(self.inv, in_axes=axis)(self.jax.numpy.moveaxis(a, 0, axis))
            assert np.array_equal(mapped, x)
        assert np.array_equal(jax.jit(jax.vmap(matinv.inv))(a), x)
        tangent = self.jax.numpy.asarray(random_stack(A.shape, np.float64, 7))
        _, derivative = jax.jvp(self.inv, (a,), (tangent,))
        assert np.allclose(derivative, -(x @ tangent @ x))
        gradient = jax.grad(lambda m: self.inv(m).sum())(a)
        ones = np.ones((3, 3))
        xt = np.asarray(x).swapaxes(1, 2)
        assert np.allclose(gradient, -(xt @ ones @ xt))
        hessian = jax.jit(jax.hessian(lambda m: self.inv(m).sum()))(a[0])
        assert np.allclose(
            hessian, jax.hessian(lambda m: jax.numpy.linalg.inv(m).sum())(a[0]), rtol=1e-8
        )
