// Executables: what formats/machine_code.h finds in their code. Whatever the file says, functions do not overlap, what
// is found lies in what it indexes, and every byte of code is decoded once.
#include <algorithm>

#include "formats/machine_code.h"
#include "formats/machine_code_decoder.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

void fuzz(formats::Bytes input) {
  using namespace formats::machine_code;
  const CodeFile file(input);
  const CodeAnalysis found = analyse_code(file);
  std::uint64_t end = 0;
  std::uint64_t bytes = 0;
  for (const Function& function : found.functions) {
    require(function.start >= end && function.end > function.start);
    end = function.end;
    bytes += function.size();
  }
  require(found.instruction_count + found.undecodable_bytes <= bytes);
  for (const CodeReference& one : found.references) {
    require(one.function < found.functions.size());
    const Function& function = found.functions[one.function];
    require(one.instruction >= function.start && one.instruction < function.end);
  }
  for (const FieldAccess& one : found.fields) require(one.function < found.functions.size() && one.count != 0);
  for (const StrideLoop& one : found.loops) require(one.touched <= one.stride && one.end > one.start);
  for (const AllocationSite& one : found.sites) require(one.first_vtable + one.vtable_count <= found.vtables.size());

  Decoder decoder;
  static_cast<void>(decoder.ends_with_call(input));
  std::uint64_t next = 0x1000;
  for (const InstructionText& text : decoder.to_text(input, next, 256)) {
    require(text.address == next && !text.bytes.empty());
    next += text.bytes.size() / 2;
  }
}
