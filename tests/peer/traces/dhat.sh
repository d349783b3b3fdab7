# DHAT: sums over each file's program points (dhat/truth.txt: name and value in turn).

compare_dhat() {
  local input line figure
  while read -r input line; do
    [[ -e $traces/dhat/$input ]] || input+=.gz
    if [[ ! -e $traces/dhat/$input ]]; then no_input "dhat/$input" "the input of a line of truth.txt is not here"; continue; fi
    begin "dhat/$input"
    awk -v OFS='\t' '{
      names["pps"] = "program points"; names["te"] = "end"; names["tg"] = "time of the peak"; names["tb"] = "bytes"
      names["tbk"] = "blocks"; names["gb"] = "bytes at the peak"; names["gbk"] = "blocks at the peak"
      names["eb"] = "bytes at the end"; names["ebk"] = "blocks at the end"; names["rb"] = "bytes read"
      names["wb"] = "bytes written"; names["tl"] = "lifetimes"
      for (i = 1; i < NF; i++) if ($i in names && $(i + 1) != "undefined") print names[$i], $(i + 1), ""
    }' <<< "$line" > "$work/theirs"
    metrics bytes=allocations.bytes blocks=allocations.count 'bytes at the peak'=peak.bytes 'blocks at the peak'=peak.count \
      'bytes at the end'=heap.live_bytes 'blocks at the end'=heap.live_count
    ours "SELECT CASE key WHEN 'dhat.points' THEN 'program points' WHEN 'dhat.end_time' THEN 'end' ELSE 'time of the peak' END, value
        FROM meta WHERE key IN ('dhat.points', 'dhat.end_time', 'dhat.peak_time')" \
      "SELECT 'bytes read', sum(read_bytes) FROM site_access HAVING count(*) > 0" \
      "SELECT 'bytes written', sum(written_bytes) FROM site_access HAVING count(*) > 0" \
      "SELECT 'lifetimes', sum(lifetime_sum) FROM site_lifetime WHERE clock = 'instructions' HAVING count(*) > 0"
    if [[ $line == *' copy '* ]]; then
      for figure in 'bytes at the *' 'blocks at the *' 'bytes read' 'bytes written' lifetimes; do
        absent "$figure" "a record of copies does not say it; truth.txt writes 0"
      done
    fi
    finish
  done < "$traces/dhat/truth.txt"
}
