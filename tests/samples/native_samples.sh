#!/usr/bin/env bash
# Does the program say what is true of the native samples' cores? Each is built, run and dumped here, then every block
# is compared with the log of its allocations, and the fault with what the sample says of itself.
#
#   tests/samples/native_samples.sh HEAPQL plain|stripped|static|pie|libcxx|gcore|optimized|checked-in [ALLOCATOR]
#
# gcore: the plain build, dumped by gcore. optimized: with debug information, the samples of the layout report. checked-in: the core and the truth of it in samples/, nothing is built. ALLOCATOR:
# jemalloc, tcmalloc_minimal or mimalloc, found by the dynamic linker and preloaded. Prints a line per check; exit status 1
# when one fails, 77 where no core can be made or the allocator is not there. Reads databases by heapql itself.
set -euo pipefail
heapql=$1 build=$2 allocator=${3-}
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 checked=0

options=()
if [[ $build == gcore ]]; then
  build=plain
  options=(--by gcore)
fi
if [[ -n $allocator ]]; then
  library=$({ ldconfig -p 2> /dev/null || /sbin/ldconfig -p; } | awk -v name="lib$allocator.so." 'index($1, name) == 1 { found = $NF } END { print found }')
  [[ -n $library ]] || { echo "skipped: no lib$allocator here"; exit 77; }
  options+=(--preload "$library")
fi

check() {  # NAME FOUND EXPECTED
  checked=$((checked + 1))
  if [[ $2 == "$3" ]]; then
    echo "ok   $sample $1 $2"
  else
    failed=$((failed + 1))
    echo "FAIL $sample $1 found $2 expected $3"
  fi
}
number() { "$heapql" query "$work/heap.db" "$1" --format csv | tail -n +2 | tr -d '"\r'; }  # SQL that selects one value
truth() { awk -v name="$1" '$1 == name { print $2 }' "$work/$sample.truth"; }

# Every live block is an object of at least the size that was asked for, with glibc at most 24 bytes more (less than a
# page when it may be mapped by itself), with the others no more than their coarsest size classes; every other object is
# one that the allocator has for itself.
check_blocks() {
  "$heapql" query "$work/heap.db" "SELECT printf('%x', address) AS address, shallow_size,
      EXISTS (SELECT 1 FROM roots AS r WHERE r.object_id = o.id AND r.kind = 'allocator') AS own FROM object AS o" \
    --format csv | tr -d '\r' > "$work/objects"
  awk -F, -v classes="$([[ -n $allocator ]] && echo 1 || echo 0)" '
    NR == FNR { live[$1] = $2; count++; next }
    FNR == 1 { next }
    $1 in live {
      most = classes ? 4096 + live[$1] / 4 : live[$1] >= 131072 ? 4096 + 24 : 24
      if ($2 < live[$1] || $2 > live[$1] + most) wrong++
      delete live[$1]
      next
    }
    $3 == 0 { extra++ }
    END { for (address in live) missing++; print count " live, " missing + 0 " missing, " wrong + 0 " wrong, " extra + 0 " too many" }
  ' "$work/$sample.live" "$work/objects" > "$work/compared"
  check "every block:" "$(cat "$work/compared")" "$(awk 'END { print NR }' "$work/$sample.live") live, 0 missing, 0 wrong, 0 too many"
}

check_leaks() {
  local leaks="FROM leak WHERE certainty = 'leaked'"
  check "leaked blocks" "$(number "SELECT coalesce(sum(object_count), 0) $leaks")" "$(truth leaked_blocks)"
  check "leak heads" "$(number "SELECT coalesce(sum(head_count), 0) $leaks")" "$(truth leak_heads)"
  check "heads in cycles" "$(number "SELECT coalesce(sum(cycle_count), 0) $leaks")" "$(truth leak_cycles)"
  check "possibly leaked blocks" "$(number "SELECT coalesce(sum(object_count), 0) FROM leak WHERE certainty <> 'leaked'")" 0
}

is_object() { number "SELECT count(*) FROM object WHERE printf('%x', address) = '$(truth "$1")'"; }

