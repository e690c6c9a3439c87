"""The release image as an OCI archive, built without a registry and without Docker.

::

    distribution  what is taken from Debian, and why
    folders       those that two processes share, and those of processes that were killed
    scratch       the latter for the parts of a build
    packages      Debian packages: fetched through apt's signed index, unpacked, never installed
    interpreter   the image's own Python, run from its folder before there is an image
    environment   the locked dependencies and our wheel, installed by that Python
    root          the root file system: all of these, trimmed
    layer         folders as layers: the same bytes for the same files
    archive       layers and configuration as an OCI image layout in one tar file
    sbom          what is in it, as CycloneDX

The Dockerfile copies the same root file system, so that both ways end in the same image.
"""
