# One image for all roles: `docker run … edge302 up`, `gateway`, `shipper`, `relay` or `api`.

FROM rust:1.95.0-slim-bookworm AS build
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY requirements requirements
# Maturin alone of what developers need; every download has a known hash, and no package's build script runs here.
RUN python3 -m venv /build \
    && sed -n '/^maturin==/,/[^\\]$/p' requirements/dev.txt > /tmp/build.txt \
    && /build/bin/pip install -q --require-hashes --only-binary :all: -r /tmp/build.txt
COPY . .
RUN PATH="/build/bin:$PATH" pip wheel -q --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.11.14-slim-bookworm AS edge302
COPY requirements/run.txt /tmp/run.txt
RUN pip install -q --no-cache-dir --require-hashes --only-binary :all: -r /tmp/run.txt
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels pip install -q --no-cache-dir --no-deps /wheels/*.whl
# By number, so that `runAsNonRoot` can be checked. /data is made here so that a new volume has the same owner.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin edge302 && install -d -m 0700 -o 10001 -g 10001 /data
USER 10001:10001
ENV EDGE302_DATA=/data EDGE302_HOST=0.0.0.0 PYTHONDONTWRITEBYTECODE=1
VOLUME /data
EXPOSE 8080 8081
# Every role's supervisor serves metrics; compose asks gateways and control planes more closely.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9302/metrics', timeout=2)"]
ENTRYPOINT ["edge302"]
CMD ["up"]

# Debian's PgBouncer, the version that the tests run.
FROM debian:12.12-slim AS pgbouncer
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends pgbouncer && rm -rf /var/lib/apt/lists/*
USER postgres
EXPOSE 6432
HEALTHCHECK --interval=10s --timeout=3s CMD ["bash", "-c", ": < /dev/tcp/127.0.0.1/6432"]
ENTRYPOINT ["pgbouncer"]
CMD ["/etc/pgbouncer/pgbouncer.ini"]
