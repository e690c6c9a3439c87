"""Certificates and kubeconfigs."""

import base64
import ipaddress
import json
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.controlplane.kubeconfig import by_certificate, by_token, write_kubeconfig
from tests.controlplane.pki import Authority


def test_a_client_certificate_names_its_user_and_every_group(tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue_client("one", "system:user", ["a", "b"])
    subject = x509.load_pem_x509_certificate(issued.certificate.read_bytes()).subject
    assert [name.value for name in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [
        "system:user"
    ]
    groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [group.value for group in groups] == ["a", "b"]


def test_a_server_certificate_names_its_hosts_and_is_the_authoritys(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue_server("server", ["localhost", "127.0.0.1"])
    certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    root = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    certificate.verify_directly_issued_by(root)


def test_nobody_else_can_read_the_keys(tmp_path: Path) -> None:
    Authority(tmp_path).issue_client("one", "user")
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_kubeconfig_needs_no_other_file(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue_client("one", "user")
    path = write_kubeconfig(
        tmp_path / "new" / "kubeconfig",
        "https://127.0.0.1:1",
        authority.certificate,
        by_certificate(issued),
    )
    assert path.stat().st_mode & 0o777 == 0o600
    content = json.loads(path.read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    assert base64.b64decode(user["client-key-data"]) == issued.key.read_bytes()
    ca = base64.b64decode(cluster["certificate-authority-data"])
    assert ca == authority.certificate.read_bytes()
    assert cluster["server"] == "https://127.0.0.1:1"


def test_a_kubeconfig_can_be_replaced(tmp_path: Path) -> None:
    authority, path = Authority(tmp_path), tmp_path / "kubeconfig"
    for token in ("a-long-token", "short"):
        write_kubeconfig(path, "https://127.0.0.1:1", authority.certificate, by_token(token))
    assert json.loads(path.read_text())["users"][0]["user"] == {"token": "short"}
