#!/usr/bin/env bash
# Builds requests.c and records it with one recorder of allocations.
#
#   samples/traced/record.sh -o FOLDER RECORDER
#
# RECORDER: mtrace, valgrind-trace, dhat, massif, memcheck, memcheck-text, xtree, heaptrack, lsan, gperftools or jemalloc.
# Leaves FOLDER/RECORDER.EXT, whose name is printed, and FOLDER/RECORDER.truth: what the program says of itself. Exit status
# 77: the recorder is not here.
set -euo pipefail
folder= recorder=
while (($# > 0)); do
  case $1 in
    -o) folder=$2; shift 2 ;;
    -*) sed -n '2,9p' "$0" >&2; exit 2 ;;
    *) recorder=$1; shift ;;
  esac
done
[[ -n $folder && -n $recorder ]] || { sed -n '2,9p' "$0" >&2; exit 2; }
source=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
cd "$folder"
program=./requests truth=$recorder.truth

absent() { echo "record.sh: skipped: no $1 here" >&2; exit 77; }
need() { command -v "$1" > /dev/null || absent "$1"; }
library() {  # NAME: the path of the newest libNAME.so.N of this machine's own kind
  { ldconfig -p 2> /dev/null || /sbin/ldconfig -p; } |
    awk -v name="lib$1.so." 'index($1, name) == 1 && /x86-64|AArch64/ { found = $NF } END { print found }'
}
build() { "${CC:-cc}" -O1 -g -o "$program" "$source/requests.c" "$@"; }
valgrind_() {  # OPTIONS…: what the program prints is the truth
  need valgrind
  build
  valgrind --quiet "$@" "$program" > "$truth"
}
preload() {  # LIBRARY VARIABLE…: another allocator, which must not disturb anything but the program
  local lib
  lib=$(library "$1")
  [[ -n $lib ]] || absent "lib$1"
  shift
  build
  env LD_PRELOAD="$lib" "$@" "$program" > "$truth" 2> "$recorder.log"
}

case $recorder in
  mtrace)
    [[ -n $(library c_malloc_debug) ]] || absent libc_malloc_debug
    build
    rm -f mtrace.txt
    env MALLOC_TRACE="$PWD/mtrace.txt" LD_PRELOAD="$(library c_malloc_debug)" "$program" > "$truth"
    file=mtrace.txt
    ;;
  valgrind-trace) valgrind_ --leak-check=no --trace-malloc=yes --log-file=valgrind-trace.txt; file=valgrind-trace.txt ;;
  dhat) valgrind_ --tool=dhat --dhat-out-file=dhat.json; file=dhat.json ;;
  massif)  # every peak exactly
    valgrind_ --tool=massif --heap-admin=0 --peak-inaccuracy=0.0 --threshold=0.0 --massif-out-file=massif.out
    file=massif.out
    ;;
  memcheck)
    valgrind_ --leak-check=full --show-leak-kinds=all --xml=yes --xml-file=memcheck.xml
    file=memcheck.xml
    ;;
  memcheck-text)
    need valgrind
    build
    valgrind --leak-check=full --show-leak-kinds=all --log-file=memcheck-text.log "$program" > "$truth"
    file=memcheck-text.log
    ;;
  xtree) valgrind_ --tool=memcheck --xtree-memory=full --xtree-memory-file=xtree.kcg; file=xtree.kcg ;;
  heaptrack)
    need heaptrack
    build
    heaptrack -o heaptrack "$program" > heaptrack.log
    grep -E '^[a-z_]+ -?[0-9]+$' heaptrack.log > "$truth"
    for file in heaptrack.zst heaptrack.gz; do [[ ! -f $file ]] || break; done
    ;;
  lsan)
    build -fsanitize=address 2> lsan.log || absent "sanitizer of ${CC:-cc}"
    status=0
    env ASAN_OPTIONS=detect_leaks=1:log_path="$PWD/lsan_report" "$program" > "$truth" 2>> lsan.log || status=$?
    mv lsan_report.* lsan.txt 2> /dev/null || absent "LeakSanitizer (ptrace?)"
    file=lsan.txt
    ;;
  gperftools)
    preload tcmalloc HEAPPROFILE="$PWD/gperftools" HEAP_PROFILE_ALLOCATION_INTERVAL=0 HEAP_PROFILE_INUSE_INTERVAL=0
    file=$(ls gperftools.*.heap | tail -n 1)
    ;;
  jemalloc)  # lg_prof_sample:0: every allocation
    preload jemalloc MALLOC_CONF="prof:true,lg_prof_sample:0,prof_final:true,prof_accum:true,prof_prefix:$PWD/jemalloc"
    file=$(ls jemalloc.*.f.heap 2> /dev/null | tail -n 1)
    [[ -n $file ]] || absent "jemalloc with profiling"
    ;;
  *) sed -n '2,9p' "$0" >&2; exit 2 ;;
esac
[[ -s $truth && -s $file ]] || { echo "record.sh: $recorder wrote nothing" >&2; exit 1; }
echo "$PWD/$file"
