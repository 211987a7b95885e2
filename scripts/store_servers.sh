#!/usr/bin/env bash
# Fetches the object services that test/stores runs the stores against, into third_party/store_servers/ (or
# VARVE_STORE_SERVERS): versitygw (S3), fake-gcs-server (Google Cloud Storage), Azurite (Azure). Each is pinned and
# checked. What cannot be had here is said and left out: its tests are skipped. A second run is a no-op.
#   scripts/store_servers.sh          these three; the Go programs are compiled, which takes minutes once
#   scripts/store_servers.sh minio    also MinIO, a second S3 (a long build)
set -euo pipefail
cd "$(dirname "$0")/.."

# MODULE VERSION PACKAGE SUM, where SUM is Go's hash over the SHA-256 of every file of the module; what the module
# depends on is checked against the module's own go.sum.
readonly VERSITYGW=(github.com/versity/versitygw v1.8.0 github.com/versity/versitygw/cmd/versitygw
  'h1:au+wI+aybno/STsQiSm35Uu6Q6iK5MWReQxgO6SEMFc=')
readonly FAKE_GCS=(github.com/fsouza/fake-gcs-server v1.56.1 github.com/fsouza/fake-gcs-server
  'h1:K03sAvbLvDz4hAynpCCUqnNRp+ik9JFSvHbkD/wTPOU=')
readonly MINIO=(github.com/minio/minio v0.0.0-20260212201848-7aac2a2c5b7c github.com/minio/minio
  'h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA=')
readonly AZURITE='azurite@3.35.0'
readonly AZURITE_SHA256=6c04d7a78b0f41eb7b82004a9be640a1aab722137aa1801813eb06263576f753
# What Azurite needs: the newest packages before this day, and the SHA-256 over all of them.
readonly AZURITE_DAY=2026-11-01
readonly AZURITE_PACKAGES_SHA256=0440f3d37a8ea9473cad8659085ae48a89c531a7d8a5ff67389c079e435ef169

# Of one server; where the network is slow, the tests do without it.
readonly SECONDS_MAX=400

dir=$(realpath -m "${VARVE_STORE_SERVERS:-third_party/store_servers}")
readonly dir

say() { printf 'store_servers: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

fetch_go() { # NAME MODULE VERSION PACKAGE SUM
  local name=$1 module=$2 version=$3 package=$4 sum=$5 found
  [ -x "$dir/bin/$name" ] && return 0
  command -v go >/dev/null || die "$name needs Go 1.21 or newer to be compiled, and there is no go"
  found=$(go mod download -json "$module@$version" | sed -n 's/.*"Sum": "\(.*\)".*/\1/p') || die "cannot download $module"
  [ "$found" = "$sum" ] || die "checksum of $module is $found, expected $sum"
  say "compiling $name $version"
  CGO_ENABLED=0 GOBIN="$dir/tmp" GOFLAGS=-p=2 nice go install "$package@$version" 2>"$dir/$name.log" ||
    { tail -n 5 "$dir/$name.log" >&2; die "cannot compile $name"; }
  mv "$dir/tmp/$name" "$dir/bin/$name"
}

fetch_azurite() {
  local home=$dir/azurite
  [ -f "$home/.complete" ] && return 0
  command -v npm >/dev/null && command -v node >/dev/null || die 'Azurite needs node and npm'
  say "fetching $AZURITE"
  rm -rf "$home" && mkdir -p "$home"
  (cd "$home" && npm pack --silent "$AZURITE" >/dev/null) || die "cannot fetch $AZURITE"
  local tarball=("$home"/azurite-*.tgz) found
  found=$(sha256sum "${tarball[0]}" | cut -d' ' -f1)
  [ "$found" = "$AZURITE_SHA256" ] || die "checksum of $AZURITE is $found, expected $AZURITE_SHA256"
  (cd "$home" && npm install --silent --no-audit --no-fund --ignore-scripts --before="$AZURITE_DAY" "${tarball[0]}") ||
    die "cannot install $AZURITE"
  found=$(python3 - "$home/package-lock.json" <<'PYTHON'
import hashlib, json, sys
packages = json.load(open(sys.argv[1]))["packages"]
lines = sorted(f"{name} {p['version']} {p['integrity']}" for name, p in packages.items() if name and "integrity" in p)
print(hashlib.sha256("\n".join(lines).encode()).hexdigest())
PYTHON
  )
  [ "$found" = "$AZURITE_PACKAGES_SHA256" ] || die "checksum of Azurite's packages is $found, expected $AZURITE_PACKAGES_SHA256"
  touch "$home/.complete"
}

fetch() {
  case $1 in
    versitygw) fetch_go versitygw "${VERSITYGW[@]}" ;;
    gcs) fetch_go fake-gcs-server "${FAKE_GCS[@]}" ;;
    minio) fetch_go minio "${MINIO[@]}" ;;
    azurite) fetch_azurite ;;
    *) die "no server '$1'" ;;
  esac
}

main() {
  if [ "${1:-}" = --fetch ]; then
    fetch "$2"
    return
  fi
  mkdir -p "$dir/bin" "$dir/tmp"
  local server
  for server in versitygw gcs azurite "$@"; do
    # In a process of its own, since `set -e` does not hold within a condition.
    timeout "$SECONDS_MAX" bash scripts/store_servers.sh --fetch "$server" || say "$server is left out, and its tests are skipped"
  done
}
main "$@"
