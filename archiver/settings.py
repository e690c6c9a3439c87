"""Settings: flags over ARCHIVER_* environment over a YAML file over defaults.

Every field says its unit, its default's reason and nothing else; `reference` writes them down as
docs/settings.md.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from archiver.domain import gotime
from archiver.domain.policy import HOUR, SECOND
from archiver.domain.shard import MOST_SHARDS, Shard, parse_shard
from archiver.errors import Configuration
from archiver.masked import masked, may_hold_password

PREFIX: Final = "ARCHIVER_"
# The Job controller's own name for the number of a pod of an Indexed Job.
_INDEX: Final = "JOB_COMPLETION_INDEX"


def _duration(value: object) -> object:
    # A bare number would have a unit that somebody has to guess.
    if not isinstance(value, str):
        msg = "a Go duration as text is expected, such as 24h or 1h30m"
        raise ValueError(msg)  # noqa: TRY004 - pydantic turns a ValueError into a sentence
    return gotime.parse_duration(value)


Uuid: TypeAlias = Annotated[str, AfterValidator(lambda text: str(UUID(text)))]
Duration: TypeAlias = Annotated[int, BeforeValidator(_duration), Field(strict=True, gt=0)]
Rate: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """All settings. Durations are nanoseconds here and Go duration text (24h, 1m30s) outside."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="forbid",
        frozen=True,
        env_ignore_empty=True,
        validate_default=False,
    )

    database_url: str | None = Field(
        None,
        description="libpq URI of the archive, without a password. No default: naming the wrong "
        "database is worse than naming none.",
    )
    database_password_file: str | None = Field(
        None, description="File with the database user's password; read at every connect."
    )
    retention: Duration = Field(
        24 * HOUR,
        description="Duration from completion to cleanup, where the parent does not say. Default "
        "24h, as Kubernaut cleans up.",
    )
    lead: Annotated[int, BeforeValidator(_duration), Field(strict=True, ge=0)] = Field(
        6 * HOUR,
        description="Duration before cleanup at which an object becomes due. Default 6h: twelve "
        "runs of the CronJob may fail before anything is lost.",
    )
    resource: str = Field(
        "remediationprocessings.remediationprocessing.kubernaut.io",
        pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$",
        description="plural.group, or plural.version.group, of the resource.",
    )
    kind: str | None = Field(
        None,
        pattern=r"^[A-Z][A-Za-z0-9]*$",
        description="Kind of the resource, for dumps (`--from`), which name no plurals. Default: "
        "every kind whose plural by Kubernetes' own rule is that of `resource`.",
    )
    cluster_id: Uuid | None = Field(
        None,
        description="uid of the namespace kube-system. Default: asked of the API server, which "
        "must not contradict it. Needed for dumps, and where that namespace may not be read.",
    )
    kubeconfig: str | None = Field(None, description="Path of a kubeconfig. Default: KUBECONFIG.")
    context: str | None = Field(None, description="Context of the kubeconfig. Default: its own.")
    page_size: int = Field(
        200,
        ge=1,
        le=10_000,
        description="Most objects per list request. Default 200: two pages are held at once, and "
        "larger ones make no run faster, because marks take ten times as long.",
    )
    workers: int = Field(
        16,
        ge=1,
        le=256,
        description="Most marks under way at once; fewer while the API server answers 429. "
        "More gain nothing on small servers.",
    )
    max_marks_per_second: Rate | None = Field(
        None,
        description="Upper rate of marks, per second, of this process: that of all shards together "
        "is N times as high. Default: none.",
    )
    shard: str | None = Field(
        None,
        description="I/N: archive only part I, from 0, of N equal parts of all objects, by a hash "
        "of the uid. Default: all; with `shards`, part JOB_COMPLETION_INDEX, which the Job "
        "controller sets in each pod of an Indexed Job.",
    )
    shards: int | None = Field(
        None,
        ge=1,
        le=MOST_SHARDS,
        description="The number N of shards of an Indexed Job; its completions. `shard` overrides "
        "it. Default: none.",
    )
    tries: int = Field(
        5, ge=1, le=100, description="Tries of an object that keeps changing, before the next run."
    )
    deadline: Duration = Field(
        23 * 60 * SECOND,
        description="Duration after which a run lists nothing more. Default 23m: below the "
        "CronJob's activeDeadlineSeconds, so that it still reports.",
    )
    grace: Duration = Field(
        20 * SECOND,
        description="Duration for finishing what is held after SIGTERM. Default 20s: below "
        "terminationGracePeriodSeconds.",
    )
    commit_timeout: Duration = Field(
        60 * SECOND,
        description="Duration after which a COMMIT that waits is cancelled. Default 60s.",
    )
    allow_weak_durability: bool = Field(
        False,
        description="Run although the database may lose commits (fsync off, …). Default false.",
    )
    keep_months: int = Field(
        84,
        ge=1,
        le=1_200,
        description="Whole months for which the archive keeps its own: `archiver retention drop` "
        "touches none of them. Default 84: seven years.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe events that are logged."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="Default auto: console on a terminal, else JSON lines."
    )

    def resource_parts(self) -> tuple[str, str | None, str]:
        """plural, version (None: the one the API server prefers), group."""
        plural, rest = self.resource.split(".", 1)
        version, _, group = rest.partition(".")
        if group and re.fullmatch(r"v\d+((alpha|beta)\d+)?", version):
            return plural, version, group
        return plural, None, rest

    def shard_in_force(self) -> Shard | None:
        """The part of the work that is this process's; None for all of it.

        Raises Configuration for a part that does not exist.
        """
        if self.shard is not None:
            return parse_shard(self.shard, name="--shard (ARCHIVER_SHARD)")
        if self.shards is None:
            return None
        if (index := os.environ.get(_INDEX)) is None:
            raise Configuration(
                f"ARCHIVER_SHARDS is {self.shards}, and {_INDEX}, which says which of them this "
                "is, is not set: run it as an Indexed Job, or give --shard I/N instead"
            )
        return parse_shard(f"{index}/{self.shards}", name=f"{_INDEX} of ARCHIVER_SHARDS")

    def shown(self) -> dict[str, Any]:
        """Ready to print: durations as text, passwords masked."""
        shown = self.model_dump()
        for name in _DURATIONS:
            shown[name] = f"{shown[name] / SECOND:g}s"
        if self.database_url:
            shown["database_url"] = masked(self.database_url)
        return shown


