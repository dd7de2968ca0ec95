#!/usr/bin/env bash
# Runs Wisp from a checkout: finds a JDK 25, builds once (and again when sources change), starts it.
# WISP_CUDA=1 builds and runs it with the cuda backend.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)

is_25() { [ -x "$1/bin/javac" ] && "$1/bin/java" -version 2>&1 | head -1 | grep -q '"25[."]'; }
jdk=
for home in "${WISP_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/*; do
  if [ -n "$home" ] && is_25 "$home"; then jdk=$home && break; fi
done
if [ -z "$jdk" ]; then
  echo "wisp: no JDK 25 found (looked at WISP_JAVA_HOME, JAVA_HOME, /usr/lib/jvm, ~/.sdkman, ~/.jdks); install one or set WISP_JAVA_HOME" >&2
  exit 2
fi

case ${WISP_CUDA:-} in
  '' | 0) target="$root/target" profile=() sources=() ;;
  1) target="$root/target/cuda" profile=(-Pcuda) sources=("$root/src/cuda" "$root/cuda") ;;
  *) echo "wisp: WISP_CUDA is '$WISP_CUDA'; give 1 for the cuda backend, or 0" >&2 && exit 2 ;;
esac
stamp="$target/wisp.built"
if [ ! -f "$stamp" ] || [ -n "$(find "$root/src/main" "$root/native" "$root/pom.xml" "$root/CMakeLists.txt" "${sources[@]}" -newer "$stamp" -print -quit)" ]; then
  command -v mvn >/dev/null || { echo "wisp: 'mvn' is missing; on Debian: apt-get install maven" >&2 && exit 2; }
  echo "wisp: building (the first build downloads its libraries; log in ${target#"$root/"}/build.log)" >&2
  mkdir -p "$target"
  if ! (cd "$root" && mvn -B -q -Dquick -Dmaven.test.skip=true "${profile[@]}" package) >"$target/build.log" 2>&1; then
    tail -n 30 "$target/build.log" >&2
    echo "wisp: the build failed; the whole log is $target/build.log" >&2
    exit 2
  fi
  touch "$stamp"
fi

exec "$jdk/bin/java" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -Dorg.bytedeco.javacpp.maxphysicalbytes=0 -Dorg.bytedeco.javacpp.maxbytes=0 \
  -Xmx"${WISP_HEAP:-1g}" ${WISP_JAVA_OPTIONS:-} \
  -cp "$target/classes:$target/lib/*" dev.wisp.cli.Main "$@"
