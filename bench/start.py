"""`python -m bench.start ROOT`: how long `archiver --help` takes in the image, warm and cold.

ROOT is what `python -m image --root ROOT` has filled. Linux and root: the image's user is entered.
"""

import argparse
import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.timing import milliseconds
from image.build import process


def start(root: Path) -> Callable[[], None]:
    """Starts the entry point in the root, as its user; raises CalledProcessError."""
    of = process()
    environment = dict(text.split("=", 1) for text in of["Env"])
    command = [
        "/usr/sbin/chroot",
        f"--userspec={of['User']}",
        str(root),
        *of["Entrypoint"],
        *of["Cmd"],
    ]

    def run() -> None:
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

    return run


def forget(root: Path) -> None:
    """Drop what the system keeps of these files in memory; their names and places stay there."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            file = os.open(path, os.O_RDONLY)
            try:
                os.fsync(file)  # what is not on the disk yet would not be dropped
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


def read_from_disk() -> float:
    """MiB that processes which have ended have read so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock / 2048


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("--times", type=int, default=10, help="default: %(default)s")
    options = parser.parse_args()
    run = start(options.root.resolve())
    run()
    warm = [milliseconds(run) for _ in range(options.times)]
    cold = []
    before = read_from_disk()
    for _ in range(options.times):
        forget(options.root)
        cold.append(milliseconds(run))
    read = (read_from_disk() - before) / options.times
    for name, times in (("warm", warm), ("cold", cold)):
        print(f"{name}: {median(times):.0f} ms, {min(times):.0f} to {max(times):.0f}")
    print(f"read from the disk by each cold start: {read:.1f} MiB")


if __name__ == "__main__":
    main()
