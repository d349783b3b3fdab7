#!/usr/bin/env bash
# Records a program with one recorder of allocations: requests.c, which is built for it, or any other.
#
#   samples/traced/record.sh -o FOLDER RECORDER [-- PROGRAM ARG…]
#
# RECORDER: mtrace, valgrind-trace, dhat, massif, memcheck, memcheck-text, xtree, xtree-leak, heaptrack, heaptrack-raw, lsan,
# gperftools, jemalloc or jfr (of a Java tool, which takes -J). Leaves FOLDER/RECORDER.EXT, whose name is printed, and
# FOLDER/RECORDER.truth: what requests.c says of itself; or of another program, which is run in FOLDER, what the recorder
# itself says, as it prints it in FOLDER/RECORDER.says. Exit status 77: the recorder is not here, or has nothing to say of
# this program.
set -euo pipefail
usage() { sed -n '2,10p' "$0" >&2; exit 2; }
folder= recorder=
while (($# > 0)); do
  case $1 in
    -o) folder=$2; shift 2 ;;
    --) shift; break ;;
    -*) usage ;;
    *) recorder=$1; shift ;;
  esac
done
[[ -n $folder && -n $recorder ]] || usage
source=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
cd "$folder"
program=(./requests) truth=$recorder.truth says=$recorder.says own=1
if (($# > 0)); then program=("$@") own=0; fi

absent() { echo "record.sh: skipped: $1" >&2; exit 77; }
need() { command -v "$1" > /dev/null || absent "no $1 here"; }
library() {  # NAME: the path of the newest libNAME.so.N of this machine's own kind
  { ldconfig -p 2> /dev/null || /sbin/ldconfig -p; } |
    awk -v name="lib$1.so." 'index($1, name) == 1 && /x86-64|AArch64/ { found = $NF } END { print found }'
}
need_library() { [[ -n $(library "$1") ]] || absent "no lib$1 here"; }
build() { ((own == 0)) || "${CC:-cc}" -O1 -g -o "${program[0]}" "$source/requests.c" "$@"; }
run() {  # WRAPPER…: the program's own messages and status are its own affair
  if ((own == 1)); then
    "$@" "${program[@]}" > "$truth" 2> "$recorder.log"
  else
    "$@" "${program[@]}" > "$recorder.out" 2> "$recorder.log" < /dev/null || true
  fi
}
valgrind_() {  # OPTIONS…
  need valgrind
  build
  run valgrind --log-file="$says" "$@"
}
preload() {  # LIBRARY VARIABLE…: which must not disturb anything but the program
  local lib
  need_library "$1"
  lib=$(library "$1")
  shift
  build
  run env LD_PRELOAD="$lib" "$@"
}

case $recorder in
  mtrace)
    file=mtrace.txt
    rm -f "$file"
    need_library c_malloc_debug
    build
    if ((own == 1)); then
      run env MALLOC_TRACE="$PWD/$file" LD_PRELOAD="$(library c_malloc_debug)"
    else
      need mtrace
      "${CC:-cc}" -O1 -shared -fPIC -o begin_mtrace.so "$source/begin_mtrace.c"
      run env MALLOC_TRACE="$PWD/$file" LD_PRELOAD="$(library c_malloc_debug) $PWD/begin_mtrace.so"
      mtrace "$file" > "$says" || (($? == 1))  # not freed
      cat "$file" >> "$says"                     # of what is freed mtrace(1) says nothing
    fi
    ;;
  valgrind-trace) valgrind_ --leak-check=no --trace-malloc=yes; file=valgrind-trace.txt; cp "$says" "$file" ;;
  dhat) valgrind_ --tool=dhat --dhat-out-file=dhat.json; file=dhat.json ;;
  massif)  # every peak exactly
    valgrind_ --tool=massif --heap-admin=0 --peak-inaccuracy=0.0 --threshold=0.0 --massif-out-file=massif.out
    file=massif.out
    ((own == 1)) || ms_print "$file" > "$says"
    ;;
  memcheck)  # what it says as text, it says in another run
    ((own == 1)) || valgrind_ --leak-check=full --show-leak-kinds=all
    need valgrind
    build
    file=memcheck.xml
    run valgrind --quiet --leak-check=full --show-leak-kinds=all --xml=yes --xml-file="$file"
    ;;
  memcheck-text) valgrind_ --leak-check=full --show-leak-kinds=all; file=memcheck-text.log; cp "$says" "$file" ;;
  xtree) valgrind_ --leak-check=no --xtree-memory=full --xtree-memory-file=xtree.kcg; file=xtree.kcg ;;
  xtree-leak)
    valgrind_ --leak-check=full --show-leak-kinds=all --xtree-leak=yes --xtree-leak-file=xtree-leak.kcg
    file=xtree-leak.kcg
    [[ -f $file ]] || absent "Valgrind writes no xtree where nothing is left"
    ;;
  heaptrack)
    need heaptrack
    build
    if ((own == 1)); then
      run heaptrack -o heaptrack
      mv "$truth" "$recorder.out"
      grep -E '^[a-z_]+ -?[0-9]+$' "$recorder.out" > "$truth"
    else
      run heaptrack -o heaptrack
    fi
    for file in heaptrack.zst heaptrack.gz; do [[ ! -f $file ]] || break; done
    ((own == 1)) || { cat "$recorder.out" "$recorder.log"; heaptrack_print --disable-builtin-suppressions "$file"; } > "$says"
    ;;
  heaptrack-raw)  # addresses instead of names; of blocks as well
    ((own == 1)) || usage
    need heaptrack
    build
    run heaptrack --raw -o heaptrack
    mv "$truth" "$recorder.out"
    grep -E '^[a-z_]+ -?[0-9]+$' "$recorder.out" > "$truth"
    for file in heaptrack.raw.zst heaptrack.raw.gz; do [[ ! -f $file ]] || break; done
    ;;
  lsan)
    rm -f lsan_report.*
    if ((own == 1)); then
      build -fsanitize=address 2> lsan.log || absent "no sanitizer of ${CC:-cc} here"
      env ASAN_OPTIONS=detect_leaks=1:log_path="$PWD/lsan_report" "${program[@]}" > "$truth" 2>> lsan.log || true
    else
      preload lsan LSAN_OPTIONS=log_path="$PWD/lsan_report"
    fi
    file=lsan.txt
    mv lsan_report.* "$file" 2> /dev/null || absent "LeakSanitizer reported nothing (no leak, or ptrace)"
    grep -q '^SUMMARY: ' "$file" || absent "LeakSanitizer could not look (ptrace)"
    cp "$file" "$says"
    ;;
  gperftools)
    preload tcmalloc HEAPPROFILE="$PWD/gperftools" HEAP_PROFILE_ALLOCATION_INTERVAL=0 HEAP_PROFILE_INUSE_INTERVAL=0
    file=$(ls gperftools.*.heap 2> /dev/null | tail -n 1) || true
    [[ -n $file || $own == 1 ]] || absent "no profile of gperftools, which writes it at exit()"
    cp "$file" "$says"
    ;;
  jemalloc)  # lg_prof_sample:0: every allocation
    preload jemalloc MALLOC_CONF="prof:true,lg_prof_sample:0,prof_final:true,prof_accum:true,prof_prefix:$PWD/jemalloc"
    file=$(ls jemalloc.*.f.heap 2> /dev/null | tail -n 1) || true
    [[ -n $file ]] || absent "no jemalloc with profiling here"
    cp "$file" "$says"
    ;;
  jfr)
    ((own == 0)) || usage
    need jfr
    program=("${program[0]}" -J-XX:StartFlightRecording=filename="$PWD/recording.jfr",settings=profile "${program[@]:1}")
    run env
    file=jfr.json
    events=ObjectAllocationSample,ObjectAllocationInNewTLAB,ObjectAllocationOutsideTLAB,OldObjectSample,GCHeapSummary
    jfr print --json --events "$events" recording.jfr > "$file"
    { jfr summary recording.jfr; cat "$file"; } > "$says"
    ;;
  *) usage ;;
esac
((own == 1)) || awk -f "$source/figures.awk" "$says" > "$truth"
[[ -s $truth && -s $file ]] || { echo "record.sh: $recorder wrote nothing" >&2; exit 1; }
echo "$PWD/$file"
