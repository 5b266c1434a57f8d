# syntax=docker/dockerfile:1

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN make binary BINARY=/out/futakagi VERSION="$VERSION"
# An empty folder that belongs to the user below: scratch cannot make one.
RUN mkdir /out/data && chown 65532:65532 /out/data

# Nothing but the binary: no shell, no package, no base image to keep up to
# date. Zone names and public certificate roots are inside it.
FROM scratch
COPY --from=build /out/futakagi /futakagi
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=4s --start-period=20s --retries=3 CMD ["/futakagi", "healthcheck"]
ENTRYPOINT ["/futakagi"]
CMD ["serve"]
