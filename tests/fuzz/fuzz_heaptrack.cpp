// heaptrack recordings: every line and what its text says. Traps when lines and damage are more than the input.
#include <string>

#include "formats/heaptrack.h"
#include "tests/fuzz/fuzz_target.h"

namespace heaptrack = formats::heaptrack;

void fuzz(formats::Bytes input) {
  (void)heaptrack::looks_like(input);
  const formats::Input file = formats::Input::borrow(input);
  formats::DamageLog damage;
  heaptrack::Reader reader(file, damage);
  std::uint64_t end = 0;
  std::size_t frames = 0;
  for (heaptrack::Line line; reader.next(line);) {
    if (line.offset < end || line.offset >= input.size()) __builtin_trap();
    end = line.offset + 2;
    if (const auto version = heaptrack::parse_version(line.text)) (void)version->text();
    if (const auto text = heaptrack::parse_string(line.text, 3); text && text->size() > line.text.size())
      __builtin_trap();
    (void)heaptrack::parse_suppression(line.text);
    if (const auto pointer = heaptrack::parse_instruction_pointer(line.text)) frames += pointer->frames.size();
    for (const unsigned format : {2u, 3u}) {
      if (const auto module = heaptrack::parse_module(line.text, format)) frames += module->segments.size();
    }
    if (line.tag == 'm' && line.text.empty()) reader.reject(line, "empty");
    line.text = {};  // a line of numbers leaves it as it is
  }
  if (frames > input.size() || damage.bytes() > input.size()) __builtin_trap();
}
