// Only marks the root of the module: `go build -modfile=<minor>/go.mod` reads the pinned
// requirements of one Kubernetes minor instead (https://go.dev/ref/mod#build-commands).
module kubernaut-archiver/tests/controlplane

go 1.26.8
