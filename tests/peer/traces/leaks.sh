# Reports of leaks: sanitizers (their SUMMARY line), gperftools' leak checker, mtrace (the report of the Perl script).

compare_leaks() {
  local input
  while read -r input; do
    begin "$input"
    awk -v OFS='\t' '
      /^SUMMARY: .* leaked in / { print "leaked", $3, ""; print "leaked blocks", $(NF - 1), ""; next }
      /^SUMMARY: / { print "error " $3, 1, "" }' "$traces/$input" > "$work/theirs"
    metrics leaked=leaks.bytes 'leaked blocks'=leaks.count
    ours "SELECT 'error ' || substr(key, 17), value FROM meta WHERE key LIKE 'sanitizer.error.%'"
    finish
  done < <(files sanitizer)
  while read -r input; do
    begin "$input"
    awk -v OFS='\t' '
      /^Leak check .* detected leaks of / { print "leaked", $7, ""; print "leaked blocks", $10, "" }
      /^Leak of .* allocated from:/ { print "largest leak", $3, ""; print "blocks of the largest leak", $6, "" }
      ' "$traces/$input" > "$work/theirs"
    metrics leaked=leaks.bytes 'leaked blocks'=leaks.count
    ours "SELECT 'largest leak', max(bytes) FROM site_leak" \
      "SELECT 'blocks of the largest leak', object_count FROM site_leak ORDER BY bytes DESC LIMIT 1"
    finish
  done < <(files gperftools -name 'heapcheck*.txt')
  while read -r input; do
    begin "${input%.report}" --events
    awk -v OFS='\t' '
      /^0x/ { count++; print "size of the block at " $1, $2, "hex" }
      END { print "blocks not freed", count, "" }' "$traces/$input" > "$work/theirs"
    metrics 'blocks not freed'=heap.live_count
    ours "SELECT 'size of the block at ' || printf('0x%016x', address), size FROM event
      WHERE kind NOT BETWEEN 1 AND 5 AND id NOT IN (SELECT allocation_id FROM event WHERE allocation_id IS NOT NULL)"
    finish
  done < <(files mtrace -name '*.report')
}
