# heaptrack: what heaptrack_print says (NAME.print.txt of NAME.zst), its histogram (NAME.hist.tsv).

# Its sites are a function, line and module; all functions of a module that have no name are one.
heaptrack_site="CASE WHEN f.function LIKE '0x%' THEN '(no name)' ELSE f.function END || CASE WHEN f.file <> '' THEN
  ' ' || replace(f.file, rtrim(f.file, replace(f.file, '/', '')), '') || coalesce(':' || f.line, '') ELSE '' END
  || ' ' || replace(f.module, rtrim(f.module, replace(f.module, '/', '')), '')"

# Leaks that heapql suppresses and the print does not: heapql's built-in suppressions take all of __nss_*, __gconv_*,
# g_quark_init and g_type_register_*.
heaptrack_extra="SELECT * FROM site_leak WHERE suppression IS NOT NULL AND site_id NOT IN (
  WITH RECURSIVE up (leaf, id, keep) AS (SELECT DISTINCT site_id, site_id, 0 FROM site_leak WHERE suppression IS NOT NULL
    UNION SELECT up.leaf, s.parent_id, s.function LIKE '%\_\_nss\_module\_allocate%' ESCAPE '\'
      OR s.function LIKE '%\_\_gconv\_read\_conf%' ESCAPE '\'
      OR s.function LIKE '%\_\_new\_exitfn%' ESCAPE '\' OR s.function LIKE '%tzset\_internal%' ESCAPE '\'
      OR s.function LIKE '%dl\_open\_worker%' ESCAPE '\' OR s.function LIKE '%g\_main\_context\_new%' ESCAPE '\'
      OR s.function LIKE '%g\_thread\_self%' ESCAPE '\'
    FROM up JOIN site AS s ON s.id = up.id)
  SELECT leaf FROM up WHERE keep)"
heaptrack_suppressed="heapql's built-in suppressions cover more functions of glibc and GLib"

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
  plain "$1" | heaptrack_listed_paths > "$work/listed"
  heaptrack_paths > "$work/paths"
  heaptrack_join_paths
  heaptrack_why "$2"
  finish
}

# The lists of sites and the summary.
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

# The paths to a site that the print lists, five at most: section, site, path, calls, bytes or temporary ones.
heaptrack_listed_paths() {
  awk -v OFS='\t' '
    function base(path) { sub(/.*\//, "", path); return path }
    function path_ends() { if (is_path) print section, site, path, count, amount; is_path = 0 }
    function site_of() { return (symbol ~ /^0x/ ? "(no name)" : symbol) (place == "" ? "" : " " base(place)) " " base($2) }
    /^MOST CALLS/ { section = "calls" }
    /^PEAK MEMORY/ { path_ends(); section = "peak" }
    /^MEMORY LEAKS/ { path_ends(); section = "leaked" }
    /^MOST TEMPORARY/ { path_ends(); section = "temporary" }
    is_site && symbol == "" { symbol = $0; next }
    is_site && /^  at / && place == "" { place = $2 }
    is_site && /^  in / { site = site_of(); is_site = 0; next }
    / from$/ { path_ends(); is_site = 1; symbol = place = "" }
    / from:$/ {
      path_ends(); is_path = 1; path = ""
      if (section == "calls") { count = $1; amount = $4 } else { count = (section == "temporary" ? $5 : $4); amount = $1 }
    }
    is_path && /^    [^ ]/ { sub(/^ +/, ""); path = path " < " $0; next }
    is_path && /^      at / { sub(/:0$/, "", $2); path = path " " base($2) }
    /^  and / || /^total runtime/ { path_ends() }'
}

# Paths as the print has them, without the functions that were inlined at the site, to main: site, path, calls, bytes at
# the peak, leaked, temporary ones, leaked that only heapql suppresses.
heaptrack_paths() {
  { ask "SELECT 'site', id, parent_id, function,
      coalesce(replace(file, rtrim(file, replace(file, '/', '')), '') || coalesce(':' || line, ''), ''), is_inlined FROM site"
    ask "SELECT 'stat', t.site_id, $heaptrack_site, t.allocation_count, t.peak_bytes, coalesce((SELECT sum(l.bytes) FROM site_leak AS l
      WHERE l.site_id = t.site_id AND l.suppression IS NULL), 0), t.temporary_count, coalesce((SELECT sum(l.bytes) FROM
      ($heaptrack_extra) AS l WHERE l.site_id = t.site_id), 0) FROM site_stat AS t JOIN site AS f ON f.id = t.site_id"
  } | awk -F '\t' -v OFS='\t' '
    $1 == "site" { parent[$2] = $3; inlined[$2] = $6; is_main[$2] = $4 == "main"; name[$2] = " < " $4 ($5 == "" ? "" : " " $5); next }
    {
      id = $2
      while (id != "" && inlined[id] == 1) id = parent[id]
      path = ""
      for (id = parent[id]; id != ""; id = parent[id]) { path = path name[id]; if (is_main[id]) break }
      key = $3 OFS path
      calls[key] += $4; peak[key] += $5; leaked[key] += $6; temporary[key] += $7; extra[key] += $8
    }
    END { for (key in calls) print key, calls[key], peak[key], leaked[key], temporary[key], extra[key] }'
}

