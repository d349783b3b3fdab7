#!/usr/bin/env bash
# Recordings of allocations: CPU seconds and memory of import and report, beside a plain inflation of the file in the same
# run; events per CPU second, database bytes per call path; what a row for each event costs (--events).
#
#   tests/bench/traces.sh HEAPQL MEASURE FILE...
#
# HEAPQL and MEASURE (measure.cpp) from a release build. Each figure is the median of five. "import": into a database, all
# passes. "cold report": allocations of the file itself, imported into an empty cache. "report": of the finished database.
# "events": allocations and frees where the record counts allocations. "ns/event", "B/event": CPU time and bytes of the
# database that --events adds to the import, for each row; "-" where the format has no events.
set -euo pipefail
(($# >= 3)) && [[ -x $1 && -x $2 ]] || { sed -n '5p' "$0" >&2; exit 2; }
heapql=$(realpath "$1") measure=$(realpath "$2")
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

median() {  # COMMAND…: sets cpu (seconds) and peak (MB)
  local i
  : > "$work/runs"
  for i in 1 2 3 4 5; do
    rm -rf "$work/cache"
    XDG_CACHE_HOME=$work/cache "$measure" "$work/cost" "$@" > "$work/out" 2> "$work/err" || { cat "$work/err" >&2; exit 1; }
    cat "$work/cost" >> "$work/runs"
    echo >> "$work/runs"
  done
  read -r cpu peak < <(awk 'NF' "$work/runs" | sort -n | awk 'NR == 3 { printf "%s %.0f\n", $1, $2 * 1024 / 1e6 }')
}
inflate() {  # FILE: the command that only inflates it
  case $(head -c 4 "$1" | od -An -tx1 | tr -d ' \n') in
    28b52ffd) echo "zstd -tq" ;;
    1f8b*) echo "gzip -t" ;;
    *) echo "cat" ;;
  esac
}

printf '%-34s %9s %9s %9s %9s %8s %10s %8s %9s %8s\n' file inflate import 'cold rep.' report 'peak MB' 'Mevents/s' 'B/path' 'ns/event' 'B/event'
for file in "$@"; do
  read -r -a plain <<< "$(inflate "$file")"
  median "${plain[@]}" "$file"
  inflated=$cpu
  median "$heapql" import --quiet "$file" -o "$work/db"
  imported=$cpu memory=$peak
  median "$heapql" report --quiet --type allocations "$file"
  cold=$cpu
  median "$heapql" report --quiet --type allocations "$work/db"
  report=$cpu
  value() { "$heapql" query "$work/db" "$1" --format csv | tail -n 1 | tr -d '"\r'; }
  events=$(value "SELECT printf('%d', coalesce(sum(2 * allocation_count - coalesce(live_count, 0)), 0)) FROM site_stat")
  paths=$(value "SELECT count(*) FROM site")
  bytes=$(stat -c %s "$work/db") rows=0
  if "$heapql" import --quiet --events "$file" -o "$work/events" 2> "$work/err"; then
    median "$heapql" import --quiet --events "$file" -o "$work/events"
    rows=$("$heapql" query "$work/events" "SELECT count(*) AS n FROM event" --format csv | tail -n 1 | tr -d '"\r')
    kept=$cpu kept_bytes=$(stat -c %s "$work/events")
    rm -f "$work/events"
  fi
  awk -v file="${file##*/}" -v inflated="$inflated" -v imported="$imported" -v cold="$cold" -v report="$report" -v memory="$memory" \
    -v events="$events" -v paths="$paths" -v bytes="$bytes" -v rows="$rows" -v kept="${kept:-0}" -v kept_bytes="${kept_bytes:-0}" 'BEGIN {
      printf "%-34.34s %9.3f %9.3f %9.3f %9.3f %8d %10.1f %8.0f", file, inflated, imported, cold, report, memory,
             (imported == 0 ? 0 : events / imported / 1e6), (paths == 0 ? 0 : bytes / paths)
      if (rows == 0) printf " %9s %8s\n", "-", "-"
      else printf " %9.1f %8.1f\n", (kept - imported) / rows * 1e9, (kept_bytes - bytes) / rows }'
  rm -f "$work/db"
done
