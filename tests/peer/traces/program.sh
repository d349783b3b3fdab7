# One program through every recorder: the table of `server N` in MANIFEST.md, N from the file's name. Then what MANIFEST.md
# says of single files in words.

compare_program() {
  local input run
  while read -r input; do
    run=$(program_run "$input")
    [[ -n $run ]] && program_truth "$input" "$run"
  done < <(files . -path './heaptrack/*server*.zst' -o -path './mtrace/server*' -o -path './dhat/server-20k.json' \
    -o -path './memcheck/server-*' -o -path './sanitizer/server*' -o -path './gperftools/server*.heap' -o -path './jemalloc/server20k-s0*.heap' | sed 's/^\.\///')
  documented
}

# Only the last of a series of dumps is of the whole run; a run with -xt of memcheck says its leaks in the xtree.
program_run() {  # FILE
  case $1 in
    *.xt.txt | *000[1-4].heap) return 0 ;;
  esac
  basename "$1" | sed -n 's/^[^.]*server[a-z_]*-\{0,1\}\([0-9][0-9]*k\{0,1\}\).*/\1/p' | sed 's/k$/000/'
}

program_truth() {  # FILE RUN
  begin "$1"
  awk -F '|' -v OFS='\t' -v run="$2" '
    function number(text) { gsub(/[^0-9]/, "", text); return text }
    function pair(name, text, separator,    part) {
      if (!index(text, separator)) return
      split(text, part, separator); sub(/=.*/, "", part[2])
      print name " blocks", number(part[1]), ""
      print name " bytes", (separator == "x" ? number(part[1]) * number(part[2]) : number(part[2])), ""
    }
    /^## The cross-format truth/ { is_table = 1 }
    /^Verified/ { is_table = 0 }
    is_table && number($2) == run && $2 ~ /^ [0-9 ]+$/ {
      print "calls", number($3), ""; print "bytes", number($4), ""
      pair("live", $5, "/"); pair("lost", $6, "x"); pair("session", $7, "x"); pair("cache", $8, "/")
      print "temporary buffers", number($9), ""
    }' "$data/MANIFEST.md" > "$work/theirs"
  metrics calls=allocations.count bytes=allocations.bytes 'live blocks'=heap.live_count 'live bytes'=heap.live_bytes
  if [[ -n $(ask "SELECT 1 FROM site WHERE function LIKE '%leak_lost%' LIMIT 1") ]]; then
    ask "WITH RECURSIVE part (name, pattern) AS (VALUES ('lost', 'leak_lost'), ('session', 'leak_session'),
          ('cache', 'cache_put'), ('temporary', 'temp_buf')),
        below (name, id) AS (SELECT p.name, s.id FROM part AS p JOIN site AS s ON s.function LIKE '%' || p.pattern || '%'
          UNION SELECT b.name, s.id FROM below AS b JOIN site AS s ON s.parent_id = b.id)
      SELECT b.name, sum(t.live_count), sum(t.live_bytes), sum(t.allocation_count),
        (SELECT sum(l.object_count) FROM site_leak AS l JOIN below AS c ON c.id = l.site_id WHERE c.name = b.name),
        (SELECT sum(l.bytes) FROM site_leak AS l JOIN below AS c ON c.id = l.site_id WHERE c.name = b.name)
      FROM below AS b LEFT JOIN site_stat AS t ON t.site_id = b.id AND t.snapshot_id = 1 GROUP BY 1" | awk -F '\t' -v OFS='\t' '
        $1 == "temporary" && $4 != "" { print "temporary buffers", $4; next }
        { blocks = ($2 != "" ? $2 : $5); bytes = ($3 != "" ? $3 : $6) }
        $1 != "temporary" && blocks != "" { print $1 " blocks", blocks; print $1 " bytes", bytes }' >> "$work/ours"
  fi
  program_why "$1" "$2"
  finish
}

