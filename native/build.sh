#!/usr/bin/env bash
# Configures and builds the native library: build.sh BUILD_DIR BUILD_TYPE INSTALL_DIR
set -euo pipefail
build=$1 type=$2 install=$3
root=$(cd "$(dirname "$0")/.." && pwd)
for tool in cmake g++; do
  command -v "$tool" >/dev/null || {
    echo "wisp: '$tool' is missing; on Debian: apt-get install cmake g++ make" >&2
    exit 2
  }
done
mkdir -p "$build" "$install"
if ! { cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE="$type" &&
  cmake --build "$build" --target wisp -j "$(nproc)"; } >"$build/build.log" 2>&1; then
  cat "$build/build.log" >&2
  exit 1
fi
cmp -s "$build/libwisp.so" "$install/libwisp.so" || cp "$build/libwisp.so" "$install/libwisp.so"
