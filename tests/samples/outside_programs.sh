#!/usr/bin/env bash
# Does heapql say of programs that nobody here wrote what the recorder itself says of them? Every figure that a recorder
# prints of its recording is asked of heapql's import. Where the two differ with good reason, the reason and its exact size,
# counted in the recording by other means, are printed; there are no tolerances.
#
#   tests/samples/outside_programs.sh HEAPQL RECORDER|checked-in|published [PROGRAM…]
#
# RECORDER: see samples/traced/record.sh. PROGRAM: without, all that command_of() knows. checked-in: the recordings in samples/dumps that have a truth
# PROGRAM.RECORDER.truth. published: the examples in $HEAPQL_DATA of recorders that need a kernel's help. Prints a line per
# figure; exit status 1 when one differs, 77 where the recorder or the examples are not here.
set -euo pipefail
heapql=$1 wanted=$2
shift 2
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 checked=0 not_recorded=0

check() {  # NAME OURS THEIRS [DIFFERENCE REASON]: ours + DIFFERENCE = theirs
  checked=$((checked + 1))
  local expected=$2 note=
  if ((${4:-0} != 0)); then expected=$(($2 + $4)) note=", $4 of them: $5"; fi
  if [[ $expected == "$3" ]]; then
    echo "ok     $recorder $program $1 $3$note"
  else
    failed=$((failed + 1))
    echo "FAILED $recorder $program $1: heapql $2, the recorder $3$note"
  fi
}
number() { "$heapql" query "$work/db" "$1" --format csv | tail -n +2 | tr -d '"\r'; }  # SQL that selects one value
metric() { number "SELECT printf('%d', value) FROM metric WHERE name = '$1'"; }
leak() { number "SELECT coalesce(sum($2), 0) FROM site_leak WHERE kind = '$1' AND suppression IS NULL"; }
text() { if [[ $1 == *.zst ]]; then zstd -dcq "$1"; else cat "$1"; fi; }

# Decimal units with two digits behind the point, as heaptrack_print writes bytes.
heaptrack_bytes() {
  awk -v bytes="$1" 'BEGIN {
    for (unit = 0; bytes >= 1000 && unit < 4; ++unit) bytes /= 1000
    printf unit == 0 ? "%d%s\n" : "%.2f%s\n", bytes, unit == 0 ? "B" : substr("KMGT", unit, 1)
  }'
}

figure() {  # NAME: what heapql says, by the names of samples/traced/figures.awk
  case $1 in
    allocation_count | printed_allocation_count) metric allocations.count ;;
    allocated_bytes) metric allocations.bytes ;;
    free_count) echo $(($(metric allocations.count) - $(metric heap.live_count))) ;;
    live_*) metric "heap.$1" ;;
    last_bytes) metric heap.live_bytes ;;
    peak_*) metric "peak.${1#peak_}" ;;
    leaked_*) metric "leaks.${1#leaked_}" ;;
    temporary_count | printed_temporary_count) metric temporary.count ;;
    printed_peak) heaptrack_bytes "$(metric peak.bytes)" ;;
    printed_leaked) heaptrack_bytes "$(metric leaks.bytes)" ;;
    definite_bytes | indirect_bytes | possible_bytes | reachable_bytes) leak "${1%_bytes}" bytes ;;
    definite_count | indirect_count | possible_count | reachable_count) leak "${1%_count}" object_count ;;
    suppressed_*) metric "leaks.$1" ;;
    read_bytes | written_bytes) number "SELECT sum($1) FROM site_access" ;;
    unknown_frees) number "SELECT value FROM meta WHERE key = 'unknown_frees'" ;;
    paths_*) number "SELECT sum(${1#paths_}) FROM allocation_sites WHERE function <> '(unknown)'" ;;
    stacks_count) number "SELECT sum(object_count) FROM site_leak AS l JOIN site AS s ON s.id = l.site_id
        WHERE s.function <> '(unknown)'" ;;
    snapshots) number "SELECT count(*) FROM series WHERE name = 'live_bytes'" ;;
    allocation_samples) metric sampling.allocation_samples ;;
    old_objects) metric leaks.count ;;
    heap_summaries) number "SELECT count(*) FROM series WHERE name = 'heap_used_bytes'" ;;
    heap_used_bytes) number "SELECT printf('%d', sum(value)) FROM series WHERE name = 'heap_used_bytes'" ;;
    reports) number "SELECT count(*) FROM series WHERE name = 'live_bytes'" ;;
    *) echo "no such figure" ;;
  esac
}

# What the recorder prints beside its recording, and does not put into it.
is_recorded() {  # NAME
  case $recorder.$1 in
    memcheck.allocat* | memcheck.free_count | xtree-leak.allocat* | xtree-leak.free_count) return 1 ;;
    heaptrack.temporary_count) return 1 ;;  # of blocks by address, which the file has no more: see printed_temporary_count
  esac
}

# heaptrack_print takes a free of allocation 0 for one of the allocation just before it also when there was none.
frees_of_zero() { text "$1" | awk '$1 == "+" { open = 1 } $1 == "-" { found += !open && $2 == "0"; open = 0 } END { print found + 0 }'; }

check_recording() {  # FILE TRUTH
  "$heapql" import --quiet --no-builtin-suppressions "$1" -o "$work/db" 2> "$work/warnings" ||
    { cat "$work/warnings"; check "is imported, status" failed 0; return; }
  check "damage" "$(number 'SELECT count(*) FROM damage')" 0
  local name value
  while read -r name value; do
    if ! is_recorded "$name"; then
      ((not_recorded += 1))
    elif [[ $name == printed_temporary_count ]]; then
      check "$name" "$(figure "$name")" "$value" "$(frees_of_zero "$1")" "frees of allocation 0 that follow no allocation"
    else
      check "$name" "$(figure "$name")" "$value"
    fi
  done < "$2"
  rm -f "$work/db"
}

