# heaptrack: what heaptrack_print says (NAME.print.txt of NAME.zst), its histogram (NAME.hist.tsv).

# Its sites are a function, line and module; all functions of a module that have no name are one.
heaptrack_site="CASE WHEN f.function LIKE '0x%' THEN '(no name)' ELSE f.function END || CASE WHEN f.file <> '' THEN
  ' ' || replace(f.file, rtrim(f.file, replace(f.file, '/', '')), '') || coalesce(':' || f.line, '') ELSE '' END
  || ' ' || replace(f.module, rtrim(f.module, replace(f.module, '/', '')), '')"

compare_heaptrack() {
  local print
  while read -r print; do
    heaptrack_print "$print" "${print%.print.txt*}.zst"
  done < <(files heaptrack -name '*.print.txt*')
  while read -r print; do
    begin "${print%.hist.tsv}.zst"
    awk -F '\t' -v OFS='\t' '{ print "allocations of " $1 " bytes", $2, "" }' "$traces/$print" > "$work/theirs"
    ours "SELECT 'allocations of ' || size || ' bytes', sum(allocation_count) FROM site_size WHERE snapshot_id = 1 GROUP BY size"
    finish
  done < <(files heaptrack -name '*.hist.tsv')
}

heaptrack_print() {  # PRINT FILE
  if [[ ! -e $traces/$2 ]]; then no_input "$2" "the input of its .print.txt is not here"; return; fi
  begin "$2"
  plain "$1" | heaptrack_figures > "$work/theirs"
  metrics calls=allocations.count temporary=temporary.count 'peak heap'=peak.bytes 'peak RSS'=peak.rss_bytes \
    leaked=leaks.bytes suppressed=leaks.suppressed_bytes runtime=record.seconds
  ours "SELECT 'calls per second', CAST(c.value / s.value AS INTEGER) FROM metric AS c, metric AS s
      WHERE c.name = 'allocations.count' AND s.name = 'record.seconds' AND s.value > 0" \
    "SELECT 'temporary per second', CAST(c.value / s.value AS INTEGER) FROM metric AS c, metric AS s
      WHERE c.name = 'temporary.count' AND s.name = 'record.seconds' AND s.value > 0"
  "$heapql" query --quiet --format tsv "$work/heap.db" "SELECT $heaptrack_site AS site, sum(t.allocation_count),
      sum(t.peak_bytes), sum(coalesce(l.bytes, 0)), sum(t.temporary_count)
    FROM site_stat AS t JOIN site AS f ON f.id = t.site_id LEFT JOIN (SELECT site_id, sum(bytes) AS bytes FROM site_leak
      WHERE snapshot_id = 1 AND suppression IS NULL GROUP BY site_id) AS l ON l.site_id = t.site_id
    WHERE t.snapshot_id = 1 GROUP BY 1" | awk -F '\t' -v OFS='\t' 'NR > 1 {
      print "calls: " $1, $2; print "peak: " $1, $3; print "leaked: " $1, $4; print "temporary: " $1, $5 }' >> "$work/ours"
  heaptrack_why "$2"
  finish
}