_DURATIONS: Final = ("retention", "lead", "deadline", "grace", "commit_timeout")


def load(file: Path | None = None, **flags: Any) -> Settings:
    """The settings in force. Raises Configuration naming field, value and what is accepted."""
    path = file or (Path(named) if (named := os.environ.get(PREFIX + "CONFIG")) else None)
    beneath = {} if path is None else _read(path)
    absent = {k: v for k, v in beneath.items() if not os.environ.get(PREFIX + k.upper())}
    try:
        return Settings(**{**absent, **flags})
    except ValidationError as error:
        raise Configuration("; ".join(map(_sentence, error.errors()))) from None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Configuration(f"settings file {path}: {error}") from None
    except yaml.YAMLError as error:
        # Its own text quotes the line, and with it perhaps a password.
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise Configuration(f"settings file {path}: not YAML{where}") from None
    if not isinstance(content, dict | None):
        raise Configuration(f"settings file {path}: a mapping of settings is expected")
    return {str(key): value for key, value in (content or {}).items()}


def _sentence(error: Any) -> str:
    name = ".".join(map(str, error["loc"]))
    named = f"setting {name} ({PREFIX}{name.upper()})"
    if error["type"] == "extra_forbidden":
        # Its value is not shown: a misspelt name may be that of a password.
        return f"{named} does not exist; `archiver settings` lists those that do"
    value = repr(error["input"])
    if may_hold_password(f"{name} {value}"):
        field = Settings.model_fields.get(name)
        expected = f" Expected: {field.description}" if field else ""
        return f"{named} is not accepted; not shown, for a password may be in it.{expected}"
    hint = "; leave it out for no limit" if error["type"] == "finite_number" else ""
    return f"{named}: {value[:80]}: {error['msg']}{hint}"


def reference() -> str:
    """The settings as a Markdown table."""
    lines = [
        "# Settings",
        "",
        "Flags override the environment, the environment a YAML file (`--config` or",
        "`ARCHIVER_CONFIG`), and that the defaults. Durations are Go's: `24h`, `1m30s`. A variable",
        "`ARCHIVER_…` that is no setting is a warning: it is misspelt.",
        "",
        "| Setting | Environment | Meaning |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{name}` | `{PREFIX}{name.upper()}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(lines) + "\n"