check_leaked_list() {
  local bytes
  bytes=$(($(truth leaked_blocks) * $(truth requested_bytes_each)))
  check "leaked bytes, as many at least" "$(number "SELECT sum(shallow_bytes) >= $bytes FROM leak")" 1
  "$heapql" report "$work/heap.db" --type leaks --format csv | tr -d '\r' > "$work/report"
  check "the report's leak" "$(grep -c -E ",1,0,$(truth leaked_blocks),$(number 'SELECT shallow_bytes FROM leak')," "$work/report")" 1
}

check_shared_ptr_cycle() {
  if [[ $build == stripped ]]; then return; fi
  check "class of the heads" "$(number "SELECT count(*) FROM leak JOIN class ON class.id = class_id WHERE name LIKE '%make_shared%Session%'")" 1
  check "the cycle by name" "$(number "SELECT cycle LIKE 'std::shared_ptr cycle: %Session% ↔ %Session%' FROM leak")" 1
}

# Who lost the block: told by what is left in the dead part of the stack.
check_lost_in_call() {
  check "words left in the dead stack" "$(number "SELECT count(*) > 0 FROM stale_word JOIN leak ON example_id = object_id")" 1
  if [[ $build == stripped ]]; then return; fi
  check "who lost it" "$(number "SELECT DISTINCT replace(callee, '(anonymous namespace)::', '') || ' ' || replace(caller, '(anonymous namespace)::', '')
      FROM stale_word JOIN leak ON example_id = object_id WHERE callee LIKE '%forget%'")" "forget() work()"
  "$heapql" report "$work/heap.db" --type leaks > "$work/report"
  check "the report says so" "$(tr '\n' ' ' < "$work/report" | grep -c 'left by a call of .*forget() *from .*work()')" 1
}

check_unbounded_cache() {
  local who='%map/set%'
  if [[ $build != stripped ]]; then who='%response_cache%'; fi
  check "first suspect is the cache" "$(number "SELECT title LIKE '$who' FROM suspect ORDER BY id LIMIT 1")" 1
  check "the cache's blocks have all its bytes" \
    "$(number "SELECT sum(retained_bytes) >= $(truth suspect_retained_at_least) FROM class_stat JOIN class ON id = class_id
               WHERE name LIKE '$who'")" 1
}

check_fragmented_heap() {
  local used
  for used in used_24 used_48 used_16; do check "$used is an object" "$(is_object "$used")" 1; done
  for used in free_64 free_128; do check "$used is none" "$(is_object "$used")" 0; done
  if [[ -n $allocator ]]; then return; fi  # the layout is that of glibc's malloc
  check "free blocks" "$(number "SELECT group_concat(printf('%x %d', address, (size + 8) / 1024), ', ') FROM
      (SELECT * FROM free_block WHERE address < (SELECT max(address) FROM object) ORDER BY address)")" \
    "$(truth free_64) 64, $(truth free_128) 128"
  check "the block that pins them" "$(number "SELECT printf('%x ', o.address) || pinned_bytes FROM pin JOIN object AS o
      ON o.id = pin.object_id ORDER BY pin.id LIMIT 1")" "$(truth used_16) $(((64 + 128) * 1024 - 16))"
}

check_dangling_pointer() {
  check "the live object" "$(is_object live)" 1
  check "the freed object" "$(is_object freed)" 0
}

check_double_free() {
  check "the live block" "$(is_object live)" 1
  check "the freed block" "$(is_object freed)" 0
  check "signal" "$(number "SELECT value FROM meta WHERE key = 'core.signal'")" "SIGABRT (6)"
  if [[ $build == static ]]; then return; fi
  check "on the stack: abort" "$(number "SELECT count(*) FROM frame WHERE function = 'abort'")" 1
}

# Blocks by the container that they are told to be of.
check_containers() {
  local what name
  while IFS='|' read -r what name; do
    check "$what" "$(number "SELECT coalesce(sum(object_count), 0) FROM histogram WHERE class LIKE '$name%'")" "$(truth "$what")"
  done << 'END'
vector_bodies|std::vector body
string_bodies|std::string body
list_nodes|std::list node
tree_nodes|std::map/set node
hash_nodes|std::unordered_map/set node
hash_buckets|std::unordered_map/set buckets
deque_blocks|std::deque block
deque_maps|std::deque map
END
  if [[ $build == stripped ]]; then return; fi
  check accounts "$(number "SELECT coalesce(sum(object_count), 0) FROM histogram WHERE class LIKE '%make_shared%Account%'")" \
    "$(truth accounts)"
}

