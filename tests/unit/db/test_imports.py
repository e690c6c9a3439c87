"""What a run does not need is not imported: start-up time is a target."""

import subprocess
import sys


def test_a_run_does_not_import_alembic() -> None:
    modules = "archiver.db.store, archiver.db.preflight, archiver.db.archive, archiver.db.migrate"
    check = f"import sys, {modules}; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
