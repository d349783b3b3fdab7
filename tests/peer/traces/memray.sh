# memray: its stats as text (NAME.stats.txt of NAME.bin) and JSON (exact), and its summary of the peak. Versions up to 1.18
# (v11) print units of 1024, later ones of 1000.

compare_memray() {
  local input
  while read -r input; do
    memray_stats "$input"
  done < <(files memray -name '*.stats.txt' | sed 's/\.stats\.txt$//')
}

memray_stats() {  # NAME, below $traces
  local base=1000
  [[ $1 == *.v11 ]] && base=1024
  if [[ ! -e $traces/$1.bin ]]; then no_input "$1.bin" "the input of its stats is not here"; return; fi
  begin "$1.bin"
  memray_text "memray$base" < "$traces/$1.stats.txt" > "$work/theirs"
  [[ ! -e $traces/$1.stats.json ]] || memray_json "$traces/$1.stats.json" >> "$work/theirs"
  metrics allocations=allocations.count bytes=allocations.bytes peak=peak.bytes seconds=record.seconds
  ours "SELECT CASE key WHEN 'process_id' THEN 'process' WHEN 'command_line' THEN 'command' ELSE 'allocator of Python' END, value
      FROM meta WHERE key IN ('process_id', 'command_line', 'memray.python_allocator')" \
    "SELECT 'calls', sum(value) FROM meta WHERE key LIKE 'memray.calls.%'" \
    "SELECT 'frames', count(*) FROM site_frame" \
    "SELECT 'calls: ' || upper(substr(key, 14)), value FROM meta WHERE key LIKE 'memray.calls.%'" \
    "SELECT 'size: ' || f.function || ':' || f.file || ':' || f.line, sum(t.allocated_bytes)
      FROM site_stat AS t JOIN site AS f ON f.id = t.site_id WHERE t.snapshot_id = 1 GROUP BY 1" \
    "SELECT 'count: ' || f.function || ':' || f.file || ':' || f.line, sum(t.allocation_count)
      FROM site_stat AS t JOIN site AS f ON f.id = t.site_id WHERE t.snapshot_id = 1 GROUP BY 1"
  memray_histogram >> "$work/ours"
  absent 'module: *' 'memray 1.20 sums by Python package; heapql by function, file or module of code'
  [[ ! -e $traces/$1.summary.txt ]] || memray_summary "$1"
  finish
}

