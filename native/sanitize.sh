#!/usr/bin/env bash
# Builds and runs the native tests under the sanitizers: sanitize.sh [BUILD_DIR]
# Two builds: address and undefined behaviour together, threads apart (they exclude each other).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/target/sanitize}

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1

for sanitizers in address,undefined thread; do
  folder="$build/${sanitizers%%,*}"
  mkdir -p "$folder"
  echo "native tests under $sanitizers"
  if ! { cmake -S "$root" -B "$folder" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWISP_TESTS=ON \
    "-DWISP_SANITIZE=$sanitizers" &&
    cmake --build "$folder" -j "$(nproc)"; } >"$folder/build.log" 2>&1; then
    cat "$folder/build.log" >&2
    exit 1
  fi
  ctest --test-dir "$folder" --output-on-failure
done
