# Sightline in a container. The pip lines are the Makefile's own (tests/test_install.py holds them together).
#
#   docker build --tag sightline .                                        (--build-arg TORCH_INDEX=... : README, "A CPU or a CUDA build")
#   docker run --publish 127.0.0.1:8501:8501 --env SIGHTLINE_PASSWORD=... sightline
FROM python:3.11-slim-bookworm

# Where torch is taken from; empty: pip's own index.
ARG TORCH_INDEX=""

# rasterio's wheel leaves expat to the system.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/sightline

COPY requirements.txt ./
RUN if [ -n "$TORCH_INDEX" ]; then python -m pip install --no-cache-dir --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)"; fi
RUN python -m pip install --no-cache-dir -r requirements.txt

COPY . .
RUN python -m pip install --no-cache-dir --no-deps -e .

RUN useradd --create-home --uid 1000 sightline \
    && install --directory --mode 0700 --owner sightline --group sightline /var/lib/sightline
USER sightline

# A container is reached from outside it, so it listens on every address, which Sightline refuses without SIGHTLINE_PASSWORD.
ENV SIGHTLINE_HOME=/var/lib/sightline \
    SIGHTLINE_ADDRESS=0.0.0.0 \
    SIGHTLINE_PORT=8501 \
    PYTHONUNBUFFERED=1
VOLUME ["/var/lib/sightline"]
EXPOSE 8501

HEALTHCHECK --interval=30s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['SIGHTLINE_PORT'] + '/_stcore/health', timeout=4)"]

CMD ["sightline", "app"]
