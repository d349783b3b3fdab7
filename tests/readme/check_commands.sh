#!/usr/bin/env bash
# The README has the two commands, and .ci/run runs the second one as the README says it.
#
#   tests/readme/check_commands.sh SOURCE_DIR
set -euo pipefail
cd "$1"
readme_command() {  # the lines of the block after the marker
  awk -v marker="<!-- command: $1 -->" '$0 == marker { found = 1; next }
    found && /^```/ { if (inside) exit; inside = 1; next } inside' README.md
}
failed=0
for name in analyse test; do
  lines=$(readme_command "$name" | wc -l)
  [[ $lines == 1 ]] || { echo "FAIL README command '$name' is $lines lines, expected 1"; failed=1; }
done
grep -qxF -- "$(readme_command test)" .ci/run || { echo "FAIL .ci/run does not run: $(readme_command test)"; failed=1; }
# A package that CI needs but the first command does not install would leave a reader stranded, and the other way round.
packages() { tr ' ' '\n' | grep -E '^(lib[a-z0-9.+-]*-dev|build-essential|cmake|ninja-build|pkg-config|sqlite3|zstd)$' | sort -u; }
for package in $(readme_command analyse | packages); do
  grep -qwF -- "$package" .ci/run || { echo "FAIL .ci/run does not install $package"; failed=1; }
done
dump=$(readme_command analyse | grep -o 'samples/dumps/[^ ]*')
[[ -f $dump ]] || { echo "FAIL no file $dump"; failed=1; }
exit $failed
