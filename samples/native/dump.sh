#!/usr/bin/env bash
# Builds one sample with the system's compiler, runs it and makes a core of it:
#
#   samples/native/dump.sh [--build plain|stripped|static|pie|debug|optimized|libcxx] [--preload LIBRARY] [--by kernel|gcore] [-o DIR]
#     NAME
#
# Leaves in DIR: NAME (the program), NAME.core, NAME.truth (what the program says of its heap, a line "name value" each)
# and NAME.live ("ADDRESS,SIZE" of every live block, by malloc_log.c; a static program has none). Of a sample that is to
# be dumped twice also NAME.first.core and NAME.first.live, by gcore. The kernel writes the core; where its core_pattern
# hands cores to somebody else, gcore does. A program that ends by its fault can be dumped by the kernel only. Exit
# status 77 where there is no compiler, or nobody to write the core.
set -euo pipefail

build=plain preload='' by='' out=.
while [[ ${1-} == -* ]]; do
  case $1 in
    --build) build=$2 ;;
    --preload) preload=$2 ;;
    --by) by=$2 ;;
    -o) out=$2 ;;
    *) echo "dump.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[[ $# -eq 1 ]] || { echo "usage: dump.sh [--build KIND] [--preload LIBRARY] [--by kernel|gcore] [-o DIR] NAME" >&2; exit 2; }
name=$1
here=$(cd "$(dirname "$0")" && pwd)
[[ -f $here/$name.cpp ]] || { echo "dump.sh: no sample $name in $here" >&2; exit 2; }
skip() { echo "dump.sh: skipped: $1" >&2; exit 77; }

case $build in
  plain) flags=(-O1 -no-pie -pthread) ;;
  stripped) flags=(-O1 -no-pie -pthread -s) ;;
  static) flags=(-O1 -static -pthread) ;;
  debug) flags=(-O0 -g -no-pie -pthread) ;;
  optimized) flags=(-O2 -g -no-pie -pthread) ;;
  pie) flags=(-O1 -pie -fPIE -pthread -g -gz) ;;  # with compressed debug information
  libcxx) flags=(-O1 -no-pie -pthread -stdlib=libc++) CXX=clang++ ;;  # LLVM's standard library
  *) echo "dump.sh: unknown build $build" >&2; exit 2 ;;
esac
command -v "${CXX:-c++}" > /dev/null && command -v "${CC:-cc}" > /dev/null || skip "no compiler here"
if [[ $build == libcxx ]]; then
  echo '#include <vector>' | "$CXX" "${flags[@]}" -fsyntax-only -x c++ - 2> /dev/null || skip "no libc++ here"
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)

# Who writes the core? A plain core_pattern without a folder means: the kernel, where the program runs.
pattern=$(cat /proc/sys/kernel/core_pattern 2> /dev/null || true)
kernel=false
if [[ $pattern != */* && $pattern != \|* && -n $pattern ]] && (ulimit -c unlimited) 2> /dev/null; then kernel=true; fi
if [[ -z $by ]]; then by=kernel; $kernel || by=gcore; fi
[[ $name != double_free ]] || by=kernel
if [[ $by == kernel ]]; then
  $kernel || skip "the kernel gives cores to '$pattern'"
else
  command -v gcore > /dev/null || skip "the kernel gives cores to '$pattern' and there is no gcore"
fi

work=$(mktemp -d)
program=
finish() {
  if [[ -n $program ]]; then kill -KILL "$program" 2> /dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT
rm -f "$out/$name" "$out/$name".{core,truth,live} "$out/$name".first.{core,live}
"${CXX:-c++}" -std=c++17 "${flags[@]}" -o "$out/$name" "$here/$name.cpp"
log=("LD_PRELOAD=$preload")
if [[ $build != static ]]; then
  "${CC:-cc}" -O2 -fno-builtin -shared -fPIC -o "$work/malloc_log.so" "$here/malloc_log.c" -ldl
  log=("LD_PRELOAD=$work/malloc_log.so${preload:+:$preload}" "MALLOC_LOG=$work/log")
fi

mkfifo "$work/stdin"
(
  cd "$work"
  ulimit -c unlimited 2> /dev/null || true
  exec env -i "${log[@]}" "$out/$name" < "$work/stdin" > "$work/truth" 2> "$work/stderr"
) &
program=$!
exec 3> "$work/stdin"
wait_until() {  # LINE: or "ready"
  local i
  for ((i = 0; ; ++i)); do
    if grep -q -x -e "$1" -e ready "$work/truth" 2> /dev/null; then return; fi
    kill -0 "$program" 2> /dev/null && ((i < 1000)) || { cat "$work/stderr" >&2; echo "dump.sh: $name was never ready" >&2; exit 1; }
    sleep 0.02
  done
}
dump_by_gcore() {  # PREFIX
  gcore -o "$1" "$program" > "$work/gcore.log" 2>&1 || { cat "$work/gcore.log" >&2; skip "gcore could not attach"; }
}
wait_until 'ready for the first'
if ! grep -q -x ready "$work/truth"; then
  command -v gcore > /dev/null || skip "no gcore, which alone can dump a process twice"
  dump_by_gcore "$work/first"
  mv "$work"/first.* "$out/$name.first.core"
  if [[ $build != static ]]; then awk -f "$here/live_blocks.awk" "$work/log" > "$out/$name.first.live"; fi
  echo >&3
  wait_until ready
fi

if [[ $by == gcore ]]; then
  dump_by_gcore "$work/core"
  if [[ $build != static ]]; then awk -f "$here/live_blocks.awk" "$work/log" > "$out/$name.live"; fi
elif [[ $name != double_free ]]; then
  kill -QUIT "$program"
fi
exec 3>&-  # the program goes on: to its end, or to its fault
wait "$program" 2> /dev/null || true
program=
core=$(find "$work" -maxdepth 1 -name '*core*' -type f -size +0 ! -name '*.log' | head -n 1)
[[ -n $core ]] || skip "no core was written"
mv "$core" "$out/$name.core"
grep -v '^ready' "$work/truth" > "$out/$name.truth"
if [[ $build != static && $by == kernel ]]; then awk -f "$here/live_blocks.awk" "$work/log" > "$out/$name.live"; fi
