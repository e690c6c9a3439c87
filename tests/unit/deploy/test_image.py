"""The Dockerfile, as far as it can be judged without Docker."""

import re
import tomllib

from tests.manifests import DEPLOY, job_specs

ROOT = DEPLOY.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


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


ARGUMENTS, BUILD, FINAL = stages()


def of(stage: list[tuple[str, str]], instruction: str) -> list[str]:
    return [arguments for name, arguments in stage if name == instruction]


def test_both_stages_have_the_base_that_a_release_passes_with_its_digest() -> None:
    ((name, base),) = (argument.split("=") for argument in of(ARGUMENTS, "ARG"))
    assert name == "PYTHON"
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", base)
    assert of(BUILD, "FROM") == ["${PYTHON} AS build"]
    assert of(FINAL, "FROM") == ["${PYTHON}"]


def test_nothing_is_installed_but_by_hash_or_from_our_own_wheel() -> None:
    commands = " ".join(of(BUILD, "RUN")).split("&&")
    installs = [command for command in commands if " pip " in command]
    assert len(installs) == 3
    assert all("--require-hashes" in i or "--no-index" in i for i in installs)
    assert all("--only-binary=:all:" in i or "--no-index" in i for i in installs)


def test_nothing_runs_in_the_final_stage() -> None:
    assert not of(FINAL, "RUN")
    assert of(FINAL, "COPY") == ["--from=build /opt/archiver /opt/archiver"]


def test_it_is_the_user_that_the_pods_are() -> None:
    (user,) = of(FINAL, "USER")
    for spec in job_specs().values():
        context = spec["template"]["spec"]["securityContext"]
        assert user == f"{context['runAsUser']}:{context['runAsGroup']}"


def test_the_process_gets_its_signals_itself() -> None:
    assert of(FINAL, "ENTRYPOINT") == ['["/opt/archiver/bin/archiver"]']
    assert of(FINAL, "CMD") == ['["--help"]']
    assert "archiver" in PROJECT["scripts"]


def test_labels_say_what_it_is() -> None:
    (labels,) = of(FINAL, "LABEL")
    assert f'title="{PROJECT["name"]}"' in labels
    assert f'description="{PROJECT["description"]}"' in labels
    assert f'licenses="{PROJECT["license"]}"' in labels
    assert f"VERSION={PROJECT['version']}" in of(FINAL, "ARG")


def test_only_what_is_copied_reaches_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    admitted = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {source.strip("/") for arguments in of(BUILD, "COPY") for source in arguments.split()}
    targets = {".", "requirements"}
    assert copied - targets == admitted
    assert all((ROOT / path).exists() for path in admitted)
