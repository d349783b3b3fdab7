#!/usr/bin/env bash
# A small generated dump is read without damage, with the objects and references the generator says it has.
#
#   tests/bench/check_generator.sh HEAPQL HPROF_GENERATOR
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
said=$("$2" 0.02 "$work/generated.hprof")
"$1" import --quiet --strict "$work/generated.hprof" -o "$work/heap.db"
# The importer may add objects the dump does not have (a boot class loader), never lose one. References of the dump:
# those of instances, arrays and static fields; superclasses and loaders are the importer's.
found=$(sqlite3 -readonly "$work/heap.db" "SELECT count(*) || ' objects, ' || (SELECT count(*) FROM reference r
    LEFT JOIN name n ON n.id = r.name_id WHERE coalesce(n.value, '') NOT LIKE '<%') || ' references'
  FROM object WHERE address >= 0x600000000")
echo "generator: $said"
echo "heapql:    $found"
[[ $said == *" bytes, $found" ]]
