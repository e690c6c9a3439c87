"""How long answers may lie before they are taken, so that several are taken at once."""

from typing import Final

# Of the time that a request takes. The server has the other requests meanwhile: nothing is lost
# while it is busy with them, and at most that much where it answers all at once.
_SHARE: Final = 0.2
# Beyond that nothing is gained, and a request of another kind would wait for it; seconds.
_LONGEST: Final = 0.02
# With fewer requests under way there is nothing to collect.
_FEWEST: Final = 4
# A large answer comes in pieces of 16 KB; meanwhile so many come that the system keeps; seconds.
# Longer ones cost less CPU and hold up the list: at one time curl takes so many bytes and no more.
_FILLING: Final = 0.002
# Of each new time in the average.
_WEIGHT: Final = 1 / 16


class Moderation:
    """The pause of a thread that takes answers, from the time that requests take.

    To be woken for each answer costs two or three times the CPU of taking it together with others:
    whatever else runs on the machine, the API server on a small one, has the caches meanwhile.
    Network cards do the same with interrupts (interrupt moderation). For one thread.
    """

    def __init__(self) -> None:
        self._average = 0.0

    def took(self, seconds: float) -> None:
        """One request took that long, from sending it to having taken its answer."""
        self._average += (seconds - self._average) * _WEIGHT

    def pause(self, under_way: int, *, coming_in: bool = False) -> float:
        """Seconds in which nothing need be taken; `coming_in`: an answer has come in part."""
        several = min(self._average * _SHARE, _LONGEST) if under_way >= _FEWEST else 0.0
        return max(several, _FILLING) if coming_in else several
