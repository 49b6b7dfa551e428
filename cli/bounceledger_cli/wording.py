"""Small helpers for sentences."""


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun, such as ``1 address`` or ``1,204 addresses``.

    Args:
        number: how many.
        one: the noun in the singular.
        many: the noun in the plural; by default the singular with an ``s``.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