# What the code says: every object's size agrees with what its class is allocated with, and who fills the globals. A static
# program has no imports: in a stripped one operator new cannot be told from other functions.
check_polymorphic_heap() {
  check "classes' blocks" "$(number "SELECT sum(object_count) FROM class_stat JOIN class ON class.id = class_id
      WHERE name LIKE 'fleet::%' OR name LIKE '%make_shared%fleet::%'")" "$(truth blocks_of_classes)"
  if [[ -z $allocator ]]; then
    check "blocks that allocation sites confirm" "$(number "SELECT value FROM meta WHERE key = 'code.blocks_confirmed'")" \
      "$(truth blocks_of_classes)"
  fi
  check "blocks of another size" "$(number "SELECT value FROM meta WHERE key = 'code.blocks_of_another_size'")" 0
  check "bytes of the classes, as the code asks for them" \
    "$(number "SELECT sum(size) FROM (SELECT DISTINCT s.class_id, s.size FROM allocation_site_code AS s JOIN class AS c
        ON c.id = s.class_id WHERE c.name LIKE 'fleet::%')")" "$(truth class_bytes)"
  check "fields within their class" "$(number "SELECT count(*) FROM field_access AS f JOIN class AS c ON c.name = f.class
      JOIN allocation_site_code AS s ON s.class_id = c.id WHERE f.offset + coalesce(f.size, 0) > s.size")" 0
  check "fields of many classes" "$(number "SELECT count(DISTINCT class) >= 24 FROM field_access WHERE class LIKE 'fleet::%'")" 1
  check "an instruction at each site" "$(number "SELECT count(*) FROM allocation_site_code AS s WHERE class_id IS NOT NULL
      AND disasm(s.address, 1) NOT LIKE '%call%'")" 0
  check "return addresses behind calls" "$(number "SELECT substr(value, 1, instr(value, ' ') - 1) =
      substr(value, instr(value, 'of ') + 3, instr(value, ' in ') - instr(value, 'of ') - 3) AS same
      FROM meta WHERE key = 'code.return_addresses'")" 1
  if [[ $build == stripped ]]; then return; fi
  check "who fills the registry" "$(number "SELECT count(*) > 0 FROM code_reference WHERE symbol = 'fleet::registry'
      AND access <> 'read' AND function LIKE '%fleet::make<%'")" 1
  check "the path says so" "$("$heapql" path "$work/heap.db" "$(number "SELECT object_id FROM roots
      WHERE name = 'fleet::registry' LIMIT 1")" | grep -c '^GC root: static fleet::registry, [a-z ]* by .*fleet::make<')" 1
}

# What each worker alone keeps is kept by its stack, its thread-local data; what it freed is in its cache, no object.
check_worker_threads() {
  local i
  for ((i = 0; i < $(truth threads) - 1; ++i)); do
    local kinds="SELECT coalesce(group_concat(DISTINCT r.kind), '') FROM roots AS r JOIN object AS o ON o.id = r.object_id"
    check "worker $i: its block is held by" "$(number "$kinds WHERE printf('%x', address) = '$(truth "on_stack_$i")'")" stack
    if [[ $build != stripped ]]; then
      check "worker $i: in the frame of" "$(number "SELECT max(frame LIKE '%serve%') FROM roots JOIN object AS o
          ON o.id = object_id WHERE printf('%x', address) = '$(truth "on_stack_$i")'")" 1
    fi
    check "worker $i: its buffer is held by" "$(number "$kinds WHERE printf('%x', address) = '$(truth "thread_local_$i")'")" \
      thread_local
    check "worker $i: what it freed is an object" "$(is_object "cached_$i")" 0
  done
  if [[ -z $allocator ]]; then
    check "arenas" "$(number 'SELECT count(*) FROM arena')" "$(truth threads)"
    check "workers' arenas with cached bytes" "$(number 'SELECT count(*) FROM arena WHERE id > 0 AND cached_bytes > 0')" \
      "$(($(truth threads) - 1))"
  fi
  check "stacks with a depth" "$(number 'SELECT count(*) FROM thread WHERE stack_used_bytes BETWEEN 1 AND stack_bytes')" \
    "$(truth threads)"
}

