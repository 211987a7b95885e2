#!/usr/bin/env bash
# Format, layers, tidy and clang-tidy over src/. Called by `make lint`, which sets up the tools and
# the compilation database in build/release.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t sources < <(git ls-files --cached --others --exclude-standard 'src/*.h' 'src/*.cc' 'bench/*.cc')
clang-format-19 --dry-run -Werror "${sources[@]}"
python3 scripts/check_layers.py
python3 scripts/tidy.py
# clang reads the compilation database of g++: it does not know all of its warnings.
printf '%s\n' "${sources[@]}" | grep '\.cc$' |
  xargs -P "$(nproc)" -n 1 clang-tidy-19 -p build/release --quiet --extra-arg=-Wno-unknown-warning-option
