# To be sourced: where WISP_NVRTC is not set, sets it to the NVRTC that the tests of the Maven profile
# `cuda` unpacked, if there is one. Otherwise the dynamic linker searches.
if [ -z "${WISP_NVRTC:-}" ]; then
  target=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/target
  # The profile keeps each library in a folder of its own; the one written last is the current one.
  library=$(ls -t "$target"/cuda/cache/nvrtc-*/libnvrtc.so.12 2>/dev/null | head -1 || true)
  builtins=$(ls -t "$target"/cuda/cache/nvrtc-*/libnvrtc-builtins.so.* 2>/dev/null | head -1 || true)
  if [ -n "$library" ] && [ -n "$builtins" ]; then
    mkdir -p "$target/nvrtc"
    ln -sf "$library" "$builtins" "$target/nvrtc/"
    export WISP_NVRTC=$target/nvrtc
  fi
fi