# The lists of sites and the summary. Paths under a site are not read: the print has them by instruction, not by line.
heaptrack_figures() {
  awk -v OFS='\t' '
    function base(path) { sub(/.*\//, "", path); return path }
    function site_ends(    name) {
      name = (symbol ~ /^0x/ ? "(no name)" : symbol) (place == "" ? "" : " " base(place)) " " base($2)
      if (section == "calls") { print "calls: " name, count, ""; print "peak: " name, bytes, "decimal" }
      if (section == "peak") { print "peak: " name, bytes, "decimal"; print "calls: " name, count, "" }
      if (section == "leaks") { print "leaked: " name, bytes, "decimal"; print "calls: " name, count, "" }
      if (section == "temporary") { print "temporary: " name, bytes, ""; print "calls: " name, count, "" }
      is_site = 0
    }
    /^MOST CALLS/ { section = "calls" }
    /^PEAK MEMORY/ { section = "peak" }
    /^MEMORY LEAKS/ { section = "leaks" }
    /^MOST TEMPORARY/ { section = "temporary" }
    is_site && symbol == "" { symbol = $0; next }
    is_site && /^  at / && place == "" { place = $2 }
    is_site && /^  in / { site_ends() }
    / from$/ {
      is_site = 1; symbol = place = ""
      if (section == "calls") { count = $1; bytes = $7 }
      if (section == "peak") { bytes = $1; count = $6 }
      if (section == "leaks") { bytes = $1; count = $4 }
      if (section == "temporary") { bytes = $1; count = $5 }
    }
    /^total runtime:/ { sub(/s\.$/, "", $3); print "runtime", $3, "%.2f" }
    /^calls to allocation functions:/ { print "calls", $5, ""; print "calls per second", substr($6, 2) + 0, "" }
    /^temporary memory allocations:/ { print "temporary", $4, ""; print "temporary per second", substr($5, 2) + 0, "" }
    /^peak heap memory consumption:/ { print "peak heap", $5, "decimal" }
    /^peak RSS/ { print "peak RSS", $6, "decimal" }
    /^total memory leaked:/ { print "leaked", $4, "decimal" }
    /^suppressed leaks:/ { print "suppressed", $3, "decimal" }'
}

# The print takes a free of the kind numbered 0 for a temporary when a free came before it: 0 is its mark for "none". It
# says that the record ends 1 ms after the last time in it.
heaptrack_why() {  # FILE
  local false_ones site calls temporary ms
  false_ones=$(plain "$1" | { grep -a '^[-+]' || true; } | { grep -a -x -B 1 -e '- 0' || true; } | grep -a -c -e '^- [1-9a-f]' || true)
  if ((false_ones > 0)); then
    site=$(ask "SELECT $heaptrack_site FROM site AS f WHERE f.id = (SELECT site_id FROM site_size WHERE snapshot_id = 1
      AND size = 72704 AND allocation_count = 1)")
    why temporary "$false_ones" "the print counts a free of kind 0 after another free as temporary"
    why "temporary: $site" "$false_ones" "the print counts a free of kind 0 after another free as temporary"
  fi
  read -r calls temporary ms < <(ask "SELECT (SELECT value FROM metric WHERE name = 'allocations.count'), (SELECT value FROM
    metric WHERE name = 'temporary.count'), CAST(round(value * 1000) AS INTEGER) FROM metric WHERE name = 'record.seconds'")
  why runtime 0.001 "the print adds 1 ms to the last time"
  heaptrack_why_suppressed
  heaptrack_rate 'calls per second' "${calls%.*}" "${calls%.*}" "$ms" "the print adds 1 ms to the last time"
  heaptrack_rate 'temporary per second' "${temporary%.*}" $((${temporary%.*} + false_ones)) "$ms" \
    "the print adds 1 ms to the last time and counts a free of kind 0 as temporary"
}

# heapql's built-in suppressions take all of __nss_*, __gconv_*, g_quark_init and g_type_register_*; these are the print's.
heaptrack_why_suppressed() {
  local reason="heapql's built-in suppressions cover more functions of glibc and GLib" site bytes sum=0
  while IFS=$tab read -r site bytes; do
    why "leaked: $site" "$bytes" "$reason"
    ((sum += bytes))
  done < <(ask "WITH RECURSIVE up (leaf, id, keep) AS (SELECT DISTINCT site_id, site_id, 0 FROM site_leak
      WHERE suppression IS NOT NULL UNION
      SELECT up.leaf, s.parent_id, s.function LIKE '%__nss_module_allocate%' OR s.function LIKE '%__gconv_read_conf%'
        OR s.function LIKE '%__new_exitfn%' OR s.function LIKE '%tzset_internal%' OR s.function LIKE '%dl_open_worker%'
        OR s.function LIKE '%g_main_context_new%' OR s.function LIKE '%g_thread_self%'
      FROM up JOIN site AS s ON s.id = up.id)
    SELECT $heaptrack_site, sum(l.bytes) FROM site_leak AS l JOIN site AS f ON f.id = l.site_id
    WHERE l.suppression IS NOT NULL AND l.site_id NOT IN (SELECT leaf FROM up WHERE keep) GROUP BY 1")
  ((sum == 0)) && return
  why leaked "$sum" "$reason"
  why suppressed "-$sum" "$reason"
}

heaptrack_rate() {  # FIGURE OURS THEIRS MS REASON
  why "$1" $(($3 * 1000 / ($4 + 1) - $2 * 1000 / $4)) "$5"
}
