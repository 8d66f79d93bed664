# Images of Lianpu, from Debian and PyPI alone:
#   docker build -t lianpu .                          edits photos and folders (the base installation)
#   docker build -t lianpu:serve --target serve .     the page and videos
#   docker build -t lianpu:train --target train .     trains; torch brings CUDA, the machine its driver (docker run --gpus all)
# docs/how-to/docker.md shows how to run them.
ARG DEBIAN=bookworm-slim

FROM debian:${DEBIAN} AS python
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/lianpu/bin:$PATH
# OpenCV links to these two; ca-certificates for models that are fetched at first use
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv ca-certificates libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/lianpu

FROM python AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install build && python -m build --wheel --outdir /wheels .

FROM python AS base
COPY --from=wheel /wheels /wheels
RUN pip install /wheels/lianpu-*.whl
# the models that MediaPipe's authors published (Apache-2.0); without a network the image does without them
ENV LIANPU_MODELS=/opt/lianpu/models
RUN mkdir -p $LIANPU_MODELS && (lianpu models fetch mediapipe || true) && chmod -R a+rwX $LIANPU_MODELS
RUN useradd --create-home --uid 1000 lianpu && mkdir /photos && chown lianpu /photos
USER lianpu
WORKDIR /photos
ENTRYPOINT ["lianpu"]
CMD ["--help"]

FROM base AS serve
USER root
RUN pip install "$(ls /wheels/lianpu-*.whl)[web,video,heif]"
USER lianpu
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 7860), 4)"]
CMD ["serve", "--host", "0.0.0.0"]

FROM base AS train
USER root
RUN pip install "$(ls /wheels/lianpu-*.whl)[train,report,parquet,hub]"
USER lianpu
CMD ["train", "--help"]

# `docker build .` without --target makes the small one
FROM base
