#!/usr/bin/env bash
# Checks that the program's hashes come from the system's OpenSSL, and not from the copy that libparquet exports: that
# one gets no security updates. Usage: check_openssl.sh build/release/varve
set -euo pipefail
trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
# A statement that writes to a data folder hashes something on its way.
LD_DEBUG=bindings LD_BIND_NOW=1 LD_DEBUG_OUTPUT="$trial/ld" \
  "$1" sql --data "$trial/data" -c 'CREATE TABLE t (ts timestamp TIMESTAMP KEY, v double)' >/dev/null
bindings=$(cat "$trial"/ld.* | grep -E "binding file $1 \[0\] to .*(EVP_sha256|SHA256_Init|EVP_DigestInit_ex)'" || true)
if [ -z "$bindings" ]; then
  echo "check_openssl: $1 binds no OpenSSL symbol: has the test lost its subject?" >&2
  exit 1
fi
echo "$bindings"
if grep -qvE "to [^ ]*/libcrypto\.so\.3 \[0\]" <<<"$bindings"; then
  echo 'check_openssl: some bind to another library than libcrypto.so.3; see src/main/CMakeLists.txt' >&2
  exit 1
fi
