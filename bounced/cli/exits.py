"""What a command's exit code says.  (docs/contract.md, section 7)"""

from enum import IntEnum


class ExitCode(IntEnum):
    """0 done, 1 the answer is no, 2 usage or configuration, 3 Redis cannot be reached, 4 output cannot be written.

    Those of a program that a signal ended are what a shell says of it: 128 and the signal's number.
    """

    DONE = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    UNWRITTEN = 4
    INTERRUPTED = 130
    NOBODY_READS = 141