program_why() {  # FILE RUN
  local pool figure
  case $1 in
    heaptrack/*)
      pool=$(ask "SELECT sum(allocated_bytes) FROM allocation_sites WHERE module LIKE '%libstdc++%'")
      why calls -1 "the pool of libstdc++ for exceptions, which the program does not count"
      why bytes "-$pool" "the pool of libstdc++ for exceptions, which the program does not count" ;;
    jemalloc/*) program_why_jemalloc "$2" ;;
  esac
  case $1 in
    sanitizer/*) program_absent 'a report of leaks has nothing else' calls bytes live session cache temporary ;;
    *.xml | *leak.kcg) program_absent 'a report of leaks has nothing else' calls bytes temporary ;;
    *-supp.txt) program_absent 'the report shows the paths of lost blocks only' session cache temporary ;;
    memcheck/*trace-malloc*) program_absent 'the record has no call paths' lost session cache temporary ;;
    memcheck/*.txt) program_absent 'a report of leaks has no paths of freed blocks' temporary ;;
    mtrace/* | jemalloc/* | gperftools/* | *.raw.zst)
      program_absent 'the record has addresses, names only with --exe and the program' lost session cache temporary ;;
  esac
}

program_absent() {  # REASON FIGURE…: the first words of figures
  local figure reason=$1
  shift
  for figure; do
    absent "$figure*" "$reason"
  done
}

# jemalloc's figures are usable sizes. Those of the sizes that heaptrack recorded, its pool for exceptions with them.
program_why_jemalloc() {  # RUN
  local sizes reason="jemalloc counts usable sizes, and the pool of libstdc++"
  mv "$work/heap.db" "$work/jemalloc.db"
  if "$heapql" import --quiet --no-cache "$traces/heaptrack/ht14-server20k.zst" -o "$work/heap.db" 2> /dev/null; then
    sizes=$(ask "SELECT size, sum(allocation_count), sum(live_count) FROM site_size WHERE snapshot_id = 1 GROUP BY size" | awk -F '\t' '
      function usable(size,    step) {
        if (size <= 8) return 8
        if (size <= 128) return int((size + 15) / 16) * 16
        for (step = 1; step * 8 < size; step *= 2) { }
        return int((size + step - 1) / step) * step
      }
      { blocks += $2; bytes += usable($1) * $2; asked += $1 * $2; live += usable($1) * $3; live_asked += $1 * $3
        if ($1 == 72704) { pool = usable($1); pool_asked = $1 } }
      END { print asked - pool_asked - bytes, live_asked - live - pool }')
    why calls -1 "$reason"
    why 'live blocks' -1 "$reason"
    why bytes "${sizes% *}" "$reason"
    why 'live bytes' "${sizes#* }" "$reason"
  fi
  mv "$work/jemalloc.db" "$work/heap.db"
}

# FILE FIGURE VALUE METRIC: of MANIFEST.md's column of expected figures.
documented() {
  said heaptrack/ht-truncated-3MB.zst 'calls of the part' 9417167 allocations.count
  said heaptrack/ht-python-38M.zst calls 18752498 allocations.count
  said heaptrack/ht-python-38M.zst 'peak heap' 10932317 peak.bytes
  said heaptrack/ht-python-38M.zst 'leaked and suppressed' 60651 heap.live_bytes
  said heaptrack/ht14-supp.zst suppressed 1234 leaks.suppressed_bytes
  said heaptrack/ht15-supp.zst suppressed 1234 leaks.suppressed_bytes
  said heaptrack/ht14-server20k.raw.zst 'peak heap' 4590040 peak.bytes
  said heaptrack/ht14-server20k.raw.zst temporary 140000 temporary.count
  said heaptrack/ht15-server20k-v3.zst temporary 140000 temporary.count
  said mtrace/server-20k.mtrace.gz peak 4517336 peak.bytes
  said mtrace/mtr.mtrace leaked 4396 leaks.bytes
  said massif/server-20k.out 'peak heap' 4512365 peak.bytes
  local shape
  for shape in linear=LEAKING leaksaw=LEAKING step=LEAKING log='WARMING UP' plateau=STABLE saw=STABLE flat=STABLE; do
    [[ -e $traces/smaps/${shape%%=*}/status.txt ]] || continue
    begin "smaps/${shape%%=*}/status.txt"
    theirs shape "${shape#*=}" text
    ours "SELECT 'shape', verdict FROM growth WHERE is_primary"
    finish
  done
}

said() {  # FILE FIGURE VALUE METRIC
  [[ -e $traces/$1 ]] || return 0
  begin "$1"
  theirs "$2" "$3"
  metrics "$2=$4"
  finish
}
