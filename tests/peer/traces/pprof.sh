# pprof: `pprof -top` of Go's heap profiles (truth-top.txt: "## FILE SAMPLE_TYPE" before each), -base, -raw; the legacy text
# of the same profile; and pprof's own expectations of the public test data.

compare_pprof() {
  pprof_tops go/rate1/truth-top.txt go/rate1/
  pprof_tops go/rate524288/truth-top.txt go/rate524288/heap.004
  pprof_tops go/gotypes-test.truth-top.txt go/gotypes-test.mem
  pprof_difference go/rate1/truth-diff-4-0.txt go/rate1/heap.000.pb.gz go/rate1/heap.004.pb.gz
  local input
  while read -r input; do pprof_raw "$input"; done < <(files go -name '*.raw.txt')
  while read -r input; do pprof_debug "$input"; done < <(files go -name 'heap.*.debug1.txt' -o -name 'allocs.*.debug1.txt')
  while read -r input; do pprof_string "$input"; done < <(files public/pprof/profile-testdata -name '*.string')
  while read -r input; do no_input "$input" 'an expected output of pprof without its input'; done < <(files public/pprof/driver)
}

# One -top after another: a file's begin when its heading names another sample type.
pprof_tops() {  # TRUTH PREFIX of the profile's name
  [[ -e $traces/$1 ]] || return 0
  awk -v folder="$work/top" '
    BEGIN { part = "" }
    /^## / { part = "" }
    { if (part == "") { part = folder "." sprintf("%02d", ++n) } print > part }
    ' "$traces/$1"
  local part name type
  for part in "$work"/top.*; do
    name=$(sed -n 's/^## \(.*\) [a-z_]*$/\1/p' "$part")
    type=$(sed -n 's/^Type: //p' "$part")
    pprof_top "$2$name.pb.gz" "$type" "$part"
  done
  rm -f "$work"/top.*
}

pprof_top() {  # FILE TYPE TEXT
  local figure
  case $2 in
    inuse_space) figure=live_bytes ;; inuse_objects) figure=live_count ;;
    alloc_space) figure=allocated_bytes ;; alloc_objects) figure=allocation_count ;;
  esac
  begin "$1"
  pprof_top_figures "$2" < "$3" > "$work/theirs"
  pprof_functions "$work/heap.db" "$figure" | pprof_by_name "$2" >> "$work/ours"
  finish
}

pprof_functions() {  # DB FIGURE: function, flat, cum
  "$heapql" report --quiet "$1" --type allocations --by function --sort "$2" --limit 0 --format csv | awk -F , -v OFS='\t' '
    NR == 1 { columns = NF; next }  # counted from the right: a name may have commas, and is in quotes then
    {
      name = $1
      for (i = 2; i <= NF - columns + 1; i++) name = name "," $i
      gsub(/^"|"$/, "", name)
      print name, $(NF - columns + 3), $(NF - columns + 4)
    }'
}

# A function that several files have is one. Functions below 0.5 % are dropped.
pprof_by_name() {  # TYPE
  awk -F '\t' -v OFS='\t' -v type="$1" '
    { flat[$1] += $2; cum[$1] += $3 }
    END {
      for (name in cum) {
        print type " flat: " name, flat[name]; print type " cum: " name, cum[name]; total += flat[name] }
      for (name in cum) if (cum[name] != 0) { if (cum[name] < int(total * 0.005)) dropped++; else kept++ }
      printf "%s total\t%.0f\n", type, total
      print type " functions dropped", dropped + 0; print type " functions shown or not", kept + 0
    }'
}

pprof_top_figures() {  # TYPE
  awk -v OFS='\t' -v type="$1" '
    /^Showing nodes/ { print type " total", $(NF - 1), "pprof" }
    /^Dropped/ { print type " functions dropped", $2, "" }
    /^Showing top/ { print type " functions shown or not", $NF, "" }
    rows && NF >= 6 {
      name = $0; sub(/^ *([^ ]+ +)([^ ]+ +)([^ ]+ +)([^ ]+ +)([^ ]+ +)/, "", name); sub(/ \(inline\)$/, "", name)
      print type " flat: " name, $1, "pprof"; print type " cum: " name, $4, "pprof"
    }
    / flat +flat% +sum% / { rows = 1 }'
}

