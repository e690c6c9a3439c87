"""The Dockerfile, as far as it can be judged without Docker: the same process as `make image`."""

import json
import re

from image.build import process
from tests.manifests import DEPLOY, job_specs

ROOT = DEPLOY.parent


def stages() -> list[list[tuple[str, str]]]:
    """The (instruction, arguments) of every stage; first of all what stands before them."""
    text = (ROOT / "Dockerfile").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\s*\\\n\s*", " ", lines)
    found: list[list[tuple[str, str]]] = [[]]
    for line in filter(None, joined.splitlines()):
        instruction, _, arguments = line.partition(" ")
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, arguments))
    return found


_, BUILD, FINAL = stages()
PROCESS = process()


def of(stage: list[tuple[str, str]], instruction: str) -> list[str]:
    return [arguments for name, arguments in stage if name == instruction]


# Nothing that adds files, and nothing that changes what a pod sees: no volume, no stop signal.
DESCRIPTIVE = {"ARG", "LABEL", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}


def test_it_holds_the_root_file_system_of_the_other_way_and_nothing_else() -> None:
    assert BUILD[-1] == (
        "RUN",
        "mkdir /image && python -m image --root /image --packages /packages",
    )
    assert FINAL[:2] == [("FROM", "scratch"), ("COPY", "--from=build /image /")]
    assert {instruction for instruction, _ in FINAL[2:]} == DESCRIPTIVE


def test_nothing_is_installed_but_by_hash() -> None:
    installs = [run for run in of(BUILD, "RUN") if "pip install" in run]
    assert installs
    assert all("--require-hashes" in install for install in installs)


def test_what_differs_with_each_commit_comes_after_what_does_not() -> None:
    # Docker makes a step anew once an argument differs that is declared before it.
    steps = [f"{instruction} {arguments}" for instruction, arguments in BUILD]
    (install,) = (i for i, step in enumerate(steps) if "pip install" in step)
    (fill,) = (i for i, step in enumerate(steps) if "python -m image" in step)
    (epoch,) = (i for i, step in enumerate(steps) if step.startswith("ARG SOURCE_DATE_EPOCH"))
    assert install < epoch < fill


def test_it_runs_the_same_process() -> None:
    assert of(FINAL, "USER") == [PROCESS["User"]]
    assert of(FINAL, "WORKDIR") == [PROCESS["WorkingDir"]]
    assert [json.loads(text) for text in of(FINAL, "ENTRYPOINT")] == [PROCESS["Entrypoint"]]
    assert [json.loads(text) for text in of(FINAL, "CMD")] == [PROCESS["Cmd"]]
    assert " ".join(of(FINAL, "ENV")).split() == PROCESS["Env"]


def test_it_has_the_same_labels() -> None:
    (labels,) = of(FINAL, "LABEL")
    found = dict(re.findall(r'(\S+?)="(.*?)"', labels))
    version = next(text for text in of(FINAL, "ARG") if text.startswith("VERSION="))
    found["org.opencontainers.image.version"] = version.removeprefix("VERSION=")
    assert found.pop("org.opencontainers.image.revision") == "${REVISION}"
    assert found == PROCESS["Labels"]


def test_it_is_the_user_that_the_pods_are() -> None:
    for spec in job_specs().values():
        context = spec["template"]["spec"]["securityContext"]
        assert PROCESS["User"] == f"{context['runAsUser']}:{context['runAsGroup']}"


def test_only_what_is_copied_reaches_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    admitted = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {source.strip("/") for arguments in of(BUILD, "COPY") for source in arguments.split()}
    assert copied - {"."} == admitted
    assert all((ROOT / path).exists() for path in admitted)
