"""How many threads calls use."""

from __future__ import annotations

from types import TracebackType

from matinv import _matinv


def get_threads() -> int:
    """Return the number of threads that calls use unless told otherwise.

    Returns
    -------
    int
        What `set_threads` has set; if nothing, what the environment variable ``MATINV_NUM_THREADS`` said
        when it was first looked at; without it, the number of processors that this process may use, or
        as many as the CPU quota of its container pays for, if that is less.

    Raises
    ------
    ValueError
        If it is up to ``MATINV_NUM_THREADS``, and that is not a whole number from 1 to 1024.

    Examples
    --------
    >>> import matinv
    >>> matinv.get_threads() >= 1
    True
    """
    return _matinv.get_threads()


def set_threads(count: int | None) -> None:
    """Set the number of threads that calls of this process use unless told otherwise.

    Parameters
    ----------
    count : int or None
        At least 1. None stands for what `get_threads` says where nothing is set; then, if the system
        refuses to start so many threads for want of processes, calls do without.

    Raises
    ------
    ValueError
        If `count` is out of range.

    See Also
    --------
    threads : The same for a block of code.

    Examples
    --------
    >>> import matinv
    >>> matinv.set_threads(2)
    >>> matinv.get_threads()
    2
    >>> matinv.set_threads(None)
    """
    _matinv.set_threads(count)


class threads:  # noqa: N801 (a context manager reads as a word)
    """Set the number of threads within a ``with`` block.

    Parameters
    ----------
    count : int or None
        As of `set_threads`.

    Notes
    -----
    The number belongs to the process, not to the Python thread that enters the block. The argument
    `threads` of `inv` belongs to one call alone.

    Examples
    --------
    >>> import matinv
    >>> with matinv.threads(1):
    ...     matinv.get_threads()
    1
    """

    def __init__(self, count: int | None) -> None:
        self._count = count
        self._before: list[int | None] = []

    def __enter__(self) -> threads:
        self._before.append(_matinv.set_threads(self._count))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        set_threads(self._before.pop())
