"""Standard output that says in one place what follows when nothing more can be written to it."""

import io
import sys
from typing import TYPE_CHECKING

from bounced.cli.exits import ExitCode

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Descriptor(io.FileIO):
    """The descriptor under standard output, which ends the program at the first failure.

    SystemExit is no OSError: what click and rich make of one (exit code 1, "the answer is no") stays out of the way,
    and errors of sockets and files, which mean something else, never get here.
    """

    _lost = False

    def write(self, data: "ReadableBuffer") -> int:
        """Write, or end the program with its exit code; what is still in buffers then is thrown away."""
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
    """Put our standard output in the place of Python's; without one (``>&-``) there is nothing to guard."""
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
    """Write what is still in buffers: the interpreter's own attempt could say nothing of a failure any more."""
    if sys.stdout is not None:
        sys.stdout.flush()
