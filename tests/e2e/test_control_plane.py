"""The control plane of the tests is a real one: what every other test takes for granted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import urllib3
from kubernetes import client, config

from tests.controlplane import ControlPlane, ControlPlaneError
from tests.controlplane.client import Client
from tests.controlplane.errors import ServerFailed
from tests.controlplane.versions import requested_minor
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.needs_control_plane_processes("is about these processes")


@pytest.fixture
def admin(control_plane: ControlPlane) -> Client:
    return control_plane.apiserver.client


@pytest.fixture
def namespace(admin: Client) -> Iterator[str]:
    name = f"test-{uuid4()}"
    admin.post("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    admin.send("DELETE", f"/api/v1/namespaces/{name}")


def status_of_a_list(kubeconfig: Path, namespace: str = "default", timeout: float = 10.0) -> int:
    """What this kubeconfig's user gets who lists ConfigMaps; the timeout in seconds."""
    load = config.new_client_from_config
    api: client.ApiClient = load(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]
    with api:
        try:
            client.CoreV1Api(api).list_namespaced_config_map(namespace, _request_timeout=timeout)
        except client.ApiException as error:
            return int(error.status)
        return 200


def test_answers_with_the_version_asked_for(control_plane: ControlPlane, admin: Client) -> None:
    version = admin.send("GET", "/version").json()
    assert version["gitVersion"] == f"v{control_plane.version}"
    assert requested_minor(None) in (None, f"{version['major']}.{version['minor']}")


def test_nobody_else_can_read_its_folder(control_plane: ControlPlane) -> None:
    assert control_plane.workdir.stat().st_mode & 0o077 == 0
    assert control_plane.kubeconfig.stat().st_mode & 0o077 == 0


def test_rbac_refuses_a_user_without_rights(control_plane: ControlPlane) -> None:
    kubeconfig = control_plane.kubeconfig_for_user("somebody", ["a group", "another"])
    assert status_of_a_list(kubeconfig) == 403


def test_every_organization_of_a_certificate_is_a_group(control_plane: ControlPlane) -> None:
    kubeconfig = control_plane.kubeconfig_for_user("root", ["a group", "system:masters"])
    assert status_of_a_list(kubeconfig) == 200


def test_a_deleted_namespace_goes_with_all_that_is_in_it(admin: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}"
    admin.post(f"{path}/configmaps", {"metadata": {"name": "one"}})
    admin.send("DELETE", path)
    eventually(lambda: admin.send("GET", path).status == 404)
    assert admin.send("GET", f"{path}/configmaps/one").status == 404


def test_what_is_owned_goes_with_its_owner(admin: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    owner = admin.post(path, {"metadata": {"name": "owner"}})
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": owner["metadata"]["uid"],
    }
    admin.post(path, {"metadata": {"name": "owned", "ownerReferences": [reference]}})
    admin.send("DELETE", f"{path}/owner")
    eventually(lambda: admin.send("GET", f"{path}/owned").status == 404)


def test_a_cron_job_makes_jobs(admin: Client, namespace: str) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "one", "image": "none"}]}
    path = f"/apis/batch/v1/namespaces/{namespace}"
    job = {"spec": {"template": {"spec": pod}}}
    spec = {"schedule": "* * * * *", "timeZone": "Europe/Berlin", "jobTemplate": job}
    cron_job = {"metadata": {"name": "every-minute"}, "spec": {**spec, "suspend": True}}
    created = admin.post(f"{path}/cronjobs", cron_job)
    # A run that was missed is made up for at once; the next one could be a minute away.
    missed = datetime.now(UTC) - timedelta(minutes=2)
    created["status"]["lastScheduleTime"] = missed.strftime("%Y-%m-%dT%H:%M:%SZ")
    late = admin.send("PUT", f"{path}/cronjobs/every-minute/status", created).json()
    late["spec"]["suspend"] = False
    assert admin.send("PUT", f"{path}/cronjobs/every-minute", late).status == 200
    eventually(lambda: bool(admin.send("GET", f"{path}/jobs").json()["items"]))