# The text's bars are dropped; "< 1.035KB : 3651" is a bin: its limit, and what is below it and not below the one before.
memray_text() {  # FORMAT
  awk -v OFS='\t' -v size="$1" '
    function value() { getline; gsub(/[ \t]/, ""); return $0 }
    { sub(/^[ \t]+/, "") }
    /Total allocations:/ { print "allocations", value(), "" }
    /Total memory allocated:/ { print "bytes", value(), size }
    /Peak memory usage:/ { print "peak", value(), size }
    /^min: / { print "smallest", $2, size }
    /^max: / { print "largest", $2, size }
    /^<=? *[0-9]/ {
      gsub(/^<=? */, ""); sub(/:/, " ")
      print "limit of bin " ++bins, $1, size; print "allocations in bin " bins, $2, ""
    }
    /^[^-]* largest allocating/ { list = / by size/ || /\(by size/ ? "size: " : "count: " }
    /allocating modules/ { list = "module: " }
    /Allocator type/ { list = "calls: " }
    list == "calls: " && /^[A-Z_]+: [0-9]+$/ { sub(/:$/, "", $1); print "calls: " $1, $2, "" }
    /^- / && list == "module: " { print list $2, $3, "" }
    /^- / && list != "module: " {
      where = $0; sub(/^- /, "", where); sub(/ -> [^>]*$/, "", where)
      print list where, $NF, (list == "size: " ? size : "")
    }'
}

memray_json() {  # FILE
  sqlite3 -noheader -separator "$tab" :memory: "WITH j (doc) AS (SELECT readfile('$1'))
    SELECT 'allocations', json_extract(doc, '\$.total_num_allocations'), '' FROM j
    UNION ALL SELECT 'bytes', json_extract(doc, '\$.total_bytes_allocated'), '' FROM j
    UNION ALL SELECT 'peak', json_extract(doc, '\$.metadata.peak_memory'), '' FROM j
    UNION ALL SELECT 'calls', json_extract(doc, '\$.metadata.total_allocations'), '' FROM j
    UNION ALL SELECT 'frames', json_extract(doc, '\$.metadata.total_frames'), '' FROM j
    UNION ALL SELECT 'process', json_extract(doc, '\$.metadata.pid'), '' FROM j
    UNION ALL SELECT 'command', json_extract(doc, '\$.metadata.command_line'), 'text' FROM j
    UNION ALL SELECT 'allocator of Python', json_extract(doc, '\$.metadata.python_allocator'), 'text' FROM j
    UNION ALL SELECT 'seconds', printf('%.3f', (julianday(substr(json_extract(doc, '\$.metadata.end_time'), 1, 23))
      - julianday(substr(json_extract(doc, '\$.metadata.start_time'), 1, 23))) * 86400), '%.3f' FROM j
    UNION ALL SELECT 'smallest of bin ' || (key + 1), json_extract(value, '\$.min_bytes'), ''
      FROM j, json_each(doc, '\$.allocation_size_histogram')
    UNION ALL SELECT 'allocations in bin ' || (key + 1), json_extract(value, '\$.count'), ''
      FROM j, json_each(doc, '\$.allocation_size_histogram')
    UNION ALL SELECT 'calls: ' || key, value, '' FROM j, json_each(doc, '\$.allocator_type_distribution')
    UNION ALL SELECT 'size: ' || json_extract(value, '\$.location'), json_extract(value, '\$.size'), ''
      FROM j, json_each(doc, '\$.top_allocations_by_size')
    UNION ALL SELECT 'count: ' || json_extract(value, '\$.location'), json_extract(value, '\$.count'), ''
      FROM j, json_each(doc, '\$.top_allocations_by_count')"
}

# memray's ten bins: equal steps of the logarithm from the smallest size but 0 to the largest.
memray_histogram() {
  ask "SELECT size, sum(allocation_count) FROM site_size WHERE snapshot_id = 1 GROUP BY size" | awk -v OFS='\t' '
    { sizes[NR] = $1; counts[NR] = $2 }
    END {
      if (NR == 0) exit
      low = log(sizes[1] > 0 ? sizes[1] : sizes[2])
      step = (log(sizes[NR]) - low) / 10
      for (i = 1; i <= NR; i++) {
        above = sizes[i] > 0 ? log(sizes[i]) - low : 0
        bin = int((above - above % step) / step + 0.5)  # exact where a quotient rounds up
        in_bin[bin < 9 ? bin : 9] += counts[i]
      }
      print "smallest", sizes[1]; print "largest", sizes[NR]
      for (i = 0; i < 10; i++) {
        print "smallest of bin " (i + 1), (i == 0 ? 0 : int(exp(low + step * i)))
        print "limit of bin " (i + 1), (i == 9 ? sizes[NR] : int(exp(low + step * (i + 1))))
        print "allocations in bin " (i + 1), in_bin[i] + 0
      }
    }'
}

# memray's own frames, from _run_tracker outwards, are not in it.
# A table whose cells are cut with "…": a row is a location, bytes and allocations of the peak in it and below it, bytes in it.
memray_summary() {  # NAME
  local figure
  for figure in 'at the peak in' 'blocks at the peak in'; do
    partial "$figure*" "memray's summary ends at 95 % of the bytes, in the order of its hash table"
  done
  awk -F '│' '
    /^│/ {
      gsub(/^ +| +$/, "", $2)
      if ($3 ~ /[0-9]/) { if (where != "") print line(); where = $2; total = $3; own = $5; count = $7 } else where = where " " $2
    }
    END { if (where != "") print line() }
    function line() { gsub(/ /, "", total); gsub(/ /, "", own); gsub(/ /, "", count); return where "\t" total "\t" own "\t" count }
    ' "$traces/$1.summary.txt" > "$work/summary"
  "$heapql" query --quiet --format tsv "$work/heap.db" "WITH RECURSIVE up (leaf, id, place) AS (
      SELECT DISTINCT t.site_id, s.parent_id, s.function || ' at ' || s.file FROM site_stat AS t JOIN site AS s ON s.id = t.site_id
      WHERE t.snapshot_id = 1
      UNION ALL SELECT up.leaf, s.parent_id, s.function || ' at ' || s.file FROM up JOIN site AS s ON s.id = up.id
      WHERE up.place NOT LIKE '\_run\_tracker at %' ESCAPE '\')
    SELECT u.place, sum(t.peak_bytes), sum(t.peak_count),
      (SELECT coalesce(sum(o.peak_bytes), 0) FROM site_stat AS o JOIN site AS s ON s.id = o.site_id
      WHERE o.snapshot_id = 1 AND s.function || ' at ' || s.file = u.place)
    FROM (SELECT DISTINCT leaf, place FROM up) AS u JOIN site_stat AS t ON t.site_id = u.leaf AND t.snapshot_id = 1 GROUP BY 1" \
    | tail -n +2 > "$work/places"
  awk -F '\t' -v OFS='\t' -v theirs="$work/theirs" -v ours="$work/ours" '
    FNR == NR { places[++n] = $1; total[n] = $2; count[n] = $3; own[n] = $4; next }
    {
      stem = $1; sub(/…$/, "", stem); found = 0
      for (i = 1; i <= n; i++) if (places[i] == $1 || (stem != $1 && index(places[i], stem) == 1)) found = i
      print "at the peak in and below " $1, $2, "prefix1024" >> theirs
      print "at the peak in " $1, $3, "prefix1024" >> theirs
      print "blocks at the peak in and below " $1, $4, "" >> theirs
      if (!found) next
      print "at the peak in and below " $1, total[found] >> ours
      print "at the peak in " $1, own[found] >> ours
      print "blocks at the peak in and below " $1, count[found] >> ours
    }' "$work/places" "$work/summary"
}
