"""The command line tool: ``python -m matinv --help``."""

import sys

from matinv import _matinv


def main() -> int:
    """Run the tool with the arguments of this process; return the exit code.

    The process is for nothing else: signals end it, and leave no temporary file.
    """
    return _matinv.run(["matinv", *sys.argv[1:]], own_process=True)


if __name__ == "__main__":
    sys.exit(main())
