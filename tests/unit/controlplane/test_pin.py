"""go.mod of a further Kubernetes release."""

from tests.controlplane.pin import go_mod
from tests.controlplane.versions import current_version

UPSTREAM = """\
module k8s.io/kubernetes

go 1.26.0

godebug default=go1.26

require (
	k8s.io/api v0.0.0
	k8s.io/utils v0.0.0-20260626114624-be93311217bd
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/client-go => ./staging/src/k8s.io/client-go
)
"""


def test_staging_modules_are_replaced_by_the_release_of_the_same_commit() -> None:
    assert go_mod(UPSTREAM, "1.37.2") == (
        "module kubernaut-archiver/tests/controlplane\n"
        "\n"
        "go 1.26.0\n"
        "\n"
        "godebug default=go1.26\n"
        "\n"
        "require k8s.io/kubernetes v1.37.2\n"
        "\n"
        "replace (\n"
        "\tk8s.io/api => k8s.io/api v0.37.2\n"
        "\tk8s.io/client-go => k8s.io/client-go v0.37.2\n"
        ")\n"
    )


def test_the_pinned_module_has_the_staging_modules_of_its_release() -> None:
    version = current_version()
    staging = version.release.replace("1.", "v0.", 1)
    text = version.modfile.read_text()
    assert f"k8s.io/api => k8s.io/api {staging}" in text
    assert f"k8s.io/client-go => k8s.io/client-go {staging}" in text
