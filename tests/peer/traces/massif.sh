# massif: the table and the peak's sites that ms_print prints (NAME.ms_print.txt of NAME); of files without a print the
# values that stand in the file.

compare_massif() {
  local input print
  while read -r input; do
    begin "$input"
    print=$(files massif -name "$(basename "$input").ms_print.txt*" | head -n 1)
    if [[ -n $print && -e $traces/$input ]]; then
      plain "$print" | massif_print > "$work/theirs"
    else
      plain "$input" | massif_values > "$work/theirs"
    fi
    massif_ours
    finish
  done < <(files massif -name '*.out'; files public/massif-visualizer -name 'massif.out.*')
  while read -r print; do
    no_input "$print" "an expected output of ms_print without its input"
  done < <(files public/valgrind-massif -name '*.post.exp*')
}

massif_ours() {
  local scale=1
  [[ $(ask "SELECT value FROM meta WHERE key = 'massif.time_unit'") == milliseconds ]] && scale=1000
  ours "SELECT CASE name WHEN 'live_bytes' THEN 'useful heap' WHEN 'allocator_overhead_bytes' THEN 'extra heap' ELSE 'stacks' END
        || ' in snapshot ' || (row_number() OVER (PARTITION BY name ORDER BY t, rowid) - 1), value
      FROM series WHERE name IN ('live_bytes', 'allocator_overhead_bytes', 'stack_bytes')" \
    "SELECT 'time of snapshot ' || (row_number() OVER (ORDER BY t, rowid) - 1), round(t * $scale) FROM series WHERE name = 'live_bytes'" \
    "SELECT 'total in snapshot ' || (row_number() OVER (ORDER BY t) - 1), total FROM (SELECT t, sum(value) AS total FROM (
        SELECT t, value, row_number() OVER (PARTITION BY name ORDER BY t, rowid) AS n FROM series
        WHERE name IN ('live_bytes', 'allocator_overhead_bytes', 'stack_bytes')) GROUP BY n)" \
    "SELECT 'snapshots', count(*) FROM series WHERE name = 'live_bytes'" \
    "SELECT 'most useful heap', max(value) FROM series WHERE name = 'live_bytes'"
  { ask "SELECT 'site', id, parent_id, function || coalesce(' (' || nullif(file, '') || coalesce(':' || line, '') || ')',
      ' (in ' || nullif(module, '') || ')', '') FROM site"
    ask "SELECT 'stat', site_id, peak_bytes FROM site_stat WHERE snapshot_id = 1 AND peak_bytes > 0"
  } | awk -F '\t' -v OFS='\t' '
    $1 == "site" { parent[$2] = $3; name[$2] = $4; next }
    { path = ""; for (id = $2; id != ""; id = parent[id]) { path = path (path == "" ? "" : " < ") name[id]; sum[path] += $3 } }
    END { for (path in sum) print "at the peak: " path, sum[path] }' >> "$work/ours"
}

# Rows of the table and the nodes of the peak's tree, those of one place (by several instructions) together. Where some of a
# node's are below a threshold, others of the same place may be among them.
massif_print() {
  awk -v OFS='\t' -v why="$work/why" '
    /^Number of snapshots:/ { print "snapshots", $4, "" }
    match($0, /[0-9]+ \(peak\)/) { peak = substr($0, RSTART) + 0; has_peak = 1 }
    /^ *[0-9]+ +[0-9,]+ +[0-9,]+ +[0-9,]+ +[0-9,]+ +[0-9,]+$/ {
      snapshot = $1
      print "time of snapshot " $1, $2, ""; print "total in snapshot " $1, $3, ""; print "useful heap in snapshot " $1, $4, ""
      print "extra heap in snapshot " $1, $5, ""; print "stacks in snapshot " $1, $6, ""
    }
    has_peak && snapshot == peak && match($0, /->[0-9.]+% \([0-9,]+B\) /) {
      depth = (RSTART - 1) / 2
      bytes = substr($0, RSTART, RLENGTH); sub(/.*\(/, "", bytes); gsub(/[^0-9]/, "", bytes)
      place = substr($0, RSTART + RLENGTH)
      if (place !~ /^0x[0-9A-F]+: /) { is_cut[depth == 0 ? "" : path[depth - 1]]; next }
      address = place; sub(/:.*/, "", address)
      sub(/^0x[0-9A-F]+: /, "", place)
      sub(/^\?\?\?/, address, place)
      path[depth] = (depth == 0 ? "" : path[depth - 1] " < ") place
      if (!(path[depth] in at_peak)) { order[++n] = path[depth]; above[path[depth]] = depth == 0 ? "" : path[depth - 1] }
      at_peak[path[depth]] += bytes
    }
    END {
      reason = "places below a threshold are left out: others of the same line may be among them"
      for (i = 1; i <= n; i++) {
        print "at the peak: " order[i], at_peak[order[i]], ""
        for (at = order[i]; ; at = above[at]) {
          if (above[at] in is_cut) hidden[order[i]]
          if (above[at] == "") break
        }
        if (order[i] in hidden) print "at the peak: " order[i], "partial", reason >> why
      }
    }'
}

massif_values() {
  awk -F = -v OFS='\t' '
    /^snapshot=/ { snapshots++ }
    /^time=/ { time[snapshots] = $2 }
    /^mem_heap_B=/ { heap = $2; if (heap + 0 > most) most = heap; print "useful heap in snapshot " (snapshots - 1), $2, "" }
    /^mem_heap_extra_B=/ { extra = $2; print "extra heap in snapshot " (snapshots - 1), $2, "" }
    /^mem_stacks_B=/ {
      print "stacks in snapshot " (snapshots - 1), $2, ""
      print "total in snapshot " (snapshots - 1), sprintf("%.0f", heap + extra + $2), ""
    }
    END {
      print "snapshots", snapshots, ""; printf "most useful heap\t%.0f\t\n", most
      for (i = 1; i <= snapshots; i++) print "time of snapshot " (i - 1), time[i], ""
    }'
}
