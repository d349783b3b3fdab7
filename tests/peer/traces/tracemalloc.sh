# tracemalloc: what its snapshots say of themselves (truth-nfN.txt beside snap-nfN-K.pickle): totals and the top lines.

compare_tracemalloc() {
  local truth stem snapshot
  while read -r truth; do
    stem=$(basename "$truth" .txt)
    while read -r snapshot; do
      begin "tracemalloc/snap-${stem#truth-}-$snapshot.pickle"
      awk -v OFS='\t' -v wanted="$snapshot" '
        $1 == "snap" {
          is_wanted = $2 == wanted
          if (is_wanted) { print "traces", $4, ""; print "bytes", $6, ""; print "traced now and at most", $8 $9, "" }
          next
        }
        is_wanted && / size=/ {
          place = $1; sub(/:$/, "", place); text = $0; sub(/.*size=/, "", text); sub(/, count=.*/, "", text)
          count = $0; sub(/.*count=/, "", count); sub(/,.*/, "", count)
          mean = $0; sub(/.*average=/, "", mean)
          print "bytes of " place, text, "tracemalloc"; print "traces of " place, count, ""; print "mean of " place, mean, "tracemalloc"
        }' "$traces/$truth" > "$work/theirs"
      metrics traces=heap.live_count bytes=heap.live_bytes
      ask "SELECT f.file || ':' || f.line, sum(t.live_bytes), sum(t.live_count) FROM site_stat AS t JOIN site AS f ON f.id = t.site_id
        WHERE t.snapshot_id = 1 GROUP BY 1" \
        | awk -F '\t' -v OFS='\t' '{ print "bytes of " $1, $2; print "traces of " $1, $3; print "mean of " $1, $2 / $3 }' >> "$work/ours"
      absent 'traced now and at most' 'get_traced_memory() of the running program, no part of a snapshot'
      finish
    done < <(sed -n 's/^snap \([0-9]*\) .*/\1/p' "$traces/$truth")
  done < <(files tracemalloc -name 'truth-*.txt')
}
