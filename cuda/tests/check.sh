#!/usr/bin/env bash
# Every kernel file read on its own: compiles each cuda/*.cu alone and launches all of its kernels
# through the C driver API on the software CUDA device: check.sh [BUILD_DIR]. NVRTC is found in the
# folder that WISP_NVRTC names, or where the tests of the Maven profile `cuda` unpacked it. Where
# there is nvcc, what it compiles is launched too.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/target/kernels}
source "$root/native/softgpu/find_nvrtc.sh"

configure_and_build() {
  local source=$1 folder=$2
  shift 2
  mkdir -p "$folder"
  if ! { cmake -S "$source" -B "$folder" -DCMAKE_BUILD_TYPE=Release &&
    cmake --build "$folder" --target "$@" -j "$(nproc)"; } >"$folder/build.log" 2>&1; then
    cat "$folder/build.log" >&2
    exit 1
  fi
}
# The profile's own build of the device, where it has been built.
softgpu=$root/target/softgpu
configure_and_build "$root/native/softgpu" "$softgpu" cuda softgpu_compile
configure_and_build "$root/cuda/tests" "$build/harness" kernels

check() {
  local ptx=$1 order=$2
  echo "kernels of $(basename "$ptx") in ${order/#[0-9]*/random} order"
  LD_LIBRARY_PATH=$softgpu WISP_SOFTGPU_ORDER=$order "$build/harness/kernels" "$ptx" |
    grep -E 'FAILED|checks,'
}

# $1: the compiler, $2: the architecture, the rest: a command that is given a folder and the files.
compile() {
  local ptx=$build/$1-compute_$2
  shift 2
  rm -rf "$ptx"
  mkdir -p "$ptx"
  "$@" "$ptx" "$root"/cuda/*.cu
}
nvcc_each() {
  local architecture=$1 ptx=$2 file
  shift 2
  for file in "$@"; do
    nvcc -ptx -arch="compute_$architecture" --fmad=false -lineinfo -std=c++17 \
      -o "$ptx/$(basename "$file" .cu).ptx" "$file"
  done
}
for architecture in 52 75; do
  compile nvrtc $architecture "$softgpu/softgpu_compile" $architecture
done
check "$build/nvrtc-compute_52" plain
check "$build/nvrtc-compute_75" plain
check "$build/nvrtc-compute_75" 7
if command -v nvcc >/dev/null; then
  compile nvcc 75 nvcc_each 75
  check "$build/nvcc-compute_75" plain
else
  echo "no nvcc: only what NVRTC compiles was launched"
fi
