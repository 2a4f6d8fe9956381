"""What the store and its lines tell those who count."""

from typing import Protocol

from bounced.core.state import Transition


class StoreObserver(Protocol):
    """Who hears what happens on the lines to Redis.  Nothing here may raise or wait."""

    def written(self, list_: str, transition: Transition, /) -> None:
        """Hear what a commit made of an address of a list, whoever spoke."""

    def counter_overflowed(self, list_: str, quota: str, /) -> None:
        """Hear of a counter of an hour that came when its quota was used up."""

    def batch_flushed(self, commands: int, /) -> None:
        """Hear that a batch is safe."""

    def server_failed(self) -> None:
        """Hear that a connection was given up, or that nobody answered."""

    def failed(self) -> None:
        """Hear of a fault of ours, which ended the line's task."""


class Unobserved:
    """A StoreObserver that hears nothing."""

    def written(self, list_: str, transition: Transition, /) -> None:
        """Do nothing."""

    def counter_overflowed(self, list_: str, quota: str, /) -> None:
        """Do nothing."""

    def batch_flushed(self, commands: int, /) -> None:
        """Do nothing."""

    def server_failed(self) -> None:
        """Do nothing."""

    def failed(self) -> None:
        """Do nothing."""


UNOBSERVED: StoreObserver = Unobserved()
