# The release image, for people with Docker. `make image` makes the same image without it: both copy the
# root file system that `python -m image` fills, so that there is one definition of what is in it.
#
# The base is only where the build runs; nothing of it is in the image but the packages of Debian's
# signed index that image/distribution.py lists. A release passes it with its digest:
#   --build-arg BASE=python:3.11-slim-bookworm@sha256:<digest>
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# First what changes rarely: the tools of the build, from the lock.
COPY requirements requirements/
RUN python -m pip install --quiet --require-hashes --requirement requirements/dev.txt

COPY pyproject.toml README.md ./
COPY image image/
COPY archiver archiver/
# Only here: from its ARG on, an argument's value is part of each step's cache key, and each commit
# has another. Nothing that is installed above is in the image.
ARG SOURCE_DATE_EPOCH=1704067200
RUN mkdir /image && python -m image --root /image --packages /packages

FROM scratch
COPY --from=build /image /
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="kubernaut-archiver" \
      org.opencontainers.image.description="Saves the audit trail of Kubernaut's RemediationProcessing resources to PostgreSQL before cleanup deletes them." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# No home, so that nothing is read from or written to one.
ENV PATH=/usr/local/bin:/usr/bin \
    HOME=/nonexistent \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# By number: Kubernetes cannot tell of a name whether it is root (runAsNonRoot).
USER 65532:65532
WORKDIR /
# No shell between the process and its signals; there is none in the image.
ENTRYPOINT ["/usr/local/bin/archiver"]
CMD ["--help"]
