#!/usr/bin/env bash
# Does the program say what is true of a recording of samples/traced/requests.c? One program, every recorder: the figures
# are those that the program counts itself, exactly; what a recorder cannot know is not asked, what it adds is named.
#
#   tests/samples/traced_samples.sh HEAPQL RECORDER|checked-in
#
# RECORDER: see samples/traced/record.sh. checked-in: the recordings in samples/dumps, nothing is built. Prints a line per
# check; exit status 1 when one fails, 77 where the recorder is not.
set -euo pipefail
heapql=$1 wanted=$2
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 checked=0

check() {  # NAME FOUND EXPECTED
  checked=$((checked + 1))
  if [[ $2 == "$3" ]]; then
    echo "ok   $recorder $1 $2"
  else
    failed=$((failed + 1))
    echo "FAIL $recorder $1 found $2 expected $3"
  fi
}
number() { "$heapql" query "$work/db" "$1" --format csv | tail -n +2 | tr -d '"\r'; }  # SQL that selects one value
metric() { number "SELECT printf('%d', value) FROM metric WHERE name = '$1'"; }
truth() { awk -v name="$1" '$1 == name { print $2 }' "$work/truth"; }

# Recorders in C++ bring libstdc++, which keeps a pool of this size for exceptions in emergencies.
pool=72704
pools() { number "SELECT count(*) FROM allocation_sites WHERE allocation_count = 1 AND allocated_bytes BETWEEN $pool AND $pool + 16384"; }

check_allocations() {  # EXTRA_COUNT EXTRA_BYTES
  check "allocations" "$(metric allocations.count)" $(($(truth allocation_count) + $1))
  check "bytes" "$(metric allocations.bytes)" $(($(truth allocated_bytes) + $2))
}
check_live() {
  check "live blocks" "$(metric heap.live_count)" "$(truth live_count)"
  check "live bytes" "$(metric heap.live_bytes)" "$(truth live_bytes)"
}
check_peak() {  # EXTRA_COUNT EXTRA_BYTES
  check "blocks at the peak" "$(metric peak.count)" $(($(truth peak_count) + $1))
  check "bytes at the peak" "$(metric peak.bytes)" $(($(truth peak_bytes) + $2))
}
check_leaks() {
  check "leaked blocks" "$(metric leaks.count)" "$(truth live_count)"
  check "leaked bytes" "$(metric leaks.bytes)" "$(truth live_bytes)"
}
check_sites() {  # names are known: each site has its own
  check "by open_session" "$(number "SELECT sum(allocation_count) || ' ' || sum(allocated_bytes) FROM allocation_sites
      WHERE function = 'open_session'")" "2000 160000"
  check "by handle_request" "$(number "SELECT sum(allocation_count) FROM allocation_sites WHERE function = 'handle_request'")" 10000
  check "by run_batch" "$(number "SELECT sum(allocation_count) || ' ' || sum(allocated_bytes) FROM allocation_sites
      WHERE function = 'run_batch'")" "600 180000"
}

check_events() {  # FILE: single events sum to the figures, which are checked against the truth
  "$heapql" import --quiet --events "$1" -o "$work/db" 2> "$work/warnings" || { cat "$work/warnings"; check "events, status" failed 0; return; }
  check "events that allocate" "$(number "SELECT count(*) FROM events WHERE size IS NOT NULL AND allocation_id IS NULL")" \
    "$(metric allocations.count)"
  check "events' live bytes" "$(number "SELECT sum(live_bytes_delta) FROM events")" "$(metric heap.live_bytes)"
  check "events' peak" "$(number "SELECT max(live) FROM (SELECT sum(live_bytes_delta) OVER (ORDER BY id) AS live FROM events)")" \
    "$(metric peak.bytes)"
}

check_recording() {  # FILE
  local names=()
  [[ $recorder != heaptrack-raw ]] || names=(--exe "$work/requests")
  "$heapql" import --quiet "${names[@]}" "$1" -o "$work/db" 2> "$work/warnings" || { cat "$work/warnings"; check "is imported, status" failed 0; return; }
  check "damage" "$(number 'SELECT count(*) FROM damage')" 0
  case $recorder in
    mtrace | valgrind-trace) check_allocations 0 0; check_live; check_peak 0 0; check_leaks ;;
    dhat) check_allocations 0 0; check_live; check_peak 0 0; check_leaks; check_sites ;;
    massif) check "bytes at the peak" "$(metric peak.bytes)" "$(truth peak_bytes)" ;;
    memcheck | lsan) check_leaks ;;
    memcheck-text) check_allocations 0 0; check_leaks ;;
    xtree) check_allocations 0 0; check_live; check_leaks; check_sites ;;
    heaptrack)
      check "pools of its libstdc++" "$(pools)" 1
      check_allocations 1 $pool; check_live; check_peak 1 $pool; check_leaks; check_sites
      # The requests; and the batch's first block, which is freed after the last one was allocated: interpreted files say
      # of what kind a freed block is, not which.
      check "temporary" "$(metric temporary.count)" 10001
      ;;
    heaptrack-raw)
      check "pools of its libstdc++" "$(pools)" 1
      check_allocations 1 $pool; check_live; check_peak 1 $pool; check_leaks; check_sites
      check "temporary" "$(metric temporary.count)" 10000
      ;;
    gperftools) check_allocations 0 0; check_live ;;
    jemalloc)  # it records what it gave
      check "pools of its libstdc++" "$(pools)" 1
      local given
      given=$(number "SELECT max(allocated_bytes) FROM allocation_sites WHERE allocation_count = 1")
      check "allocations" "$(metric allocations.count)" $(($(truth allocation_count) + 1))
      check "bytes given" "$(metric allocations.bytes)" $(($(truth usable_allocated_bytes) + given))
      check "live bytes given" "$(metric heap.live_bytes)" $(($(truth usable_live_bytes) + given))
      ;;
    *) check "is a recorder" "$recorder" "known" ;;
  esac
  # Parts sum to totals, whatever recorded it.
  check "sites sum to the total" "$(number "SELECT coalesce(sum(live_bytes), 0) = coalesce((SELECT value FROM metric
      WHERE name = 'heap.live_bytes'), 0) AS same FROM site_stat WHERE snapshot_id = 1")" 1
  case $recorder in
    mtrace | valgrind-trace | heaptrack*) check_events "$1" ;;
  esac
  rm -f "$work/db"
}

if [[ $wanted == checked-in ]]; then
  for file in "$source"/samples/dumps/requests.*.zst; do
    recorder=${file##*/requests.} recorder=${recorder%%.*}
    cp "$source/samples/truth/requests.$recorder.truth" "$work/truth"
    check_recording "$file"
  done
else
  recorder=$wanted status=0
  file=$("$source/samples/traced/record.sh" -o "$work" "$recorder" 2> "$work/log") || status=$?
  if ((status == 77)); then cat "$work/log"; exit 77; fi
  if ((status != 0)); then
    cat "$work/log"
    check "is recorded, status" "$status" 0
  else
    cp "$work/$recorder.truth" "$work/truth"
    check_recording "$file"
  fi
fi
((checked > 0)) || { echo "nothing was checked"; exit 1; }
echo "$checked checks, $failed failed"
((failed == 0))
