# One image that serves whatever lies in its model store, and one that also trains (--target train).
#   docker build -t snag --build-arg TORCH_INDEX=<index of CPU-only torch wheels> .
#   docker run --read-only --tmpfs /tmp --user "$(id -u)" --stop-timeout 40 -p 8080:8080 -v "$PWD/model_store:/srv/snag/model_store:ro" \
#       -v "$PWD/runs/tokens.json:/srv/snag/runs/tokens.json:ro" snag
# All models of the store are served; `--model screw` behind the image's name serves one. Clients show one of the tokens
# (python -m snag token); `-e SNAG_AUTH=off` lets everybody in who reaches the port.
# Behind a company's own certificate authority or package index: --secret id=certificates,src=ca.pem --secret id=pip,src=pip.conf.
# Both are there while packages are installed, and in no layer.
ARG BASE=python:3.11-slim

# What a server imports: no torchvision, nothing that trains.
FROM ${BASE} AS serve-packages
# Empty: torch from the default index, with CUDA (several GB). A CPU-only index makes the image a fraction of that.
ARG TORCH_INDEX=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
# What undoes PNG's filters by vectors; the compiler stays behind in this stage.
# hadolint ignore=DL3008
RUN --mount=type=secret,id=certificates,target=/run/secrets/certificates \
    set -- ; \
    if [ -s /run/secrets/certificates ]; then set -- -o Acquire::https::CAInfo=/run/secrets/certificates; fi \
 && apt-get "$@" update \
 && apt-get "$@" install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
COPY native/unfilter.c native/build.py /native/
COPY requirements/serve.lock requirements/torch.txt /requirements/
RUN --mount=type=secret,id=certificates,target=/run/secrets/certificates --mount=type=secret,id=pip,target=/etc/pip.conf \
    if [ -s /run/secrets/certificates ]; then export PIP_CERT=/run/secrets/certificates; fi \
 && python3 -m venv /opt/snag \
 && /opt/snag/bin/pip install --no-deps --require-hashes -r /requirements/serve.lock \
 && grep '^torch==' /requirements/torch.txt > /requirements/torch-alone.txt \
 && /opt/snag/bin/pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -r /requirements/torch-alone.txt \
 && /opt/snag/bin/python3 /native/build.py

FROM ${BASE} AS bare
LABEL org.opencontainers.image.title="snag" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --user-group --home-dir /srv/snag --shell /usr/sbin/nologin snag
WORKDIR /srv/snag
COPY config.properties ./
COPY snag snag
COPY training training
COPY handler handler
COPY model_store model_store
# Root owns the code and the model store; the server writes below TMPDIR alone, so the root file system can be read-only.
ENV PATH=/opt/snag/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 TMPDIR=/tmp

FROM bare AS serve
COPY --from=serve-packages /opt/snag /opt/snag
USER 10001
VOLUME ["/srv/snag/model_store", "/tmp"]
EXPOSE 8080 8082
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "snag", "health"]
# Inside a container loopback is the container's own, so predictions listen on every address, and ask for a token.
ENTRYPOINT ["python", "-m", "snag", "serve", "--foreground", "--server-folder", "/tmp/server", \
            "--inference-host", "0.0.0.0", "--metrics-host", "0.0.0.0"]
CMD ["--model", "all"]

# docker build -t snag-train --target train . && docker run --user "$(id -u)" -v "$PWD:/work" -w /work snag-train train --data ...
FROM serve-packages AS train-packages
COPY requirements/base.lock requirements/features.lock /requirements/
RUN --mount=type=secret,id=certificates,target=/run/secrets/certificates --mount=type=secret,id=pip,target=/etc/pip.conf \
    if [ -s /run/secrets/certificates ]; then export PIP_CERT=/run/secrets/certificates; fi \
 && /opt/snag/bin/pip install --no-deps --require-hashes -r /requirements/base.lock \
 && /opt/snag/bin/pip install --no-deps --require-hashes -r /requirements/features.lock \
 && /opt/snag/bin/pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -r /requirements/torch.txt

FROM bare AS train
COPY --from=train-packages /opt/snag /opt/snag
ENV PYTHONPATH=/srv/snag
USER 10001
VOLUME ["/tmp"]
ENTRYPOINT ["python", "-m", "snag"]
CMD ["--help"]

# The last stage is what a build without --target makes.
FROM serve
