"""The cluster of the settings: imported only where one is read, because it takes its time."""

from archiver.kube.client import connect
from archiver.kube.source import KubeSource
from archiver.settings import Settings
from archiver.shutdown import Shutdown


def open_cluster(
    settings: Settings, stop: Shutdown, *, namespace: str | None = None, selector: str | None = None
) -> KubeSource:
    """The resource of the settings in their cluster; nothing is asked yet. Raises Configuration."""
    plural, version, group = settings.resource_parts()
    return KubeSource(
        connect(kubeconfig=settings.kubeconfig, context=settings.context, stop=stop),
        group=group,
        plural=plural,
        version=version,
        namespace=namespace,
        label_selector=selector,
        page_size=settings.page_size,
        given_cluster_id=settings.cluster_id,
    )
