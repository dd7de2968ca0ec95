#!/usr/bin/env bash
# Configures and builds a native library: build.sh BUILD_DIR BUILD_TYPE INSTALL_DIR [cuda]
# The library is libwisp.so, or with 'cuda' the tests' software CUDA device and what stands in for
# the libraries above it.
set -euo pipefail
build=$1 type=$2 install=$3 target=${4:-wisp}
root=$(cd "$(dirname "$0")/.." && pwd)
case $target in
  wisp) source=$root libraries=(libwisp.so) ;;
  cuda)
    source=$root/native/softgpu target=softgpu_libraries
    libraries=(libcuda.so.1 libcudart.so.12 libcublas.so.12 libcublasLt.so.12 libnccl.so.2
      libcudnn.so.9 libcudnn_{graph,ops,cnn,adv}.so.9)
    ;;
  *) echo "build.sh: no library '$target'" >&2 && exit 2 ;;
esac
for tool in cmake g++; do
  command -v "$tool" >/dev/null || {
    echo "wisp: '$tool' is missing; on Debian: apt-get install cmake g++ make" >&2
    exit 2
  }
done
mkdir -p "$build" "$install"
if ! { cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE="$type" &&
  cmake --build "$build" --target "$target" -j "$(nproc)"; } >"$build/build.log" 2>&1; then
  cat "$build/build.log" >&2
  exit 1
fi
for library in "${libraries[@]}"; do
  cmp -s "$build/$library" "$install/$library" || cp "$build/$library" "$install/$library"
done
