"""The image's own Python, run from its folder: what it installs and compiles fits it exactly."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from image.distribution import PYTHON
from image.errors import ImageError
from image.scratch import scratch


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Python in a root file system that nobody has entered; needs no right to do so."""

    root: Path

    @property
    def packages(self) -> Path:
        """Where Debian's Python looks for what its administrator installs."""
        return self.root / "usr/local/lib" / PYTHON / "dist-packages"

    def run(self, arguments: Sequence[str], *, path: Sequence[Path] = (), epoch: int = 0) -> str:
        """What it prints. `path` are further folders of modules. Raises ImageError."""
        loader = next((self.root / "lib64").glob("ld-linux-*.so.*"), None) or next(
            (self.root / "lib").glob("ld-linux-*.so.*")
        )
        libraries = ":".join(
            str(folder) for parent in ("lib", "usr/lib") for folder in self._triplets(parent)
        )
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONHOME": str(self.root / "usr"),
            "PYTHONPATH": ":".join(map(str, [*path, self.packages])),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            # The home is there for pip's settings; no code of the builder's runs in here.
            "PYTHONNOUSERSITE": "1",
            "SOURCE_DATE_EPOCH": str(epoch),
            # pip's own settings and the certificates of the network around it are the builder's.
            **{k: v for k, v in os.environ.items() if k.startswith(_PASSED)},
        }
        command: list[str | Path] = [
            *_ENDS_WITH_THE_BUILD,
            loader,
            "--library-path",
            libraries,
            self.root / "usr/bin" / PYTHON,
            *arguments,
        ]
        # What pip has unpacked goes with it, also where pip is killed because this ends early.
        with scratch() as temporary:
            done = subprocess.run(
                command,
                env={**environment, "TMPDIR": str(temporary)},
                # With those of the folders it writes to, which stay locked until it has ended.
                close_fds=False,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            raise ImageError(f"{PYTHON} {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _triplets(self, parent: str) -> list[Path]:
        return sorted((self.root / parent).glob("*-linux-gnu"))


# Also where that is killed: pip alone would go on for half a minute. Part of every Debian.
_ENDS_WITH_THE_BUILD = ("setpriv", "--pdeathsig", "KILL", "--")
_PASSED = ("PIP_", "SSL_CERT", "REQUESTS_CA", "HOME", "http", "HTTP", "no_proxy", "NO_PROXY")
