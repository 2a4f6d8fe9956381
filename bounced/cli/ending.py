"""How a command ends: its exit code, also where nothing more can be written.  (docs/contract.md, section 7)"""

import io
import sys
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class ExitCode(IntEnum):
    """0 done, 1 the answer is no, 2 usage or configuration, 3 Redis cannot be reached, 4 output cannot be written,
    5 Redis answers and refuses.

    A program that a signal ended has the code that a shell reports for it: 128 plus the signal's number.
    """

    DONE = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    UNWRITTEN = 4
    REFUSED = 5
    INTERRUPTED = 130
    NOBODY_READS = 141


class _Descriptor(io.FileIO):
    """The descriptor under standard output, which ends the program at the first failure.

    click and rich turn an OSError into exit code 1, which means "the answer is no".  So this raises SystemExit.  It
    sees failures of standard output only, never those of sockets and other files.
    """

    _lost = False

    def write(self, data: "ReadableBuffer") -> int:
        """Write, or end the program with its exit code; what the buffers still hold is then thrown away."""
        if self._lost:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError as error:  # not the signal itself: sockets need it to stay ignored
            self._lost = True
            raise SystemExit(ExitCode.NOBODY_READS) from error
        except OSError as error:
            self._lost = True
            sys.stderr.write(f"bounced: cannot write: {error.strerror}\n")
            raise SystemExit(ExitCode.UNWRITTEN) from error


def guard() -> None:
    """Replace Python's standard output by ours, unless there is none (``>&-``)."""
    plain = sys.stdout
    if not isinstance(plain, io.TextIOWrapper):
        return
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(plain.fileno(), "wb", closefd=False)),
        encoding=plain.encoding,
        errors=plain.errors,
        line_buffering=plain.line_buffering or plain.write_through,
    )


def finish() -> None:
    """Write what the buffers still hold: the interpreter would do it too late to report a failure."""
    if sys.stdout is not None:
        sys.stdout.flush()
