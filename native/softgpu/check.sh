#!/usr/bin/env bash
# Builds the software CUDA device and runs its tests, then again under the sanitizers:
# check.sh [BUILD_DIR]. NVRTC is found in the folder that WISP_NVRTC names, or where the tests of the
# Maven profile `cuda` unpacked it; without it the tests that compile CUDA sources are skipped by name.
set -euo pipefail
root=$(cd "$(dirname "$0")" && pwd)
build=${1:-$root/../../target/softgpu}
source "$root/find_nvrtc.sh"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
for sanitizers in "" address,undefined; do
  folder="$build/$([ -z "$sanitizers" ] && echo release || echo sanitized)"
  mkdir -p "$folder"
  echo "software CUDA device${sanitizers:+ under $sanitizers}"
  if ! { cmake -S "$root" -B "$folder" "-DSOFTGPU_SANITIZE=$sanitizers" \
    -DCMAKE_BUILD_TYPE="$([ -z "$sanitizers" ] && echo Release || echo RelWithDebInfo)" &&
    cmake --build "$folder" -j "$(nproc)"; } >"$folder/build.log" 2>&1; then
    cat "$folder/build.log" >&2
    exit 1
  fi
  ctest --test-dir "$folder" --output-on-failure
done
