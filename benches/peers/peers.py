"""Every peer in its best documented configuration, behind one interface."""

import json
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from cases import LARGE
from measure import Absent, ServerEnded


class Peer:
    """`call` inverts `given`; what is prepared once is not timed."""

    is_gemm = False

    def __init__(self, name):
        self.name = name
        self.given = None

    def prepare(self, case, a):
        """Takes the matrices, in whatever form the peer works on."""
        self.case = case
        self.given = a[0] if case.is_single else a

    def call(self):
        raise NotImplementedError

    def result(self):
        """What the call gives, as an array of shape (k, n, n)."""
        result = np.asarray(self.call())
        return result[None] if self.case.is_single else result

    def run(self, times):
        """Seconds of one call, on average over so many."""
        call = self.call
        start = perf_counter()
        for _ in range(times):
            call()
        return (perf_counter() - start) / times

    def release(self):
        self.given = None


class Numpy(Peer):
    def __init__(self):
        super().__init__("numpy")

    def call(self):
        return np.linalg.inv(self.given)


class NumpyGemm(Peer):
    is_gemm = True

    def __init__(self):
        super().__init__("gemm numpy")

    def prepare(self, case, a):
        if not case.is_single:
            raise Absent("a multiplication is of single matrices")
        super().prepare(case, a)
        self.out = np.empty_like(self.given)

    def call(self):
        return np.matmul(self.given, self.given, out=self.out)


class Scipy(Peer):
    """As it is called without options: it looks for structure and for NaN."""

    def __init__(self, tuned):
        super().__init__("scipy tuned" if tuned else "scipy")
        self.tuned = tuned

    def prepare(self, case, a):
        super().prepare(case, a)
        assume = {"general": "general", "definite": "pos"}[case.structure]
        self.options = {"check_finite": False, "assume_a": assume} if self.tuned else {}
        # Here: an import takes a part of a microsecond, every time.
        from scipy.linalg import inv

        self.inv = inv

    def call(self):
        return self.inv(self.given, **self.options)


class Torch(Peer):
    """`inv_ex`, which does not wait to look for failures; `cholesky_inverse` of definite ones."""

    def __init__(self):
        super().__init__("torch")

    def prepare(self, case, a):
        import torch

        super().prepare(case, a)
        torch.set_num_threads(case.threads)
        self.torch, self.given = torch, torch.from_numpy(self.given)

    def call(self):
        if self.case.structure == "definite":
            return self.torch.cholesky_inverse(self.torch.linalg.cholesky_ex(self.given)[0])
        return self.torch.linalg.inv_ex(self.given)[0]


class Jax(Peer):
    """Compiled beforehand; waits for the result."""

    def __init__(self):
        super().__init__("jax")

    def prepare(self, case, a):
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_platforms", "cpu")
        super().prepare(case, a)
        self.given = jax.numpy.asarray(self.given)
        self.inv = jax.jit(jax.numpy.linalg.inv).lower(self.given).compile()

    def call(self):
        return self.inv(self.given).block_until_ready()

    def release(self):
        super().release()
        self.inv = None


class Matinv(Peer):
    """The Python package. `into` writes into memory that is there, as no other peer can."""

    def __init__(self, into=False):
        super().__init__("matinv out=" if into else "matinv")
        self.into = into

    def prepare(self, case, a):
        import matinv

        if self.into and case.order > LARGE:
            raise Absent(f"says nothing new above order {LARGE}")
        super().prepare(case, a)
        assume = {"general": "gen", "definite": "pos"}[case.structure]
        self.inv, self.options = matinv.inv, {"assume_a": assume, "threads": case.threads}
        if self.into:
            self.options["out"] = np.empty_like(self.given)

    def call(self):
        return self.inv(self.given, **self.options)


class Server:
    """The Rust peers, in a process of their own that runs one of them when asked to."""

    def __init__(self, program):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program], stdin=pipe, stdout=pipe, text=True)
        self.folder = tempfile.TemporaryDirectory(prefix="matinv-peers-")
        self.loaded = None

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ServerEnded(f"the Rust peers ended with {self.process.wait()} at {request}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def load(self, key, a, threads, definite):
        """Hands the matrices over, once for all peers."""
        if self.loaded == key:
            return
        path = Path(self.folder.name) / "a.npy"
        np.save(path, a)
        self.loaded = None
        self.ask(do="load", path=str(path), threads=threads, definite=definite)
        path.unlink()
        self.loaded = key

    def result(self, peer):
        path = Path(self.folder.name) / "x.npy"
        path.unlink(missing_ok=True)
        self.ask(do="check", peer=peer, path=str(path))
        return np.load(path)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.folder.cleanup()


class Rust(Peer):
    """One peer of the server."""

    def __init__(self, server, peer, name):
        super().__init__(name)
        self.server, self.peer = server, peer
        self.is_gemm = peer.startswith("gemm")

    def prepare(self, case, a):
        if self.is_gemm and not case.is_single:
            raise Absent("a multiplication is of single matrices")
        if case.order > LARGE and self.peer in ("nalgebra", "matinv-into", "matinv-native"):
            raise Absent(f"above order {LARGE} it takes minutes, or says nothing new")
        if not case.is_single and self.peer in ("matinv-native", "matinv-lapack"):
            raise Absent("the engines are told apart with single matrices")
        self.case = case
        self.server.load(case.id, a, case.threads, case.structure == "definite")

    def result(self):
        try:
            x = self.server.result(self.peer)
        except RuntimeError as error:
            if str(error) in ("no native kernel", "no OpenBLAS, or none that is sound"):
                raise Absent(str(error)) from error
            raise
        # It multiplies by columns, AᵀAᵀ = (AA)ᵀ: by rows that is AA.
        return x

    def run(self, times):
        return self.server.ask(do="run", peer=self.peer, times=times)["seconds"]


def available(server, torch):
    """All that can take part here, ourselves first, and why others cannot."""
    peers, missing = [], {}
    try:
        import matinv

        if not hasattr(matinv, "inv"):
            raise ImportError("the package is not installed")
        peers += [Matinv(), Matinv(into=True)]
    except ImportError as error:
        missing["matinv"] = str(error)
    peers += [
        Rust(server, "matinv", "matinv Rust"),
        Rust(server, "matinv-into", "matinv into"),
        Rust(server, "matinv-native", "matinv native"),
        Rust(server, "matinv-lapack", "matinv lapack"),
        Numpy(),
        Scipy(tuned=False),
        Scipy(tuned=True),
    ]
    if torch:
        try:
            import torch  # noqa: F401

            peers.append(Torch())
        except ImportError as error:
            missing["torch"] = str(error)
    try:
        import jax  # noqa: F401

        peers.append(Jax())
    except ImportError as error:
        missing["jax"] = str(error)
    peers += [
        Rust(server, "faer", "faer"),
        Rust(server, "nalgebra", "nalgebra"),
        Rust(server, "gemm-openblas", "gemm OpenBLAS"),
        Rust(server, "gemm-faer", "gemm faer"),
        NumpyGemm(),
    ]
    return peers, missing