# The two dumps of one process: what is new, and what is gone, is what the logs say.
check_growing_registry() {
  if [[ ! -f $work/$sample.first.live ]]; then return; fi
  "$heapql" import --quiet "$work/$sample.first.core" -o "$work/first.db" 2> "$work/warnings"
  "$heapql" diff "$work/first.db" "$work/heap.db" --format json > "$work/diff"
  rm -f "$work/first.db"
  local fresh gone
  fresh=$(comm -13 <(sort "$work/$sample.first.live") <(sort "$work/$sample.live") | wc -l)
  gone=$(comm -23 <(sort "$work/$sample.first.live") <(sort "$work/$sample.live") | wc -l)
  check "new and gone blocks" "$(grep -o '[0-9,]* are new, [0-9,]* are gone' "$work/diff" | tr -d ,)" \
    "$fresh are new $gone are gone"
}

# What the layout report stands on: holes, lines, the best order and values, as the program counts them itself.
layout_of() { number "SELECT $2 FROM type_layout WHERE name = '$1'"; }
says() { if grep -q -- "$1" "$work/report"; then echo 1; else echo 0; fi; }

check_wasteful_layout() {
  check "orders" "$(layout_of shop::Order instance_count)" "$(truth order_count)"
  check "bytes of one" "$(layout_of shop::Order size)" "$(truth order_size)"
  check "bytes that hold nothing" "$(layout_of shop::Order wasted_bytes)" "$(truth order_waste)"
  check "bytes in the best order" "$(layout_of shop::Order reordered_size)" "$(truth order_best_size)"
  check "orders across one line more" "$(layout_of shop::Order straddling_count)" "$(truth order_straddling)"
  if [[ -z $allocator ]]; then  # 104 usable bytes for 96, 72 for 72
    check "what the best order saves" "$(layout_of shop::Order saved_bytes)" "$(($(truth order_count) * 32))"
  fi
  check "shipments" "$(layout_of shop::Shipment instance_count)" "$(truth shipment_count)"
  check "their bytes that hold nothing" "$(layout_of shop::Shipment wasted_bytes)" "$(truth shipment_waste)"
  check "shipments across one line more" "$(layout_of shop::Shipment straddling_count)" "$(truth shipment_straddling)"
  local fields="FROM type_field AS f JOIN type_layout AS t ON t.id = f.type_id WHERE t.name ="
  check "always null or empty" "$(number "SELECT group_concat(f.name, ' ') $fields 'shop::Order' AND zero_count = value_count")" "replaced_by note"
  check "always the same" "$(number "SELECT group_concat(f.name || ' ' || common_value, ', ') $fields 'shop::Order'
      AND common_count = value_count AND zero_count = 0")" "status 110 'n', shop 7"
  check "fits one byte" "$(number "SELECT group_concat(f.name, ' ') $fields 'shop::Order' AND f.size > 1 AND needed_bits BETWEEN 4 AND 8")" quantity
  check "the twin: none of it" "$(number "SELECT count(*) $fields 'shop::Shipment' AND common_count * 100 >= value_count * 99")" 0
  if command -v pahole > /dev/null; then
    check "holes and padding, by pahole" "$(layout_of shop::Order "hole_bytes || ' ' || padding_bytes")" \
      "$(pahole -C Order "$work/$sample" 2> /dev/null | awk '/sum holes:/ { sub(/.*sum holes: /, ""); sum = $1 } /padding:/ { sub(/.*padding: /, ""); pad = $1 } END { print sum + 0, pad + 0 }')"
  fi
  "$heapql" report "$work/heap.db" --type layout > "$work/report"
  check "the report's pictures" "$(says '(hole)')$(says 'always null')$(says 'takes 72 bytes instead of 96')" 111
  "$heapql" check "$work/heap.db" --set 'type shop::Order.max_size=72' > "$work/report" 2> /dev/null && status=0 || status=$?
  check "a gate on the type's size" "$status" 1
  "$heapql" check "$work/heap.db" --set 'type shop::Shipment.max_padding=0' --set layout.max_waste_percent=25% > "$work/report" 2> /dev/null && status=0 || status=$?
  check "a gate that holds" "$status" 0
  # The program itself: the same layouts, without a heap.
  "$heapql" import --quiet "$work/$sample" -o "$work/program.db"
  check "the program's layouts" "$("$heapql" query "$work/program.db" "SELECT size || ' ' || hole_bytes || ' ' || padding_bytes
      FROM type_layout WHERE name = 'shop::Order'" --format csv | tail -n 1 | tr -d '"\r')" "$(layout_of shop::Order "size || ' ' || hole_bytes || ' ' || padding_bytes")"
  rm -f "$work/program.db"
}

