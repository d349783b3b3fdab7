#!/usr/bin/env bash
# Are the sessions in the README real? Runs every "$ command" of its ```console blocks, in the source tree, and compares
# what it prints with what the README says. A line "[...]" stands for any number of lines.
#
#   tests/readme/check_session.sh HEAPQL SOURCE_DIR
#
# UPDATE_README=1 prints the README with the real output in place instead of comparing; where a
# session was cut with "[...]", as many lines before and after it are kept.
set -euo pipefail
heapql=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$heapql" "$work/bin/heapql"
export PATH=$work/bin:$PATH XDG_CACHE_HOME=$work/cache NO_COLOR=1 COLUMNS=100
cd "$source"

run() { bash -c "$1" 2> /dev/null < /dev/null || true; }

check() {  # COMMAND, with the expected lines in $work/expected
  run "$1" > "$work/real"
  if grep -qxF '[...]' "$work/expected"; then
    local lines
    lines=$(grep -nxF '[...]' "$work/expected" | head -n 1 | cut -d: -f1)
    head -n $((lines - 1)) "$work/real" > "$work/real_head"
    head -n $((lines - 1)) "$work/expected" > "$work/expected_head"
    tail -n +$((lines + 1)) "$work/expected" > "$work/expected_tail"
    tail -n "$(wc -l < "$work/expected_tail")" "$work/real" > "$work/real_tail"
    diff -u "$work/expected_head" "$work/real_head" && diff -u "$work/expected_tail" "$work/real_tail"
  else
    diff -u "$work/expected" "$work/real"
  fi
}

update() {  # COMMAND, with the lines that were there in $work/expected
  run "$1" > "$work/real"
  local cut
  cut=$(grep -nxF '[...]' "$work/expected" | head -n 1 | cut -d: -f1 || true)
  if [[ -z $cut ]]; then
    cat "$work/real"
  else
    head -n $((cut - 1)) "$work/real"
    echo '[...]'
    tail -n $(($(wc -l < "$work/expected") - cut)) "$work/real"
  fi
}

updating=false
[[ -z ${UPDATE_README-} ]] || updating=true
commands=0 failed=0 inside=false command=
finish() {
  [[ -n $command ]] || return 0
  commands=$((commands + 1))
  if $updating; then
    echo "\$ $command"
    update "$command"
  else
    check "$command" || { echo "FAIL README: \$ $command"; failed=1; }
  fi
  command=
}
while IFS= read -r line; do
  if [[ $line == '```console' ]]; then
    inside=true
  elif $inside && [[ $line == '```' ]]; then
    finish
    inside=false
  elif $inside && [[ $line == '$ '* ]]; then
    finish
    command=${line#\$ }
    : > "$work/expected"
    continue
  elif $inside; then
    printf '%s\n' "$line" >> "$work/expected"
    continue
  fi
  if $updating; then printf '%s\n' "$line"; fi
done < README.md
! $updating || exit 0
((commands > 0)) || { echo "FAIL no session in the README"; exit 1; }
echo "$commands commands of the README run"
exit $failed
