"""Every error the archiver raises, sorted by what its caller does about it.

::

    ArchiverError
    ├── Configuration     stop, exit 78: running again changes nothing until a person does
    │   └── Forbidden         a right is missing (RBAC, GRANT)
    ├── Temporary         stop, exit 75: the same command, run again, goes on where this one stopped
    │   ├── Unavailable       a server does not answer, or asks for patience beyond the budget
    │   │   └── Unwritable        it answers that it failed to write one object; others may do well
    │   └── Interrupted       SIGTERM, or the run's own deadline
    ├── Integrity         stop, exit 65: what is stored is not what was written
    └── ObjectError       this object only; the run goes on and exits 1
        ├── Unreadable        its bytes cannot be archived as a record: quarantined
        └── MarkRefused       stored, but the API server refuses the mark for good

Adapters translate whatever their libraries raise into one of these at their own border, so that
the pipeline and the command line decide by class and never by text. Conflicts (409) and objects
that are gone (404) are no errors: they are outcomes of a mark (`archiver.ports.MarkOutcome`).
"""


class ArchiverError(Exception):
    """The root. `exit_code` is what the process returns where this error ends it (sysexits.h)."""

    exit_code = 70


class Configuration(ArchiverError):
    """Something a person set, or has not set: running again changes nothing."""

    exit_code = 78


class Forbidden(Configuration):
    """A right is missing. The text names the right and who lacks it."""


class Temporary(ArchiverError):
    """Nothing is wrong that time does not mend; what was confirmed so far stays."""

    exit_code = 75


class Unavailable(Temporary):
    """A server did not answer, or not within the budget of retries."""


class Unwritable(Unavailable):
    """The API server went on failing (500) to write one object, within the budget of retries.

    Whether that is an outage or the object's own fault, only other requests can tell.
    """


class Interrupted(Temporary):
    """The process was asked to stop, or reached its deadline."""


class Integrity(ArchiverError):
    """What a server gives back is not what it confirmed."""

    exit_code = 65


class ObjectError(ArchiverError):
    """One object needs a person; the others go on."""

    exit_code = 1


class Unreadable(ObjectError):
    """These bytes cannot become a record.

    `reason` is a stable slug for the quarantine (`too-deep`, `no-uid`, …); the text names the
    object, the value and the limit.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class MarkRefused(ObjectError):
    """The API server refuses the mark and will go on refusing it; the text is the server's."""
