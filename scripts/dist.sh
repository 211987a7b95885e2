#!/usr/bin/env bash
# Makes dist/varve-<version>-linux-x86_64.tar.gz: bin/varve with every library it needs in lib/, but
# for those of the C library, which must be the machine's own. Runs from any folder.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(build/varve --version | awk '{print $2}')
name=varve-$version-linux-x86_64
root=dist/$name
rm -rf "$root" && mkdir -p "$root/lib"
# The install step replaces the build tree's RPATH by $ORIGIN/../lib.
DESTDIR= cmake --install build/release --prefix "$PWD/$root" --component varve >/dev/null
readonly SYSTEM='^(ld-linux.*|libc|libm|libdl|librt|libpthread|libresolv)\.so'
ldd build/release/varve | awk '$2 == "=>" {print $1, $3}' | while read -r soname path; do
  [[ $soname =~ $SYSTEM ]] || cp -L "$path" "$root/lib/$soname"
done
cp LICENSE "$root/"
[ -f README.md ] && cp README.md "$root/"
# It must work away from here, with nothing of the build tree in reach.
trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
cp -r "$root" "$trial/"
if ldd "$trial/$name/bin/varve" | grep -E 'not found|third_party'; then
  echo 'dist: the program still needs libraries from outside its own lib/' >&2
  exit 1
fi
(cd / && env -i "$trial/$name/bin/varve" sql --data "$trial/data" -c 'SELECT 1 AS works' --format csv >/dev/null)
tar -C dist -czf "dist/$name.tar.gz" "$name"
rm -rf "$root"
echo "dist/$name.tar.gz"