# What every Debian has or the build needs: of C, of C++, interpreters; with leaks and without; xz with three threads.
# Commands of one line: ms_print cannot read others.
script="CREATE TABLE person(name, age); CREATE INDEX by_age ON person(age);"
script+=" INSERT INTO person SELECT 'number ' || value, value % 90 FROM generate_series(1, 200);"
script+=" SELECT age, count(*), group_concat(name) FROM person GROUP BY age ORDER BY 2, 1;"
licences=/usr/share/common-licenses
programs=(sqlite3 git tar dpkg-query python3 perl cmake sort)
export PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0  # two runs of memcheck are to be the same
command_of() {  # PROGRAM
  case $1 in
    sqlite3) command=(sqlite3 :memory: "$script") ;;
    git) command=(git diff --no-index --stat "$licences/GPL-2" "$licences/GPL-3") ;;
    tar) command=(tar --help) ;;
    dpkg-query) command=(dpkg-query --list bash) ;;
    python3) command=(/usr/bin/python3 -I -S -c 'print(sorted(str(i) for i in range(2000))[:9])') ;;
    perl) command=(perl -MPOSIX -e 'my %h; $h{$_ % 97} .= $_ for 1 .. 20000; print scalar keys %h') ;;  # 1 MiB of call paths
    bash) command=(bash --norc -c 'for i in 1 2 3; do x+=$(echo $i); done; echo $x') ;;  # forks
    cmake) command=(cmake -E sha256sum "$licences/GPL-3") ;;
    sort) command=(sort --parallel=2 --buffer-size=200K "$licences/GPL-3") ;;
    xz) command=(xz --threads=2 --block-size=8KiB --stdout "$licences/GPL-3") ;;
    javac) command=(javac -d "$work" "$source/samples/Truth.java") ;;
  esac
}

check_fresh() {
  local file status said=0
  case $recorder in
    jfr) programs=(javac) ;;
    memcheck) ;;  # of two runs, which are not the same where there are threads
    valgrind-trace) programs+=(xz bash) ;;
    *) programs+=(xz) ;;
  esac
  if ((${#chosen[@]} > 0)) && [[ $recorder != jfr ]]; then programs=("${chosen[@]}"); fi
  for program in "${programs[@]}"; do
    command_of "$program"
    command -v "${command[0]}" > /dev/null || { echo "skip   $recorder $program: not here"; continue; }
    status=0
    file=$("$source/samples/traced/record.sh" -o "$work/$program" "$recorder" -- "${command[@]}" 2> "$work/log") || status=$?
    if ((status == 77)); then echo "skip   $recorder $program: $(tail -n 1 "$work/log")"; continue; fi
    said=1
    if ((status != 0)); then
      cat "$work/log"
      check "is recorded, status" "$status" 0
    else
      check_recording "$file" "$work/$program/$recorder.truth"
    fi
    rm -rf "${work:?}/$program"
  done
  ((said == 1)) || exit 77
}

check_checked_in() {
  local truth file
  for truth in "$source"/samples/truth/*.*.truth; do
    program=${truth##*/} program=${program%.truth} recorder=${program#*.} program=${program%%.*}
    [[ $program != requests ]] || continue
    file=$(ls "$source/samples/dumps/$program.$recorder".*)
    check_recording "$file" "$truth"
  done
}

# Counted again here, by awk: blocks of memleak's last report; all calls under bpftrace's stacks.
check_published() {
  local file
  [[ -d ${HEAPQL_DATA:-}/trace ]] || { echo "skip   published: no data"; exit 77; }
  recorder=memleak program=allocs file=$HEAPQL_DATA/trace/public/bcc/memleak_example.txt
  awk '/^\[[0-9:]+\] Top/ { bytes = count = 0; ++reports }
    / bytes in [0-9]+ allocations from stack/ { bytes += $1; count += $4 }
    END { print "live_bytes", bytes; print "live_count", count; print "reports", reports }' "$file" > "$work/truth"
  check_recording "$file" "$work/truth"
  "$heapql" import --quiet "$file" -o "$work/db" 2> /dev/null
  check "live_bytes of each report" "$(number "SELECT group_concat(CAST(value AS INTEGER), ' ') FROM (SELECT value FROM series
      WHERE name = 'live_bytes' ORDER BY rowid)")" "$(awk '/^\[[0-9:]+\] Top/ { if (n++) printf "%d ", bytes; bytes = 0 }
        / bytes in [0-9]+ allocations from stack/ { bytes += $1 } END { print bytes }' "$file")"
  rm -f "$work/db"
  recorder=bpftrace program=server file=$HEAPQL_DATA/trace/bpf/bpftrace-malloc.txt
  awk '/^\]: [0-9]+$/ { count += $2 } END { print "allocation_count", count }' "$file" > "$work/truth"
  check_recording "$file" "$work/truth"
}

chosen=("$@")
recorder=$wanted
case $wanted in
  checked-in) check_checked_in ;;
  published) check_published ;;
  *) check_fresh ;;
esac
((checked > 0)) || { echo "nothing was checked"; exit 1; }
((not_recorded == 0)) || echo "$not_recorded more figures are printed by the recorder, but not recorded"
echo "$checked figures, $failed failed"
((failed == 0))
