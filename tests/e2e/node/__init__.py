"""The image, in pods that Jobs make, on a cluster with nodes: the product as it is installed.

The cluster, the image on it and an address that its pods reach are the caller's: variables say
where. `make e2e-node` brings a node of its own, `make e2e-kind` asks kind for one.

::

    target          what the variables say
    overlay         deploy/ with this cluster's image and settings, as a kustomize overlay
    installed       what was installed: kubectl, the archive, and Jobs made from the CronJob
    history         every state a pod was in, also those of pods that are gone
    restriction     an admission policy under which the archiver may change less
    settled         each resource has one row and a mark with its digest
"""