# Figures of the listed paths, numbered in the print's order. Several with the same lines (by instruction) are added up.
heaptrack_join_paths() {
  awk -F '\t' -v OFS='\t' -v theirs="$work/theirs" -v ours="$work/ours" -v why="$work/why" -v suppressed="$heaptrack_suppressed" '
    NR == FNR {
      key = $1 OFS $2; calls[key] = $3; extra[key] = $7
      figure["peak " key] = $4; figure["leaked " key] = $5; figure["temporary " key] = $6
      next
    }
    {
      key = $2 OFS $3; entry = $1 OFS key
      if (!(entry in label)) { label[entry] = $2 ", path " ++n; order[n] = entry }
      listed[entry]++; count[entry] += $4; amount[entry] = ($1 == "temporary" ? amount[entry] + $5 : $5)
    }
    END {
      for (i = 1; i <= n; i++) {
        entry = order[i]; split(entry, part, OFS); key = part[2] OFS part[3]; what = part[1] == "calls" ? "peak" : part[1]
        print "calls: " label[entry], count[entry], "" >> theirs
        if (what == "temporary") print "temporary: " label[entry], amount[entry], "" >> theirs
        else if (listed[entry] == 1) print what ": " label[entry], amount[entry], "decimal" >> theirs
        if (!(key in calls)) continue
        print "calls: " label[entry], calls[key] >> ours
        print what ": " label[entry], figure[what " " key] >> ours
        reason = "paths are listed by instruction, five at most: others have the same lines"
        if (what == "leaked" && extra[key] > 0) print what ": " label[entry], extra[key], suppressed >> why
        if (calls[key] <= count[entry]) continue
        print "calls: " label[entry], "partial", reason >> why
        print what ": " label[entry], "partial", reason >> why
      }
    }' "$work/paths" "$work/listed"
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
    why "temporary: $site*" "$false_ones" "the print counts a free of kind 0 after another free as temporary"
  fi
  read -r calls temporary ms < <(ask "SELECT (SELECT value FROM metric WHERE name = 'allocations.count'), (SELECT value FROM
    metric WHERE name = 'temporary.count'), CAST(round(value * 1000) AS INTEGER) FROM metric WHERE name = 'record.seconds'")
  why runtime 0.001 "the print adds 1 ms to the last time"
  heaptrack_why_suppressed
  heaptrack_rate 'calls per second' "${calls%.*}" "${calls%.*}" "$ms" "the print adds 1 ms to the last time"
  heaptrack_rate 'temporary per second' "${temporary%.*}" $((${temporary%.*} + false_ones)) "$ms" \
    "the print adds 1 ms to the last time and counts a free of kind 0 as temporary"
}

heaptrack_why_suppressed() {
  local site bytes sum=0
  while IFS=$tab read -r site bytes; do
    why "leaked: $site" "$bytes" "$heaptrack_suppressed"
    ((sum += bytes))
  done < <(ask "SELECT $heaptrack_site, sum(l.bytes) FROM ($heaptrack_extra) AS l JOIN site AS f ON f.id = l.site_id GROUP BY 1")
  ((sum == 0)) && return
  why leaked "$sum" "$heaptrack_suppressed"
  why suppressed "-$sum" "$heaptrack_suppressed"
}

heaptrack_rate() {  # FIGURE OURS THEIRS MS REASON
  why "$1" $(($3 * 1000 / ($4 + 1) - $2 * 1000 / $4)) "$5"
}
