#!/usr/bin/env bash
# Runs one sample and dumps its heap:
#
#   samples/dump.sh [--small] [-o DIR] NAME [ARGUMENT...]
#
# Leaves DIR/NAME.hprof and DIR/NAME.json (what is true of the dump, printed by the program). --small drops the names
# nothing refers to and compresses (NAME.hprof.zst): how the checked-in dumps were made. Any JDK from 11 to 25: the one
# in $JAVA_HOME, else the one on the path. Exit status 77 where there is none.
set -euo pipefail

small=false
out=.
while [[ ${1-} == -* ]]; do
  case $1 in
    --small) small=true ;;
    -o) out=$2; shift ;;
    *) echo "dump.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift
done
[[ $# -ge 1 ]] || { echo "usage: dump.sh [--small] [-o DIR] NAME [ARGUMENT...]" >&2; exit 2; }
name=$1; shift
here=$(cd "$(dirname "$0")" && pwd)
[[ -f $here/$name.java ]] || { echo "dump.sh: no sample $name in $here" >&2; exit 2; }

jdk=${JAVA_HOME:+$JAVA_HOME/bin/}
for tool in java javac jcmd; do
  command -v "$jdk$tool" > /dev/null || { echo "dump.sh: no JDK here ($jdk$tool is missing)" >&2; exit 77; }
done

mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
program=
finish() {
  if [[ -n $program ]]; then kill "$program" 2> /dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT
"${jdk}javac" -nowarn -Xlint:-options -d "$work/classes" "$here/Truth.java" "$here/$name.java" 2> "$work/javac.log" ||
  { cat "$work/javac.log" >&2; exit 1; }

# The young generation holds all a sample makes: garbage is still there when it is dumped.
mkfifo "$work/stdin"
"${jdk}java" -Xms64m -Xmx64m -Xmn40m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 --limit-modules java.base \
  -XX:-UsePerfData -cp "$work/classes" "$name" "$@" < "$work/stdin" > "$work/truth.json" &
program=$!
exec 3> "$work/stdin"
until grep -q '}$' "$work/truth.json"; do
  kill -0 "$program" 2> /dev/null || { echo "dump.sh: $name ended before it was ready" >&2; exit 1; }
  sleep 0.05
done

rm -f "$out/$name.hprof"
all=()
if [[ $name == GarbageInDump ]]; then all=(-all); fi  # the others after a full collection
"${jdk}jcmd" "$program" GC.heap_dump "${all[@]}" "$out/$name.hprof" > "$work/jcmd.log" || { cat "$work/jcmd.log" >&2; exit 1; }
exec 3>&-
wait "$program" || true
program=
[[ -s $out/$name.hprof ]] || { cat "$work/jcmd.log" >&2; exit 1; }
cp "$work/truth.json" "$out/$name.json"

if $small; then
  "${jdk}java" "$here/Shrink.java" "$out/$name.hprof" "$work/small.hprof"
  rm -f "$out/$name.hprof"
  zstd -q -f -19 "$work/small.hprof" -o "$out/$name.hprof.zst"
fi
