# The image of cvmanager: Node 24 and one bundled file, without a shell. `make image` builds it; docs/image.md describes it.
# For images that never change, name the bases by digest. BUILD_IMAGE: Node 24 with npm and a shell. RUNTIME_IMAGE: Node 24 at
# /nodejs/bin/node.
ARG BUILD_IMAGE=node:24-trixie-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot
# Set by BuildKit. The builder before it (DOCKER_BUILDKIT=0) does not know it.
ARG BUILDPLATFORM

# The bundle is the same for every architecture, so the builder's own makes it, without emulation.
FROM --platform=${BUILDPLATFORM:-linux/amd64} ${BUILD_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
ARG CVMANAGER_COMMIT=unknown
# Each file has the time 0, as in distroless. To BuildKit, files that differ in time alone are the same, so it may copy those of an
# earlier build from its cache, with their time.
RUN CVMANAGER_COMMIT=${CVMANAGER_COMMIT} node scripts/build.ts \
 && install -D -m 755 image/cvmanager /image/usr/local/bin/cvmanager \
 && install -D -m 644 -t /image/usr/local/lib/cvmanager package.json dist/cvmanager.js dist/cvmanager.js.LEGAL.txt \
 && install -D -m 644 -t /image/usr/share/doc/cvmanager LICENSE dist/packages.txt dist/cvmanager.cdx.json \
 && find /image -exec touch --no-dereference --date=@0 {} +

# Nothing runs here, so that any builder can make any architecture.
FROM ${RUNTIME_IMAGE}
ARG CVMANAGER_COMMIT=unknown
ARG CVMANAGER_VERSION=unknown
LABEL org.opencontainers.image.title="cvmanager" \
      org.opencontainers.image.description="Kubernetes operator for continuous delivery by image tag" \
      org.opencontainers.image.source="https://github.com/cvmanager/cvmanager" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${CVMANAGER_VERSION}" \
      org.opencontainers.image.revision="${CVMANAGER_COMMIT}"
COPY --from=build /image/ /
# By number: Kubernetes checks runAsNonRoot without reading /etc/passwd.
USER 65532:65532
WORKDIR /
EXPOSE 8081
ENTRYPOINT ["cvmanager"]
CMD []
