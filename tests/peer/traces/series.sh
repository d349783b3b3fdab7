# Memory over time: /proc files and a table of one process (every value: count, sum and largest), glibc's malloc_info against
# malloc_stats and mallinfo2, bpftrace and bcc's memleak.

compare_series() {
  local input
  while read -r input; do
    series_columns "$input"
  done < <(files smaps -name '*.csv' -o -name 'status.txt' -o -name 'smaps_rollup.txt' -o -name 'smaps.0*.txt')
  [[ ! -e $traces/glibc/malloc_info.xml ]] || malloc_info
  while read -r input; do bpftrace "$input"; done < <(files bpf -name 'bpftrace*.txt')
  while read -r input; do memleak "$input"; done < <(files public/bcc)
}

series_columns() {  # FILE
  begin "$1"
  case $1 in
    *.csv) awk -F , -v OFS='\t' 'NR == 1 { for (i = 3; i <= NF; i++) { name[i] = $i; sub(/_kb$/, "_bytes", name[i]) } next }
        { for (i = 3; i <= NF; i++) print name[i], $i * (name[i] ~ /_bytes/ ? 1024 : 1), NR }' "$traces/$1" | sed 's/^anon_/rss_anon_/' ;;
    *) awk -v OFS='\t' '
        BEGIN {
          split("VmSize vms VmHWM rss_peak VmRSS rss RssAnon rss_anon RssFile rss_file RssShmem rss_shared VmData data VmPTE page_table " \
            "VmSwap swap Rss rss Pss pss Shared_Clean shared_clean Shared_Dirty shared_dirty Private_Clean private_clean " \
            "Private_Dirty private_dirty Anonymous rss_anon Swap swap Size vms", pairs, " ")
          for (i = 1; i in pairs; i += 2) names[pairs[i] ":"] = pairs[i + 1] "_bytes"
        }
        /^###/ { part++ }
        $1 in names { print names[$1], $2 * 1024, part }
        $1 == "Threads:" { print "threads", $2, part }' "$traces/$1" ;;
  esac | awk -F '\t' -v OFS='\t' '
    { key = $1 "\t" $3; if (!(key in value)) { order[++n] = key; names[$1] = 1 } value[key] += $2 }
    END {
      for (i = 1; i <= n; i++) {
        split(order[i], part, "\t"); name = part[1]
        count[name]++; sum[name] += value[order[i]]
        if (value[order[i]] > most[name]) most[name] = value[order[i]]
      }
      for (name in names) {
        printf "%s: values\t%d\t\n%s: sum\t%.0f\t\n", name, count[name], name, sum[name]
        printf "%s: largest\t%.0f\t\n", name, most[name]
      }
    }' | LC_ALL=C sort > "$work/theirs"
  ask "SELECT name, count(*), printf('%.0f', sum(value)), printf('%.0f', max(value)) FROM series GROUP BY name" | awk -F '\t' -v OFS='\t' '{
    print $1 ": values", $2; print $1 ": sum", $3; print $1 ": largest", $4 }' >> "$work/ours"
  finish
}

# mallinfo2 was asked first; then the stream of malloc_info took its buffer from the top chunk.
malloc_info() {
  local buffer reason="the stream that malloc_info writes to had no buffer yet when the others were asked"
  begin glibc/malloc_info.xml
  awk -v OFS='\t' '
    /^Total/ { is_total = 1 }
    is_total && /^system bytes/ { print "system", $4, "" }
    is_total && /^in use bytes/ { print "in use", $5, "" }
    /^mallinfo2 / { for (i = 2; i <= NF; i++) { split($i, pair, "=")
      if (pair[1] == "arena") print "arena", pair[2], ""
      if (pair[1] == "ordblks") print "free chunks", pair[2], ""
      if (pair[1] == "fordblks") print "free", pair[2], ""
      if (pair[1] == "uordblks") print "uordblks", pair[2], "" } }' "$traces/glibc/malloc_stats+mallinfo2.txt" > "$work/theirs"
  ours "SELECT v.column1, s.value FROM (VALUES ('system', 'system_bytes'), ('arena', 'system_bytes'), ('in use', 'in_use_bytes'),
    ('uordblks', 'in_use_bytes'), ('free', 'free_bytes'), ('free chunks', 'free_count')) AS v JOIN series AS s ON s.name = v.column2"
  buffer=$(sed -n 's/.*keepcost=//p' "$traces/glibc/malloc_stats+mallinfo2.txt")
  buffer=$(awk -F '"' -v top="$buffer" '/<size /{ bins += $6 } /type="rest"/ { print top - ($6 - bins); exit }' "$traces/glibc/malloc_info.xml")
  why free "$buffer" "$reason"
  why 'in use' "-$buffer" "$reason"
  why uordblks "-$buffer" "$reason"
  finish
}

bpftrace() {  # FILE
  begin "$1"
  awk -v OFS='\t' '
    /^@[a-z]*\[/ { frames = 0; next }
    /^\]: [0-9]+$/ { sum += $2; by[leaf] += $2; next }
    /^    / { if (++frames == 2) { leaf = $0; sub(/^ +/, "", leaf); sub(/\+[0-9]+$/, "", leaf) } next }
    /^\[[0-9]+K?, [0-9]+K?\)/ { print "sizes " $1 $2, $3, "" }
    END { print "allocations", sum, ""; for (leaf in by) print "allocations of " leaf, by[leaf], "" }' "$traces/$1" > "$work/theirs"
  metrics allocations=allocations.count
  ours "SELECT 'allocations of ' || function, sum(allocation_count) FROM allocation_sites GROUP BY 1"
  absent 'sizes *' "a histogram without stacks is no part of an allocation profile"
  finish
}

memleak() {  # FILE
  begin "$1"
  awk -v OFS='\t' '
    /^\[[0-9:]+\] Top / { reports++; next }
    / bytes in [0-9]+ allocations from stack/ && reports { bytes += $1; count += $4 }
    END {
      print "reports", reports, ""; print "bytes of all reports", bytes, ""; print "blocks of all reports", count, ""
    }' "$traces/$1" > "$work/theirs"
  ours "SELECT 'reports', value FROM meta WHERE key = 'memleak.reports'" "SELECT 'bytes of all reports', sum(bytes) FROM site_leak" \
    "SELECT 'blocks of all reports', sum(object_count) FROM site_leak"
  finish
}
