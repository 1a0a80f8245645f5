from typing import Any

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[Any]

def inv(
    a: object,
    out: object,
    overwrite_a: object,
    assume_a: str | None,
    lower: object,
    check_finite: object,
    on_failure: str,
    min_rcond: float | None,
    threads: int | None,
    stack_level: int,
    /,
) -> Any: ...
def inv_ex(
    a: object,
    out: object,
    assume_a: str | None,
    lower: object,
    check_finite: object,
    on_failure: str,
    min_rcond: float | None,
    threads: int | None,
    stack_level: int,
    /,
) -> Any: ...
def get_threads() -> int: ...
def set_threads(threads: int | None, /) -> None: ...
def platform() -> dict[str, Any]: ...
def run(arguments: list[str], /) -> int: ...
