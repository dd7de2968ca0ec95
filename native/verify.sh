#!/usr/bin/env bash
# Checks the library that is shipped: verify.sh LIBWISP_SO
# Architecture, exports (the functions of wisp.h and nothing else), libraries it needs, no
# executable stack, and that code for wide instruction sets cannot be reached by mistake.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
library=${1:?usage: verify.sh LIBWISP_SO}
status=0
fail() {
  echo "verify: $*" >&2
  status=1
}

readelf -h "$library" | grep -q 'Machine:.*X86-64' || fail "not an x86-64 library"

declared=$(grep -oE '\bwisp_[a-z0-9_]+\(' "$root/native/include/wisp.h" | tr -d '(' | sort -u)
exported=$(nm -D --defined-only "$library" | awk '{print $3}' | sed 's/@.*//' | sort -u)
difference=$(diff <(echo "$declared") <(echo "$exported")) ||
  fail "exports differ from wisp.h ('<' only declared, '>' only exported):"$'\n'"$difference"

allowed='^(libgomp\.so\.1|libstdc\+\+\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libc\.so\.6|ld-linux-x86-64\.so\.2)$'
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for name in $needed; do
  [[ $name =~ $allowed ]] || fail "needs the library $name"
done
readelf -d "$library" | grep -qE '\((RPATH|RUNPATH)\)' && fail "has a search path of the build machine"
readelf -lW "$library" | grep 'GNU_STACK' | grep -q 'RWE' && fail "has an executable stack"

# Inline functions outside the tiers' namespaces exist once for all tiers: the linker might keep the
# copy compiled for the widest one.
for tier in avx2 avx512; do
  folder="$root/target/native/CMakeFiles/wisp_$tier.dir"
  [ -d "$folder" ] || continue
  shared=$(find "$folder" -name '*.o' -exec nm -C {} + | awk '$2 ~ /^[WuV]$/' |
    grep -vE "wisp::$tier::|DW\.ref\." || true)
  [ -z "$shared" ] || fail "$tier units define symbols that other units may share:"$'\n'"$shared"
done

[ $status -eq 0 ] && echo "verify: $(echo "$exported" | wc -l) functions, needs $(echo $needed)"
exit $status