# The loop over the structs is told by its stride and the 8 bytes it touches; that over the array is none to change.
check_array_of_structs() {
  check "the loop over structs" "$(number "SELECT DISTINCT stride || ' ' || touched_bytes FROM stride_loop WHERE function LIKE 'mass_of_structs%'")" \
    "$(truth particle_size) 8"
  check "the loop over numbers" "$(number "SELECT count(*) FROM stride_loop WHERE function LIKE 'mass_of_arrays%'")" 0
  check "particles" "$(layout_of physics::Particle instance_count)" "$(truth particle_count)"
  "$heapql" report "$work/heap.db" --type layout --format csv > "$work/report"
  check "the report advises" "$(says 'mass_of_structs.*,physics::Particle,struct of arrays')$(says mass_of_arrays)" 10
}

check_list_walks() {
  local walk="FROM walk JOIN class ON class.id = walk.class_id JOIN object ON object.id = walk.object_id"
  check "lists in the order of memory, elements" "$(number "SELECT element_count $walk WHERE name = 'walks::Ordered'")" "$(truth count)"
  check "and all steps are near" "$(number "SELECT element_count - near_count $walk WHERE name = 'walks::Ordered'")" 1
  check "shuffled list, elements" "$(number "SELECT element_count $walk WHERE name = 'walks::Shuffled'")" "$(truth count)"
  check "and nearly all steps go to another page" "$(number "SELECT page_changes * 100 > element_count * 99 AND near_count * 100 < element_count
      $walk WHERE name = 'walks::Shuffled'")" 1
  check "arrays of pointers, in order and shuffled" "$(number "SELECT group_concat(page_changes * 10 > element_count, ' ')
      FROM (SELECT * $walk WHERE name = 'walks::Item' AND walk.kind = 'array' ORDER BY page_changes)")" "0 1"
  "$heapql" report "$work/heap.db" --type layout > "$work/report"
  check "the report names the scattered ones alone" "$(says 'Pointer chasing')$(says 'Scattered')$(tr '\n' ' ' < "$work/report" | grep -c 'Pointer chasing[^.]*walks::Ordered' || true)" 110
}

