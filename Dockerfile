# The release image: Python, the locked dependencies, our wheel. No build tools, nothing of tests.
#
# The base is a tag here, so that anybody can build: docker build -t kubernaut-archiver:0.1.0 .
# A release does not trust a tag, which can be moved: its build resolves it once and passes the digest,
#   --build-arg PYTHON=python:3.13-slim-trixie@sha256:<digest>
# and keeps that digest beside the image's own. It cannot stand here: a pinned digest that nobody
# renews is a base that gets no security updates.
#
# The same sources give the same files: dependencies by hash, bytecode that holds no times, and every
# time set to SOURCE_DATE_EPOCH. For the same image, digest included, the builder has to rewrite its
# own times too: --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
#   --output type=oci,dest=archiver.tar,rewrite-timestamp=true
ARG PYTHON=python:3.13-slim-trixie

FROM ${PYTHON} AS build
# An argument's value is part of a step's cache key only after its ARG.
ARG SOURCE_DATE_EPOCH=1704067200
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# First what changes rarely. --no-deps: what the lock does not name is not installed.
COPY requirements/run.txt requirements/dev.txt requirements/
RUN python -m venv --without-pip /opt/archiver \
 && python -m pip --python /opt/archiver/bin/python install --quiet --no-compile --no-deps \
      --only-binary=:all: --require-hashes --requirement requirements/run.txt

# The build backend, from the same lock: its entries there, hashes and all. Should it come to depend on
# another package, pip stops here, because that one has no hash.
RUN awk '/^[a-z]/ { keep = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } keep' \
      requirements/dev.txt > build.txt \
 && python -m venv --without-pip /opt/build \
 && python -m pip --python /opt/build/bin/python install --quiet \
      --only-binary=:all: --require-hashes --requirement build.txt

COPY pyproject.toml README.md ./
COPY archiver archiver/
# Hatchling takes the wheel's times from SOURCE_DATE_EPOCH. The bytecode is made here because the root
# file system is read-only later, and unchecked because nothing changes the sources below it.
RUN /opt/build/bin/python -m hatchling build --target wheel --directory dist \
 && python -m pip --python /opt/archiver/bin/python install --quiet --no-compile --no-deps \
      --no-index dist/*.whl \
 && /opt/archiver/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/archiver/lib \
 && find /opt/archiver -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM ${PYTHON}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="kubernaut-archiver" \
      org.opencontainers.image.description="Saves the audit trail of Kubernaut's RemediationProcessing resources to PostgreSQL before cleanup deletes them." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Owned by root and written by nobody: the process can change no line of what it runs.
COPY --from=build /opt/archiver /opt/archiver
# No home, so that nothing is read from or written to one; output is not held back, so that the last
# words before a kill are in the log.
ENV PATH=/opt/archiver/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/nonexistent \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number: Kubernetes cannot tell of a name whether it is root (runAsNonRoot).
USER 65532:65532
WORKDIR /
# No shell between the process and its signals.
ENTRYPOINT ["/opt/archiver/bin/archiver"]
CMD ["--help"]