def test_a_restarted_api_server_has_its_address_and_its_data(
    control_plane: ControlPlane, admin: Client, namespace: str
) -> None:
    server = control_plane.server
    control_plane.stop_apiserver()
    assert not admin.answers("/readyz")
    # From a thread that ends: the servers' lives hang on the process, not on who started them.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(control_plane.start_apiserver).result()
    assert control_plane.server == server
    assert admin.answers(f"/api/v1/namespaces/{namespace}")


def test_a_paused_api_server_does_not_answer_and_goes_on_when_resumed(
    control_plane: ControlPlane, admin: Client
) -> None:
    with control_plane.paused("kube-apiserver"), pytest.raises(urllib3.exceptions.HTTPError):
        status_of_a_list(control_plane.kubeconfig, timeout=0.5)
    assert admin.answers("/version")


def test_a_service_account_has_only_the_rights_it_was_given(
    control_plane: ControlPlane, admin: Client, namespace: str
) -> None:
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    admin.post(account, {"metadata": {"name": "reader"}})
    kubeconfig = control_plane.kubeconfig_for_service_account(
        namespace, "reader", timedelta(minutes=10)
    )
    assert status_of_a_list(kubeconfig, namespace) == 403
    role = {"kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io"}
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": namespace}
    admin.post(
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
        {"metadata": {"name": "reader"}, "roleRef": role, "subjects": [subject]},
    )
    eventually(lambda: status_of_a_list(kubeconfig, namespace) == 200)


def test_a_token_shorter_than_kubernetes_allows_is_refused(
    control_plane: ControlPlane, admin: Client, namespace: str
) -> None:
    admin.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "one"}})
    with pytest.raises(ControlPlaneError, match="422"):
        control_plane.kubeconfig_for_service_account(namespace, "one", timedelta(minutes=1))


def test_a_compacted_etcd_lets_continue_tokens_expire(
    control_plane: ControlPlane, admin: Client, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for name in ("one", "two", "three"):
        admin.post(path, {"metadata": {"name": name}})
    page = admin.send("GET", f"{path}?limit=1").json()
    admin.send("DELETE", f"{path}/two")
    assert control_plane.compact_etcd() > int(page["metadata"]["resourceVersion"])
    control_plane.stop_apiserver()  # its watch cache may still know the list
    control_plane.start_apiserver()
    token = page["metadata"]["continue"]
    assert admin.send("GET", f"{path}?limit=1&continue={token}").status == 410


def test_a_further_api_server_serves_the_same_objects(
    control_plane: ControlPlane, namespace: str
) -> None:
    further = control_plane.start_further_apiserver()
    try:
        assert further.server != control_plane.server
        assert status_of_a_list(further.kubeconfig, namespace) == 200
    finally:
        further.discard()


def test_the_audit_log_tells_writes_and_dry_runs(
    control_plane: ControlPlane, admin: Client, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    admin.post(f"{path}?dryRun=All", {"metadata": {"name": "one"}})
    admin.post(path, {"metadata": {"name": "one"}})

    def creations() -> list[str]:
        return [
            event["requestURI"]
            for event in control_plane.audit_events()
            if event["verb"] == "create" and event["requestURI"].startswith(path)
            if event["user"]["username"] == "admin"
        ]

    eventually(lambda: creations() == [f"{path}?dryRun=All", path])


def test_a_server_that_cannot_start_shows_the_end_of_its_log() -> None:
    with pytest.raises(ServerFailed, match=r"kube-apiserver ended with 1.*\n.*no-such-flag"):
        ControlPlane.start(apiserver_flags=["--no-such-flag"], controller_manager_flags=None)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_the_servers_end_with_a_killed_process() -> None:
    program = (
        "import time\n"
        "from tests.controlplane import ControlPlane\n"
        "control_plane = ControlPlane.start(controller_manager_flags=None)\n"
        "print(control_plane.workdir, *[p.pid for p in control_plane.processes() if p.running],"
        " flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        workdir, *pids = process.stdout.readline().split()
        process.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    eventually(lambda: not any(alive(int(pid)) for pid in pids), limit=10)
    assert Path(workdir).exists()
    os.utime(workdir, (0, time.time() - 3600))
    with ControlPlane.start(controller_manager_flags=None):
        assert not Path(workdir).exists(), "the next one cleans up"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
