"""The Kubernetes API: the only package that imports `kubernetes` and `pycurl`.

::

    credentials   whose configuration: --kubeconfig, KUBECONFIG, ~/.kube/config, the pod's own
    exec_plugin   credentials of a program that the kubeconfig names
    client        bytes in, bytes out
    dispatch      the one thread that carries all requests, and repeats them
    lane          requests of one kind, in order, with a window and a pace
    window        how many requests at once: fewer after a 429
    patience      how long a request is repeated, and how long between
    readiness     whether a missing right is one: a server that has just started refuses everybody
    transfers     attempts under way: libcurl's multi interface
    login         credentials as loaded once: certificates, proxy, the Authorization header
    request       one request as data, and the bytes of its answer as they come in
    answer        status, headers, bytes; what a Status body says
    failures      what an answer without success means: tables
    discovery     which version of a resource is served, under which path
    list_body     a list's bytes split into its items' bytes
    pagination    a list page by page: limit, continue, 410, pages bounded by bytes
    custom_resources
                  items of a list as custom resources, each once a run
    source        the port Source
    surroundings  owners and namespaces of what was found
    marker        the port Marker
    rights        what this account may do, asked of the API server
    guard         whether deletion can overtake the archiver
    admission     admission policies and bindings: which deletions they are about

Everything below `client` deals in paths and bytes; what the API server says is decoded with msgspec
where it is needed. The models of the `kubernetes` package are not used: they cost more time per
object than all the rest of a run.
"""

from archiver.kube.client import Client, connect
from archiver.kube.discovery import Resource, discover
from archiver.kube.login import Network
from archiver.kube.marker import KubeMarker
from archiver.kube.rights import missing_rights
from archiver.kube.source import KubeSource

__all__ = [
    "Client",
    "KubeMarker",
    "KubeSource",
    "Network",
    "Resource",
    "connect",
    "discover",
    "missing_rights",
]
