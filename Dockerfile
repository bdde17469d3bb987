# The server in a container that runs as nobody in particular and writes to /out and /cache only:
#
#   docker build -t archviz .
#   docker run --rm -i --read-only --tmpfs /tmp -v archviz-out:/out -v archviz-cache:/cache archviz
#
# See docs/clients/docker.md.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE SKILL.md ./
COPY archviz archviz
COPY references references
COPY assets assets
# Bytecode that is believed without a look at times of files: copies between layers round them, and nothing could be compiled again.
RUN python -m venv /opt/archviz \
 && /opt/archviz/bin/pip install --no-cache-dir --no-compile . \
 && /opt/archviz/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/archviz/lib

FROM python:3.12-slim
COPY --from=build /opt/archviz /opt/archviz
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin archviz \
 && install -d -o archviz -g archviz /out /cache
ENV PATH=/opt/archviz/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ARCHVIZ_OUTPUT=/out \
    ARCHVIZ_CACHE=/cache
USER archviz
WORKDIR /out
VOLUME ["/out", "/cache"]
EXPOSE 8765
ENTRYPOINT ["archviz"]
CMD ["serve"]
