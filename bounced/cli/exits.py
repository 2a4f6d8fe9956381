"""What a command's exit code says.  (contract, section 7)"""

from enum import IntEnum


class ExitCode(IntEnum):
    """0 done, 1 the answer is no, 2 usage or configuration, 3 Redis cannot be reached, 4 output cannot be written."""

    DONE = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    UNWRITTEN = 4
