# What a recorder prints of its own recording → a line `NAME VALUE` for each figure. The words are the recorders': Valgrind's
# summaries of heap and leaks, DHAT's, ms_print's table, mtrace(1)'s list, LeakSanitizer's last line, heaptrack's and
# heaptrack_print's, the first line of gperftools' and jemalloc's profiles, `jfr summary`. Counted here are the lines of
# mtrace, of which nobody prints a sum; those of the profiles' call paths, which may be fewer than the first line says; and
# JFR's weights.
function number(text) { gsub(/[,:;\[\]]/, "", text); return text }
function hexadecimal(text, at, value) {
  for (at = 3; at <= length(text); ++at) value = 16 * value + index("123456789abcdef", substr(text, at, 1))
  return value
}
function bytes_in_blocks(name, bytes, count) { print name "_bytes", number(bytes); print name "_count", number(count) }

/^==[0-9]+==/ {  # Valgrind's prefix; what was forked writes to the same file
  if (process == "") process = $1
  if ($1 != process) next
  $1 = ""
  $0 = $0
  $1 = $1
}

# Valgrind
/^in use at exit: / { bytes_in_blocks("live", $5, $8) }
/^total heap usage: / { print "allocation_count", number($4); print "free_count", number($6); print "allocated_bytes", number($8) }
/^All heap blocks were freed/ { bytes_in_blocks("definite", 0, 0) }
/^definitely lost: / { bytes_in_blocks("definite", $3, $6) }
/^indirectly lost: / { bytes_in_blocks("indirect", $3, $6) }
/^possibly lost: / { bytes_in_blocks("possible", $3, $6) }
/^still reachable: / { bytes_in_blocks("reachable", $3, $6) }
/ blocks are .* in loss record / { sub(/.* bytes in /, ""); stacks_count += number($1) }
/^suppressed: [0-9,]+ bytes/ { bytes_in_blocks("suppressed", $2, $5) }

# DHAT
/^Total: +[0-9,]+ bytes in/ { print "allocated_bytes", number($2); print "allocation_count", number($5) }
/^At t-gmax: / { bytes_in_blocks("peak", $3, $6) }
/^At t-end: / { bytes_in_blocks("live", $3, $6) }
/^Reads: / { print "read_bytes", number($2) }
/^Writes: / { print "written_bytes", number($2) }

# ms_print: n, time, total, useful heap, extra heap, stacks
/^ Detailed snapshots: / { peak = $0; sub(/ \(peak\).*/, "", peak); sub(/.*[^0-9]/, "", peak) }
/^ *[0-9]+ +[0-9,]+ +[0-9,]+ +[0-9,]+ +[0-9,]+ +[0-9,]+ *$/ { useful[$1] = number($4); last = $1 + 0; ++snapshots }

# mtrace(1)
/^Memory not freed:/ || /^No memory leaks/ { is_mtrace = 1 }
/^0x[0-9a-f]+ +0x[0-9a-f]+ +at / { ++not_freed; not_freed_bytes += hexadecimal($2) }
/^@ .* [+>] 0x[0-9a-f]+ 0(x[0-9a-f]+)?$/ { ++allocated; allocated_bytes += hexadecimal($NF) }
/^- 0x[0-9a-f]+ (Free|Realloc) [0-9]+ was never alloc/ { ++unknown_frees }

# LeakSanitizer
/^SUMMARY: .*Sanitizer: [0-9]+ byte\(s\) leaked in/ { bytes_in_blocks("leaked", $3, $7) }

# heaptrack, heaptrack_print
/^\tallocations:[ \t]/ { print "allocation_count", $2 }
/^\tleaked allocations:[ \t]/ { print "live_count", $3 }
/^\ttemporary allocations:[ \t]/ { print "temporary_count", $3 }
/^calls to allocation functions: / { print "printed_allocation_count", $5 }
/^temporary memory allocations: / { print "printed_temporary_count", $4 }
/^peak heap memory consumption: / { print "printed_peak", $5 }
/^total memory leaked: / { print "printed_leaked", $4 }

# gperftools: live count, bytes [ever: count, bytes] of all and of each path; jemalloc: the same behind t*:
/^heap profile: / { sub(/^heap profile:/, "t*:") }
/^ *t\*: / {
  gsub(/[\[:]/, " ")
  if (live_of_all == "") { bytes_in_blocks("live", $3, $2); print "allocation_count", $4; print "allocated_bytes", number($5) }
  live_of_all = $2
  if (is_jemalloc_path) { paths_count += $4; paths_bytes += number($5) }
}
/^@ 0x/ { is_jemalloc_path = 1 }
/^ *[0-9]+: +[0-9]+ \[ *[0-9]+: +[0-9]+\] @ 0x/ {
  gsub(/[\[:]/, " ")
  paths_count += $3
  paths_bytes += number($4)
}

# jfr summary; jfr print --json: weights of the samples, and what was used at each look at the heap
$1 ~ /^jdk\./ && NF == 3 { event[substr($1, 5)] = $2 }
/^ *"weight": [0-9]+/ { weights += number($2) }
/^ *"heapUsed": [0-9]+/ { heap_used += number($2) }

END {
  if (snapshots > 0) { print "snapshots", snapshots; print "peak_bytes", useful[peak]; print "last_bytes", useful[last] }
  if (is_mtrace) {
    bytes_in_blocks("live", not_freed_bytes + 0, not_freed + 0)
    print "unknown_frees", unknown_frees + 0
    print "allocation_count", allocated
    print "allocated_bytes", allocated_bytes
  }
  if (stacks_count > 0) print "stacks_count", stacks_count
  if (paths_count > 0) { print "paths_allocation_count", paths_count; print "paths_allocated_bytes", paths_bytes }
  if ("OldObjectSample" in event) {
    print "allocation_samples", event["ObjectAllocationSample"] + event["ObjectAllocationInNewTLAB"] + event["ObjectAllocationOutsideTLAB"]
    print "old_objects", event["OldObjectSample"]
    print "heap_summaries", event["GCHeapSummary"]
    print "heap_used_bytes", heap_used + 0
    if (weights > 0) print "allocated_bytes", weights
  }
}
