"""How a benchmark tells whoever waits how far it is."""


def say(line: str) -> None:
    """Print it at once."""
    print(line, flush=True)
