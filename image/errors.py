"""What can go wrong, in words for whoever builds."""


class ImageError(Exception):
    """The image cannot be built; the text says what is missing and how to get it."""
