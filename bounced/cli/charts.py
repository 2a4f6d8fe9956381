"""Small charts out of characters, for a terminal."""

from collections.abc import Sequence

_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(value: float, largest: float, width: int = 12) -> str:
    """Return a bar of at most ``width`` characters, in eighths of them; what is not 0 can be seen."""
    if value <= 0 or largest <= 0:
        return ""
    eighths = max(1, round(value / largest * width * 8))
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def spark(values: Sequence[float], width: int = 24) -> str:
    """Return a line of columns, as many values summed in each as are needed for ``width``; a dot stands for 0."""
    step = -(-len(values) // width)
    sums = [sum(values[at : at + step]) for at in range(0, len(values), step)]
    largest = max(sums, default=0)
    return "".join(_LEVELS[min(7, int(each / largest * 8))] if each else "·" for each in sums)
