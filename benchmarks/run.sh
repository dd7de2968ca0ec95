#!/usr/bin/env bash
# Benchmarks Wisp beside libtorch: builds both, checks that they compute the same values, times each
# in processes of its own, prints the joined table and appends it to history.jsonl.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=$(dirname "$here")

usage() {
  cat <<'USAGE'
usage: benchmarks/run.sh [OPTION...]
  --tasks LIST       of pamr, structure, reactivation, network (default: all)
  --batches LIST     batch sizes of the kernels (default 1,16; with --quick 1)
  --foreground N     present classes besides the background (default 2, so 3 of 21)
  --quick            one short fork a case: shows that all works; figures are rough, no history
  --no-history       do not append to benchmarks/history.jsonl
  --no-build         use what is built
  --explore          times libtorch alone under other settings of memory and threads, and stops
The first run downloads libtorch (110 MB). The table is left in benchmarks/target/results/report.md.
USAGE
}

build=yes
explore=no
arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    --tasks | --batches | --foreground)
      [ $# -gt 1 ] || { usage >&2 && exit 2; }
      arguments+=("$1" "$2") && shift
      ;;
    --quick | --no-history) arguments+=("$1") ;;
    --no-build) build=no ;;
    --explore) explore=yes ;;
    -h | --help) usage && exit 0 ;;
    *) echo "run.sh: unknown option $1" >&2 && usage >&2 && exit 2 ;;
  esac
  shift
done

is_25() { [ -x "$1/bin/javac" ] && "$1/bin/java" -version 2>&1 | head -1 | grep -q '"25[."]'; }
jdk=
for home in "${WISP_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/*; do
  if [ -n "$home" ] && is_25 "$home"; then jdk=$home && break; fi
done
[ -n "$jdk" ] || { echo "run.sh: no JDK 25 found; install one or set WISP_JAVA_HOME" >&2 && exit 2; }

if [ "$build" = yes ]; then
  command -v mvn >/dev/null || { echo "run.sh: 'mvn' is missing; on Debian: apt-get install maven" >&2 && exit 2; }
  echo "run.sh: building" >&2
  (cd "$root" && mvn -B -q -Dquick -Dmaven.test.skip=true package)
  (cd "$here" && mvn -B -q compile)
fi

# Results of another run must not be joined with this one's.
out="$here/target/results"
rm -rf "$out" && mkdir -p "$out"
cores=$(nproc)
commit=$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git -C "$root" status --porcelain -- src native benchmarks/src pom.xml 2>/dev/null)" ] || commit="$commit+changes"

jvm=(--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow
  -Dorg.bytedeco.javacpp.maxphysicalbytes=0 -Dorg.bytedeco.javacpp.maxbytes=0 -Xmx1g
  -XX:+UseSerialGC -XX:MinHeapFreeRatio=5 -XX:MaxHeapFreeRatio=10
  -XX:ErrorFile="$out/crash-%p.log")

# Each engine gets only its own libraries and its own OpenMP settings. Libtorch runs best with bound
# threads, and allocates faster with huge pages (--explore shows both), so it is timed with and
# without them; Wisp is started the way its launcher starts it.
clean=(env -u OMP_NUM_THREADS -u OMP_PROC_BIND -u OMP_PLACES -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT
  -u THP_MEM_ALLOC_ENABLE)
peer=(OMP_NUM_THREADS="$cores" OMP_PROC_BIND=true)
step() {
  local engine=$1 name=$2
  shift 2
  case "$engine" in
    libtorch*)
      "${clean[@]}" "${peer[@]}" "$jdk/bin/java" "${jvm[@]}" \
        -cp "$here/target/classes:$root/target/wisp.jar:$here/target/lib/*" \
        dev.wisp.benchmarks.Main "$name" --engine "$engine" --out "$out" "$@"
      ;;
    *)
      "${clean[@]}" "$jdk/bin/java" "${jvm[@]}" \
        -cp "$here/target/classes:$root/target/wisp.jar:$root/target/lib/*:$here/target/jmh/*" \
        dev.wisp.benchmarks.Main "$name" --engine "$engine" --out "$out" "$@"
      ;;
  esac
}

# Milliseconds of libtorch under settings that could suit it better than the one above.
if [ "$explore" = yes ]; then
  for setting in "OMP_PROC_BIND=true" "OMP_PROC_BIND=false" "OMP_PROC_BIND=true THP_MEM_ALLOC_ENABLE=1" \
    "OMP_PROC_BIND=true MALLOC_MMAP_THRESHOLD_=17179869184 MALLOC_TRIM_THRESHOLD_=17179869184"; do
    read -ra settings <<<"$setting"
    peer=(OMP_NUM_THREADS="$cores" "${settings[@]}")
    step libtorch time "${arguments[@]}" --quick >"$out/libtorch.log" 2>&1
    echo "$setting:"
    awk -F '\t' '{ printf "  %-12s batch %-3d median %9.1f ms, least %9.1f ms\n", $2, $3, $4, $5 }' \
      "$out/libtorch-times.tsv"
  done
  exit 0
fi

begin=$SECONDS
for engine in libtorch wisp; do
  step "$engine" values "${arguments[@]}"
done
step wisp compare "${arguments[@]}"
for engine in libtorch libtorch-huge wisp; do
  [ "$engine" != libtorch-huge ] || peer+=(THP_MEM_ALLOC_ENABLE=1)
  echo "run.sh: timing $engine (log in $out/$engine.log)" >&2
  if ! step "$engine" time "${arguments[@]}" >"$out/$engine.log" 2>&1; then
    tail -n 30 "$out/$engine.log" >&2
    exit 1
  fi
done
echo
step wisp report "${arguments[@]}" --commit "$commit" --history "$here/history.jsonl"
echo "run.sh: took $((SECONDS - begin)) s without the build" >&2
