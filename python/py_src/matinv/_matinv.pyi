from typing import Any

__all__ = ["get_threads", "inv", "inv_ex", "platform", "run", "set_threads", "version"]

version: str

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
def set_threads(threads: int | None, /) -> int | None: ...
def platform() -> dict[str, Any]: ...
def run(arguments: list[str], /, *, own_process: bool = False) -> int: ...
