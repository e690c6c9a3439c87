"""`python -m image`: the release image as an OCI archive, or its root file system as a folder."""

import argparse
import os
import signal
import sys
from pathlib import Path

from image.build import build, build_args, fill, project
from image.distribution import require
from image.errors import ImageError
from image.provenance import source_date_epoch


def default_packages() -> Path:
    """Where Debian packages are kept from one build to the next."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "kubernaut-archiver" / "debian"


def main() -> int:
    """Do what the command line says; its exit code."""
    about = project()
    parser = argparse.ArgumentParser(prog="python -m image", description=__doc__)
    default = Path("dist") / f"{about['name']}-{about['version']}.oci.tar"
    parser.add_argument("--output", type=Path, default=default, help="default: %(default)s")
    parser.add_argument(
        "--root", type=Path, help="fill this empty or new folder instead: the Dockerfile's"
    )
    parser.add_argument("--packages", type=Path, default=default_packages())
    parser.add_argument(
        "--check", action="store_true", help="only say whether it can be built here"
    )
    parser.add_argument(
        "--build-args", action="store_true", help="only print what `docker build` is to be told"
    )
    options = parser.parse_args()
    # `kill` and a closed terminal unwind, as Ctrl-C does: half a root is hundreds of megabytes.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        if options.check:
            require()
        elif options.build_args:
            print(" ".join(f"--build-arg {name}={text}" for name, text in build_args().items()))
        elif options.root:
            fill(options.root, options.packages, source_date_epoch())
        else:
            print(f"{options.output} {build(options.output, options.packages)}")
    except (ImageError, OSError) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
