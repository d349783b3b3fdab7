# memcheck: the heap and leak summaries of the text reports; XML and xtrees of the same program against a text report.

compare_memcheck() {
  local input summary
  while read -r input; do
    grep -q 'LEAK SUMMARY' "$traces/$input" || continue
    begin "$input"
    if [[ -n $(ask "SELECT 1 FROM meta WHERE key = 'memcheck.leak_searches'") ]]; then
      memcheck_summary "$traces/$input" > "$work/theirs"
      memcheck_records "$traces/$input" >> "$work/theirs"
      memcheck_ours
    else  # the summary of a run whose leaks are in another file, or a trace of mallocs with a summary at its end
      memcheck_summary "$traces/$input" | grep -v ' lost' | grep -v reachable > "$work/theirs"
      metrics 'in use'=heap.live_bytes 'blocks in use'=heap.live_count allocated=allocations.bytes allocs=allocations.count
      memcheck_frees
      absent suppressed 'a trace of mallocs has no leak search'
      absent 'blocks suppressed' 'a trace of mallocs has no leak search'
    fi
    finish
  done < <(files memcheck -name '*.txt')
  while read -r input; do
    summary=${input%%.*}
    [[ -e $traces/$summary.xt.txt ]] && summary+=.xt
    begin "$input"
    memcheck_summary "$traces/$summary.txt" > "$work/theirs"
    memcheck_ours
    case $input in
      *.xml)
        absent allocated 'XML reports have no heap summary'
        absent allocs 'XML reports have no heap summary'
        absent frees 'XML reports have no heap summary' ;;
      *leak*)
        for figure in allocated allocs frees; do absent "$figure" 'a leak xtree has leaks only'; done ;;
      *)
        for figure in definitely indirectly possibly still suppressed 'blocks definitely' 'blocks indirectly' 'blocks possibly' \
          'blocks still' 'blocks suppressed'; do
          absent "$figure*" 'a memory xtree does not say what is reachable'
        done ;;
    esac
    finish
  done < <(files memcheck -name '*.xml' -o -name '*.kcg' -o -name '*.ms')
}

memcheck_summary() {  # FILE
  sed -e 's/^==[0-9]*== *//' -e 's/\([0-9]\),\([0-9]\)/\1\2/g' "$1" | awk -v OFS='\t' '
    /^in use at exit:/ { print "in use", $5, ""; print "blocks in use", $8, "" }
    /^total heap usage:/ { print "allocs", $4, ""; print "frees", $6, ""; print "allocated", $8, "" }
    /^(definitely|indirectly|possibly) lost: / { print $1 " lost", $3, ""; print "blocks " $1 " lost", $6, "" }
    /^still reachable: / { print "still reachable", $3, ""; print "blocks still reachable", $6, "" }
    /^suppressed: [0-9]+ bytes/ { print "suppressed", $2, ""; print "blocks suppressed", $5, "" }'
}

# Loss records: by kind and the frame behind malloc.
memcheck_records() {  # FILE
  sed -e 's/^==[0-9]*== *//' -e 's/\([0-9]\),\([0-9]\)/\1\2/g' "$1" | awk -v OFS='\t' '
    / bytes in [0-9]+ blocks? (is|are) .* in loss record / { bytes = $1; blocks = $4; kind = $7; path = ""; frames = 0; open = 1; next }
    open && /^(at|by) 0x/ {
      if (frames++ > 0) { sub(/^by 0x[0-9A-F]+: /, ""); sub(/ \([^()]*\)$/, ""); path = path (path == "" ? "" : " < ") $0 }
      next
    }
    open { print kind ": " path, bytes, ""; print "blocks " kind ": " path, blocks, ""; open = 0 }'
}

memcheck_ours() {
  metrics 'in use'=heap.live_bytes 'blocks in use'=heap.live_count allocated=allocations.bytes allocs=allocations.count
  memcheck_frees
  if [[ -n $(ask "SELECT 1 FROM site_leak WHERE kind <> 'at_end' LIMIT 1") ]]; then
    metrics suppressed=leaks.suppressed_bytes 'blocks suppressed'=leaks.suppressed_count
    ask "SELECT v.column1, coalesce(sum(k.bytes), 0), coalesce(sum(k.object_count), 0)
      FROM (VALUES ('definitely lost', 'definite'), ('indirectly lost', 'indirect'), ('possibly lost', 'possible'),
        ('still reachable', 'reachable')) AS v LEFT JOIN site_leak AS k ON k.kind = v.column2 GROUP BY 1" | with_blocks >> "$work/ours"
  fi
  ask "WITH RECURSIVE up (leaf, id, path) AS (SELECT DISTINCT site_id, site_id, '' FROM site_leak
      UNION ALL SELECT up.leaf, s.parent_id, up.path || CASE WHEN up.path = '' THEN '' ELSE ' < ' END || s.function
      FROM up JOIN site AS s ON s.id = up.id)
    SELECT CASE l.kind WHEN 'definite' THEN 'definitely' WHEN 'reachable' THEN 'still' WHEN 'possible' THEN 'possibly'
        ELSE 'indirectly' END || ': ' || up.path,
      l.bytes, l.object_count FROM up JOIN site_leak AS l ON l.site_id = up.leaf WHERE up.id IS NULL" \
    | with_blocks >> "$work/ours"
}

memcheck_frees() {
  ours "SELECT 'frees', a.value - l.value FROM metric AS a, metric AS l
    WHERE a.name = 'allocations.count' AND l.name = 'heap.live_count'"
}

with_blocks() { awk -F '\t' -v OFS='\t' '{ print $1, $2; print "blocks " $1, $3 }'; }
