# Functions of the formats' scripts beside this file: what a reference tool says of a file, what heapql says, and why they
# differ. Sourced by ../compare_traces.sh, which sets $heapql, $traces (the data's trace/ folder) and $work.
#
#   begin FILE [OPTION…]            FILE (below $traces) becomes $work/heap.db; the following lines are of it
#   theirs FIGURE TEXT [FORMAT]     what the reference prints; a filter of many prints such lines, with tabs
#   ours SQL…                       rows of figure and number from $work/heap.db
#   why FIGURE DIFFERENCE REASON    theirs is DIFFERENCE more than ours, exactly; FIGURE may end in *
#   absent FIGURE REASON            heapql has no such figure
#   partial FIGURE REASON           theirs is of an unknown part of what ours is of
#   finish                          the lines become rows of $work/result
#   no_input FILE REASON            a reference whose input is not here
#
# FORMAT: how the reference prints a number; ours is printed the same way before the two are compared (compare.awk).

tab=$'\t'

begin() {
  file=$1
  shift
  : > "$work/theirs"
  : > "$work/ours"
  : > "$work/why"
  if ! "$heapql" import --quiet --no-cache "$@" "$traces/$file" -o "$work/heap.db" 2> "$work/log"; then
    printf '%s\t%s\t%s\n' import 'can be read' text >> "$work/theirs"
    printf '%s\t%s\n' import "$(tail -n 1 "$work/log")" >> "$work/ours"
  fi
}

theirs() { printf '%s\t%s\t%s\n' "$1" "$2" "${3-}" >> "$work/theirs"; }
why() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >> "$work/why"; }
partial() { printf '%s\t%s\t%s\n' "$1" partial "$2" >> "$work/why"; }
absent() { printf '%s\t%s\t%s\n' "$1" absent "$2" >> "$work/why"; }

ask() {  # SQL: rows with tabs, without the header
  "$heapql" query --quiet --format tsv "$work/heap.db" "$1" | tail -n +2
}

ours() {
  local sql
  for sql; do ask "$sql"; done >> "$work/ours"
}

metrics() {  # FIGURE=METRIC…
  local pair values=
  for pair; do values+="${values:+,}('${pair%%=*}', '${pair#*=}')"; done
  ours "SELECT v.column1, m.value FROM (VALUES $values) AS v JOIN metric AS m ON m.name = v.column2 AND m.snapshot_id = 1"
}

finish() {
  awk -F '\t' -v OFS='\t' -v file="$file" -f "$here/traces/compare.awk" \
    "$work/why" "$work/ours" "$work/theirs" >> "$work/result"
}

no_input() { printf '%s\t%s\t\t\t\t%s\t%s\n' "$1" - 'not compared' "$2" >> "$work/result"; }

files() {  # FOLDER [TEST…]: files below it, as paths below $traces, sorted; nothing where there are none
  (cd "$traces" && find -L "$1" -type f "${@:2}" 2> /dev/null | LC_ALL=C sort) || true
}

plain() {  # FILE: its text, whatever it is wrapped in
  case $1 in
    *.gz) gzip -dc ;;
    *.zst) zstd -dcq 2> /dev/null ;;
    *.bz2) bzip2 -dc ;;
    *) cat ;;
  esac < "$traces/$1"
}
