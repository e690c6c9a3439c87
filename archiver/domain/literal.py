"""Numbers as they were written, where a double holds less than that."""

from decimal import Decimal, InvalidOperation
from typing import Final

from archiver.domain import canonical
from archiver.domain.shapes import Places

# PostgreSQL's numeric has no more digits after the point.
_MOST_DECIMALS: Final = 16_383


class TooFine(ValueError):
    """No column can hold the number that was written, or it is outside [0, 1] after all."""


def share(content: bytes, places: Places) -> Decimal:
    """The number in [0, 1] at the first place that is there, of which a reader made a double.

    `content` is canonical JSON. Raises TooFine: 1.0000000000000001 is 1.0 as a double.
    """
    literal = next(found for place in places if (found := canonical.part_at(content, place.path)))
    try:
        number = Decimal(literal.decode())
    except InvalidOperation:  # an exponent of over eighteen digits
        raise TooFine(literal[:40].decode()) from None
    if not number:
        return Decimal(0)  # 0e99999 is none for PostgreSQL
    exponent = number.as_tuple().exponent
    if number > 1 or number < 0 or not isinstance(exponent, int) or -exponent > _MOST_DECIMALS:
        raise TooFine(literal[:40].decode())
    return number
