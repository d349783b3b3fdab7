#!/usr/bin/env bash
# Do our call stacks agree with gdb's? Frame by frame: the program counter, and the function's name where both know one.
#
#   tests/peer/compare_gdb.sh HEAPQL              the native samples, built and dumped here; and cores in $HEAPQL_DATA
#   tests/peer/compare_gdb.sh HEAPQL CORE [EXE]   one core
#
# Prints a line per core and every difference. Exit status 1 when a frame differs, 77 without gdb or a core to compare.
#
# Names are compared without arguments, template arguments, return types and symbol versions, which the two write in
# their own ways. Separate debug files are for neither of the two: with them gdb shows calls that left no frame as frames
# (its manual, "Tail Call Frames"), and of a function's several names it takes another. Where gdb stops at a frame that
# it takes for corrupt, so does the comparison.
set -euo pipefail
heapql=$1
shift
source=$(cd "$(dirname "$0")/../.." && pwd)
command -v gdb > /dev/null || { echo "skipped: no gdb here"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cores=0 failed=0

# "LWP PC NAME" of every frame, from gdb's text.
gdb_frames() {  # CORE [EXE]
  local arguments=("$1")
  [[ -z ${2-} ]] || arguments=("$2" "$1")
  gdb -batch -nx -iex 'set auto-load off' -iex 'set debuginfod enabled off' \
    -iex 'set debug-file-directory /nowhere' -ex 'set print frame-arguments none' \
    -ex 'set print entry-values no' -ex 'set backtrace past-main on' -ex 'set backtrace past-entry on' \
    -ex 'set print address on' -ex 'set width 0' -ex 'set print frame-info location-and-address' \
    -ex 'thread apply all bt' "${arguments[@]}" 2> /dev/null |
    awk '
      /^Thread [0-9]+ \(/ { match($0, /LWP [0-9]+/); lwp = substr($0, RSTART + 4, RLENGTH - 4) }
      /^#[0-9]+ / && lwp != "" {  # before the first thread: where gdb stands
        line = $0
        sub(/^#[0-9]+ +/, "", line)
        pc = "-"
        if (match(line, /^0x[0-9a-f]+/)) { pc = substr(line, RSTART, RLENGTH); sub(/^0x[0-9a-f]+ in /, "", line) }
        sub(/^0x0*/, "0x", pc)
        print lwp "\t" pc "\t" line
      }'
}
our_frames() {  # DATABASE
  "$heapql" query "$1" "SELECT t.os_id, printf('0x%x', f.address) AS pc, f.function FROM thread AS t
      JOIN frame AS f ON f.stack_id = t.stack_id ORDER BY t.id, f.depth" --format tsv | tail -n +2 | tr -d '\r'
}
# A name as both would write it.
plain_names() {
  awk -F '\t' -v OFS='\t' '
    function plain(name,  at, depth, out, c) {
      gsub(/\(anonymous namespace\)::/, "", name)
      sub(/ from [^ ]+$/, "", name)
      sub(/ at [^ ]+:[0-9]+$/, "", name)
      gsub(/@+[A-Za-z0-9_.]+/, "", name)
      gsub(/operator\(\)/, "operator_call", name)
      depth = 0
      out = ""
      for (at = 1; at <= length(name); ++at) {
        c = substr(name, at, 1)
        if (c == "<") { ++depth; continue }
        if (c == ">") { --depth; continue }
        if (depth > 0) continue
        if (c == "(") break
        out = out c
      }
      sub(/ +$/, "", out)
      sub(/^.* /, "", out)
      sub(/\+0x[0-9a-f]+$/, "", out)
      sub(/\.cold$/, "", out)          # gdb: the function that the cold part is of
      if (out == "cfree") out = "free"  # two names of one function in glibc
      return out
    }
    { $3 = plain($3); print $1, $2, $3 }'
}

compare() {  # TITLE CORE [EXE]
  local title=$1 core=$2 exe=${3-}
  "$heapql" import --quiet --debug-dir /nowhere ${exe:+--exe "$exe"} "$core" -o "$work/heap.db" 2> "$work/warnings" || {
    echo "skipped: $title: $(head -n 1 "$work/warnings")"
    return
  }
  gdb_frames "$core" "$exe" | plain_names > "$work/gdb"
  our_frames "$work/heap.db" | plain_names > "$work/ours"
  rm -f "$work/heap.db"
  [[ -s $work/gdb ]] || { echo "skipped: $title: gdb shows no frame"; return; }
  cores=$((cores + 1))
  local status=0
  awk -F '\t' -v title="$title" '
    NR == FNR { gdb_pc[$1, ++gdb[$1]] = $2; gdb_name[$1, gdb[$1]] = $3; next }
    { our_pc[$1, ++ours[$1]] = $2; our_name[$1, ours[$1]] = $3 }
    END {
      for (lwp in gdb) {
        for (i = 1; i <= gdb[lwp]; ++i) {
          if (i > ours[lwp]) { ++short; print "  " title ", thread " lwp ": gdb goes on: " gdb_pc[lwp, i] " " gdb_name[lwp, i]; break }
          if (gdb_pc[lwp, i] != "-" && gdb_pc[lwp, i] != our_pc[lwp, i]) {
            ++pcs
            print "  " title ", thread " lwp ", frame " i - 1 ": gdb " gdb_pc[lwp, i] " " gdb_name[lwp, i] ", heapql " our_pc[lwp, i] " " our_name[lwp, i]
            break
          }
          ++same
          if (gdb_name[lwp, i] == "??" || our_name[lwp, i] ~ /^0x/) { ++unnamed; continue }
          if (gdb_name[lwp, i] != our_name[lwp, i]) {
            ++names
            print "  " title ", thread " lwp ", frame " i - 1 ": name: gdb " gdb_name[lwp, i] ", heapql " our_name[lwp, i]
          }
        }
        if (ours[lwp] > gdb[lwp]) more += ours[lwp] - gdb[lwp]
      }
      print title ": " same + 0 " frames agree, " unnamed + 0 " of them without a name; " pcs + 0 " threads part, " \
        short + 0 " end earlier than gdb, " more + 0 " frames beyond gdb, " names + 0 " other names"
      exit pcs + short + names > 0
    }' "$work/gdb" "$work/ours" || status=1
  failed=$((failed + status))
}

if [[ $# -gt 0 ]]; then
  compare "$(basename "$1")" "$@"
else
  for sample in worker_threads double_free unbounded_cache; do
    for build in plain pie; do
      "$source/samples/native/dump.sh" --build "$build" -o "$work" "$sample" 2> "$work/dump" || continue
      compare "$sample, $build" "$work/$sample.core" "$work/$sample"
    done
  done
  folder=${HEAPQL_DATA-}/core/own
  for core in "$folder"/{glibc,glibc_truncated_3MB,jemalloc,kernel_nomlog,mimalloc,tcmalloc}.core.gz; do
    [[ -f $core ]] || continue
    gzip -dc "$core" > "$work/own.core"
    compare "$(basename "$core" .gz)" "$work/own.core" "$folder/leaklab.exe"
  done
fi
((cores > 0)) || exit 77
((failed == 0))
