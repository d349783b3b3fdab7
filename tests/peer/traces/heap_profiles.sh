# Heap profiles of gperftools and jemalloc: their headers, what gperftools said when it wrote them, jeprof's formula. The
# statistics of both allocators.

compare_heap_profiles() {
  local input
  while read -r input; do
    begin "$input"
    head -n 1 "$traces/$input" | awk -v OFS='\t' '{ gsub(/[:\[\]]/, " ")
      print "live blocks", $3, ""; print "live bytes", $4, ""; print "blocks", $5, ""; print "bytes", $6, "" }' > "$work/theirs"
    awk -v OFS='\t' -v name="$(basename "$input")" 'index($0, name " (") {
      sub(/.* \(/, "")
      for (i = 1; i < NF; i++) {
        if ($(i + 1) == "MB") print ($(i + 2) == "allocated" ? "bytes in MB" : "live bytes in MB"), $i, ""
      } }' \
      "$traces"/gperftools/*.stderr >> "$work/theirs"
    heap_profile_ours
    ours "SELECT 'bytes in MB', CAST(value AS INTEGER) / 1048576 FROM metric WHERE name = 'allocations.bytes'" \
      "SELECT 'live bytes in MB', CAST(value AS INTEGER) / 1048576 FROM metric WHERE name = 'heap.live_bytes'"
    finish
  done < <(files gperftools -name '*.heap')
  while read -r input; do jemalloc_profile "$input"; done < <(files jemalloc -name '*.heap')
  while read -r input; do tcmalloc_stats "$input"; done < <(files gperftools -name '*mallocstats*')
  jemalloc_stats
}

heap_profile_ours() {
  metrics 'live blocks'=heap.live_count 'live bytes'=heap.live_bytes blocks=allocations.count bytes=allocations.bytes
}

# The header's line of all threads, exact where nothing is sampled. jeprof scales each stack by 1 / (1 - exp(-mean / rate))
# and cuts the places off; heapql rounds.
jemalloc_profile() {  # FILE
  begin "$1"
  heap_profile_ours
  local rate
  rate=$(sed -n '1s/^heap_v2\///p' "$traces/$1")
  sed -n 2p "$traces/$1" | awk -v OFS='\t' '{ gsub(/[:\[\]]/, " ")
    print "live blocks", $2, ""; print "live bytes", $3, ""; print "blocks", $4, ""; print "bytes", $5, "" }' > "$work/theirs"
  if ((rate > 1)); then
    sed -i 's/^/header: /' "$work/theirs"
    absent 'header: *' 'of a sampled dump: an estimate by the mean size of all stacks, before scaling'
    awk -v OFS='\t' -v rate="$rate" -v theirs="$work/theirs" -v why="$work/why" '
      /^@/ { is_stack = 1; next }
      is_stack && / t\*:/ {
        gsub(/[:\[\]]/, " "); is_stack = 0
        if ($2 > 0) { weight = 1 / (1 - exp(-$3 / $2 / rate)); count += $2 * weight; live += $3 * weight }
        if ($4 > 0) { weight = 1 / (1 - exp(-$5 / $4 / rate)); blocks += $4 * weight; bytes += $5 * weight }
      }
      function figure(name, value) {
        printf "%s\t%.0f\t\n", name, int(value) >> theirs
        if (sprintf("%.0f", value) != sprintf("%.0f", int(value))) {
          print name, -1, "jeprof cuts the places off its sum, heapql rounds" >> why
        }
      }
      END { figure("live blocks", count); figure("live bytes", live); figure("blocks", blocks); figure("bytes", bytes) }' "$traces/$1"
  fi
  finish
}

# All of one program's end: what the text says is what the JSON says.
jemalloc_stats() {
  local input text
  while read -r input; do
    text=${input%%.*}.stats.txt
    begin "$input"
    sed -n 's/(n_thp [0-9]*)//; s/^Allocated: \(.*\)/allocated: \1/p' "$traces/$text" | tr -d , | awk -v OFS='\t' '{
      for (i = 1; i < NF; i += 2) { sub(/:$/, "", $i); print $i, $(i + 1), "" } }' > "$work/theirs"
    ours "SELECT CASE name WHEN 'in_use_bytes' THEN 'allocated' ELSE replace(name, '_bytes', '') END, value FROM series"
    finish
  done < <(files jemalloc -name '*.stats.*')
}

tcmalloc_stats() {  # FILE
  begin "$1"
  awk -v OFS='\t' '
    /^MALLOC: .* \( *[0-9.]+ MiB\) / {
      value = $0; sub(/^MALLOC: [ +=]*/, "", value); sub(/ .*/, "", value)
      label = $0; sub(/.*MiB\) /, "", label)
      if (label ~ / cache freelist/) caches += value; else print label, value, ""
    }
    END { print "caches", caches, "" }' "$traces/$1" > "$work/theirs"
  ours "SELECT v.column1, s.value FROM (VALUES ('Bytes in use by application', 'in_use_bytes'), ('caches', 'cached_bytes'),
    ('Bytes in page heap freelist', 'page_free_bytes'), ('Bytes in malloc metadata', 'metadata_bytes'),
    ('Actual memory used (physical + swap)', 'resident_bytes'), ('Bytes released to OS (aka unmapped)', 'retained_bytes'),
    ('Virtual address space used', 'mapped_bytes')) AS v JOIN series AS s ON s.name = v.column2"
  finish
}