# What is more in the second than in the first; pprof's shares are of the sum of what samples (a path and a size) differ by.
pprof_difference() {  # TRUTH BASE FILE
  [[ -e $traces/$1 ]] || return 0
  local by_path="WITH RECURSIVE up (leaf, id, path) AS (SELECT site_id, site_id, '' FROM site_stat UNION ALL
      SELECT up.leaf, s.parent_id, up.path || ' < ' || s.function || coalesce(':' || s.line, '') FROM up JOIN site AS s ON s.id = up.id)
    SELECT up.path || ' ' || t.size, t.live_bytes FROM up JOIN site_size AS t ON t.site_id = up.leaf WHERE up.id IS NULL"
  begin "$2"
  mv "$work/heap.db" "$work/base.db"
  "$heapql" query --quiet --format tsv "$work/base.db" "$by_path" | tail -n +2 > "$work/base"
  begin "$3"
  pprof_top_figures difference < "$traces/$1" | grep -v functions > "$work/theirs"
  { awk -F '\t' -v OFS='\t' '{ print $1, -$2 }' "$work/base"; ask "$by_path"; } | awk -F '\t' '{ sum[$1] += $2 }
    END {
      for (sample in sum) total += sum[sample] < 0 ? -sum[sample] : sum[sample]
      printf "difference total\t%.0f\n", total
    }' > "$work/ours"
  { pprof_functions "$work/base.db" live_bytes | awk -F '\t' -v OFS='\t' '{ print $1, -$2, -$3 }'
    pprof_functions "$work/heap.db" live_bytes; } | pprof_by_name difference | grep -v -e ' total' -e functions >> "$work/ours"
  # Functions that allocate nothing themselves are not in a diff of sites.
  "$heapql" diff --quiet "$work/base.db" "$work/heap.db" --format csv --limit 0 \
    | awk -F , -v OFS='\t' 'NR > 1 { print "difference flat: " $1, $6 }' >> "$work/ours"
  file=$1
  finish
}

# The samples of -raw: sums of the four values, and by the size of their blocks.
pprof_raw() {  # RAW
  begin "${1%.raw.txt}.pb.gz"
  pprof_samples < "$traces/$1" > "$work/theirs"
  pprof_sums
  finish
}

pprof_sums() {
  metrics 'alloc_objects'=allocations.count 'alloc_space'=allocations.bytes 'inuse_objects'=heap.live_count 'inuse_space'=heap.live_bytes
  ask "SELECT size, sum(allocation_count), sum(allocated_bytes), sum(live_count), sum(live_bytes) FROM site_size
    WHERE snapshot_id = 1 GROUP BY size" | awk -F '\t' -v OFS='\t' '{
      print "alloc_objects of " $1, $2; print "alloc_space of " $1, $3; print "inuse_objects of " $1, $4; print "inuse_space of " $1, $5 }' \
    | awk -F '\t' '$2 != ""' >> "$work/ours"
}

pprof_samples() {
  awk -v OFS='\t' '
    /\/count .*\/bytes/ {
      types = NF
      for (i = 1; i <= NF; i++) { sub(/\/.*/, "", $i); name[i] = (NF == 2 ? "inuse_" : "") $i; sub(/inuse_inuse_/, "inuse_", name[i]) }
      next
    }
    /^Locations/ { exit }
    types && /^ +-?[0-9]+ .*: / { for (i = 1; i <= types; i++) { value[i] = $i; sub(/:.*/, "", value[i]); sum[name[i]] += value[i] } }
    types && /bytes:\[/ {
      size = $0; sub(/.*bytes:\[/, "", size); sub(/\].*/, "", size)
      for (i = 1; i <= types; i++) { of = name[i] " of " size; if (!(of in sum)) sizes[++n] = of; sum[of] += value[i] }
    }
    END {
      for (i = 1; i <= types; i++) printf "%s\t%.0f\t\n", name[i], sum[name[i]]
      for (i = 1; i <= n; i++) printf "%s\t%.0f\t\n", sizes[i], sum[sizes[i]]
    }'
}

# Go's legacy text: sums of the header; of rate 1 they are what the pb.gz has. Others are scaled up, as the pb.gz is.
pprof_debug() {  # TEXT
  local rate
  rate=$(sed -n '1s/.*@ heap\///p' "$traces/$1")
  begin "$1"
  if ((rate == 2)); then
    head -n 1 "$traces/$1" | awk -v OFS='\t' '{ gsub(/[:\[\]]/, " ")
      print "inuse_objects", $3, ""; print "inuse_space", $4, ""; print "alloc_objects", $5, ""; print "alloc_space", $6, "" }' > "$work/theirs"
  else
    cp "$work/heap.db" "$work/text.db"
    "$heapql" import --quiet --no-cache "$traces/${1%.debug1.txt}.pb.gz" -o "$work/heap.db" 2> /dev/null
    ask "SELECT CASE name WHEN 'allocations.count' THEN 'alloc_objects' WHEN 'allocations.bytes' THEN 'alloc_space'
      WHEN 'heap.live_count' THEN 'inuse_objects' ELSE 'inuse_space' END, printf('%d', value), '' FROM metric
      WHERE name IN ('allocations.count', 'allocations.bytes', 'heap.live_count', 'heap.live_bytes')" > "$work/theirs"
    mv "$work/text.db" "$work/heap.db"
  fi
  metrics alloc_objects=allocations.count alloc_space=allocations.bytes inuse_objects=heap.live_count inuse_space=heap.live_bytes
  finish
}

pprof_string() {  # EXPECTATION
  local input=${1%.string}
  if ! head -n 4 "$traces/$1" | grep -q '/bytes'; then no_input "$input" 'no profile of memory'; return; fi
  begin "$input"
  pprof_samples < "$traces/$1" > "$work/theirs"
  pprof_sums
  if [[ -z $(ask "SELECT 1 FROM site_size LIMIT 1") ]]; then
    absent 'inuse_objects of *' 'lines of an exact profile may have blocks of several sizes: heapql takes no mean for a size'
    absent 'inuse_space of *' 'lines of an exact profile may have blocks of several sizes: heapql takes no mean for a size'
  fi
  finish
}
