# syntax=docker/dockerfile:1
# Two stages: the first installs from the hashed lock, the second holds what runs. Runs as a user without rights, on a
# read-only root file system: it writes to /data (the embedded store) and /tmp only.

FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/pullcord
WORKDIR /src
COPY requirements-runtime.lock ./
RUN /opt/pullcord/bin/pip install --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY handlers handlers
COPY runbooks runbooks
COPY sandbox sandbox
COPY examples examples
RUN /opt/pullcord/bin/pip install --no-deps --no-build-isolation . \
 && /opt/pullcord/bin/pip uninstall --yes hatchling pathspec pluggy trove-classifiers \
 && /opt/pullcord/bin/python -m compileall -q /opt/pullcord/lib

FROM python:3.12-slim-bookworm
# git: eval cases leave as a branch of a git remote.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git ca-certificates openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 pullcord \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin pullcord \
 && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/pullcord /opt/pullcord
ENV PATH=/opt/pullcord/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    PULLCORD_HOST=0.0.0.0 \
    PULLCORD_PORT=8080 \
    PULLCORD_DATA_DIR=/data
USER 10001:10001
WORKDIR /tmp
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PULLCORD_PORT']}/healthz\", timeout=3)"]
ENTRYPOINT ["pullcord"]
CMD ["serve"]
