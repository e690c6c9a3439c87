"""The account that runs the server where we are root."""

import os
import pwd
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of the machine."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """Who runs the server in our stead; None where we are no root and run it ourselves.

    PostgreSQL refuses to run as root. `postgres` is there wherever a packaged server is, `nobody`
    everywhere else; no account is made. Raises KeyError on a machine that has neither.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
