// mtrace and valgrind --trace-malloc=yes, line by line.
#include "formats/mtrace.h"
#include "formats/text_lines.h"
#include "formats/valgrind_trace.h"
#include "tests/fuzz/fuzz_target.h"

void fuzz(formats::Bytes input) {
  (void)formats::mtrace::looks_like(input);
  const bool has_calls = formats::valgrind_trace::looks_like(input);
  formats::TextLines lines(input);
  std::size_t calls = 0;
  while (lines.next()) {
    if (const auto event = formats::mtrace::parse_event(lines.line())) {
      if (event->caller.size() > lines.line().size()) __builtin_trap();
      (void)formats::mtrace::parse_caller(event->caller);
    }
    if (const auto event = formats::valgrind_trace::parse_event(lines.line())) {
      calls += lines.is_whole() ? 1u : 0u;
      if (event->allocated == 0 && event->size != 0) __builtin_trap();
    }
  }
  if (has_calls != (calls != 0)) __builtin_trap();
}