# The unpadded counters are flagged, by both threads and members; nothing of the padded twin is. perf's text raises it.
check_shared_line() {
  local lines="FROM shared_line JOIN object ON object.id = object_id"
  check "flagged lines of objects" "$(number "SELECT group_concat(confidence || ' ' || shared_line.kind || ' ' || printf('%x', object.address), ', ')
      $lines WHERE confidence <> 'low' ORDER BY object.address")" "high members $(truth shared), high slots $(truth slots)"
  check "slots" "$(number "SELECT group_concat(member, ' ') FROM (SELECT DISTINCT member FROM shared_line_use AS u JOIN shared_line AS s
      ON s.id = u.line_id WHERE s.kind = 'slots' AND access = 'write' ORDER BY member)")" "[$(truth first_slot)].count [$(($(truth first_slot) + 1))].count"
  check "variables" "$(number "SELECT group_concat(confidence || ' ' || member || ' ' || function, ', ') FROM (SELECT * FROM shared_line_use AS u
      JOIN shared_line AS s ON s.id = u.line_id WHERE s.kind = 'variables' AND member LIKE 'stats::%' ORDER BY u.address)")" \
    "medium stats::turns go_left(), medium stats::turns+0x8 go_right()"
  check "members and who writes them" "$(number "SELECT group_concat(DISTINCT member || ' ' || access || ' ' || locked) FROM shared_line_use
      WHERE line_id = (SELECT line_id FROM shared_line_use WHERE member = 'produced') AND access = 'write'")" "produced write 1,consumed write 1"
  check "the padded twin" "$(number "SELECT count(*) $lines WHERE printf('%x', object.address) = '$(truth padded)'")" 0
  local at=$((0x$(truth shared))) i
  for i in 1 2 3; do  # loads of a line that another processor had modified
    printf 'shared_line 9/9 [000] 1.%d: 1 cpu/mem-loads/P: %x 2669808042 |OP LOAD|LVL Remote Cache (1 hop) hit|SNP HitM|TLB L1 hit|LCK No 300 401520 f+0x1 (/x)\n' \
      $i $at
    printf 'shared_line 9/9 [001] 1.%d: 1 cpu/mem-loads/P: %x 2669808042 |OP LOAD|LVL Remote Cache (1 hop) hit|SNP HitM|TLB L1 hit|LCK No 300 401520 f+0x1 (/x)\n' \
      $i $((at + 8))
  done | sed "s|9/9|$("$heapql" query "$work/heap.db" "SELECT value FROM meta WHERE key = 'core.process_id'" --format csv | tail -n 1 | tr -d '"\r')/9|" > "$work/perf.txt"
  "$heapql" import --quiet "$work/$sample.core" --memory-samples "$work/perf.txt" -o "$work/perf.db" 2> "$work/warnings"
  check "with what perf measured" "$("$heapql" query "$work/perf.db" "SELECT confidence || ' ' || samples FROM shared_line WHERE id = 1" \
    --format csv | tail -n 1 | tr -d '"\r')" "measured 6"
  check "samples by member" "$("$heapql" query "$work/perf.db" "SELECT group_concat(member || ' ' || n, ', ') FROM (SELECT member, sum(samples) AS n
      FROM memory_sample GROUP BY member ORDER BY member)" --format csv | tail -n 1 | tr -d '"\r')" "consumed 3, produced 3"
  rm -f "$work/perf.db"
}

dump() {  # leaves SAMPLE.core, .truth and .live; status 77: cannot be done here
  if [[ $build == checked-in ]]; then
    zstd -q -d "$source/samples/dumps/$sample.core.zst" -o "$work/$sample.core"
    cp "$source/samples/truth/$sample".{truth,live} "$work"
  else
    "$source/samples/native/dump.sh" --build "$build" "${options[@]}" -o "$work" "$sample"
  fi
}

samples=(leaked_list shared_ptr_cycle unbounded_cache fragmented_heap dangling_pointer double_free containers
  worker_threads growing_registry polymorphic_heap lost_in_call)
if [[ $build == checked-in ]]; then samples=(leaked_list); fi
if [[ $build == optimized ]]; then samples=(wasteful_layout array_of_structs list_walks shared_line); fi
for sample in "${samples[@]}"; do
  if [[ $sample == double_free && -n $allocator ]]; then continue; fi  # others than glibc's do not see it
  status=0
  (set -e; dump) || status=$?
  if ((status == 77)); then
    echo "skipped: $sample"
    continue
  elif ((status != 0)); then
    check "was dumped, status" "$status" 0
    continue
  fi
  "$heapql" import --quiet "$work/$sample.core" -o "$work/heap.db" 2> "$work/warnings" ||
    { cat "$work/warnings"; check "is imported, status" failed 0; continue; }
  if [[ $build != static ]]; then check_blocks; fi
  check_leaks
  check "damage" "$(number 'SELECT count(*) FROM damage')" 0
  check "threads" "$(number 'SELECT count(*) FROM thread')" "$(truth threads | grep . || echo 1)"
  check "program" "$(number "SELECT substr(value, 1, 15) FROM meta WHERE key = 'core.program'")" "${sample:0:15}"
  "check_$sample"
  rm -f "$work/heap.db"
done
if ((checked == 0)); then exit 77; fi
echo "$checked checks, $failed failed"
((failed == 0))
