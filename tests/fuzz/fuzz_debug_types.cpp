// Executables and libraries: what formats/debug_types.h and type_layout.h read of their debugging information. Whatever
// it says, layouts stay within the size of their type, names come to an end, and what is asked twice is the same.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "formats/type_layout.h"
#include "formats/unwind.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/own_debug_session.h"

namespace {

using formats::DebugType;
using formats::TypeCatalog;
using formats::TypeId;

constexpr std::size_t most = 256;  // types, variables and places: targets are bounded

void require(bool holds) {
  if (!holds) __builtin_trap();
}

void check(TypeCatalog& catalog, TypeId id) {
  const DebugType& type = catalog.type(id);
  require(&type == &catalog.type(id));
  for (const formats::DebugMember& member : type.members) {
    static_cast<void>(catalog.type(member.type));
    require(member.bit_size == 0 || member.bit_offset / 8 + 1 >= member.offset);
  }
  if (type.target != formats::no_type) static_cast<void>(catalog.type(type.target));
  const formats::TypeLayout layout = formats::layout_of(catalog, id);
  require(layout.size == type.size && layout.padding <= layout.size && layout.alignment != 0);
  std::uint64_t holes = 0;
  std::uint64_t at = 0;
  for (const formats::LayoutSlot& slot : layout.slots) {
    require(slot.bit_offset >= at);
    at = slot.bit_offset;
    holes += slot.hole;
  }
  require(holes + layout.pre_hole == layout.hole_bytes);
  const formats::Reordering best = formats::reorder(catalog, layout);
  require(best.size <= layout.size && best.order.size() == layout.slots.size());
  static_cast<void>(catalog.is_base(id));
}

/// A file is what modules are opened from.
struct TemporaryFile {
  std::string path = (std::filesystem::temp_directory_path() / "heapql_fuzz_XXXXXX").string();
  explicit TemporaryFile(formats::Bytes bytes) {
    const int descriptor = mkstemp(path.data());
    require(descriptor >= 0);
    require(write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    close(descriptor);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { unlink(path.c_str()); }
};

}  // namespace

void fuzz(formats::Bytes input) {
  if (input.size() > 1 << 20) return;
  const TemporaryFile file(input);
  tests::ProgramSession program;
  try {
    if (!program.open(file.path) || program.modules->all().empty()) return;
  } catch (const formats::InputError&) {
    return;  // its headers made a core that is none
  }
  TypeCatalog catalog(*program.session);
  if (catalog.empty()) return;
  std::size_t few = most;
  for (const TypeId id : catalog.structures()) {
    if (few-- == 0) break;
    check(catalog, id);
    static_cast<void>(catalog.find(catalog.type(id).name));
  }
  few = most;
  for (const formats::DebugVariable& variable : catalog.variables()) {
    if (few-- == 0) break;
    require(variable.module != nullptr);
    check(catalog, variable.type);
  }
  formats::Frame frame;
  frame.module = &program.modules->all()[0];
  frame.stack_end = 0x7fff0000;
  frame.registers = {{0, 1}, {3, frame.module->base}, {6, 0x7ffe0000}, {7, 0x7ffe0000}};
  const std::uint64_t size = std::min<std::uint64_t>(frame.module->end - frame.module->base, 0x4000);
  for (std::uint64_t at = 0; at < size; at += std::max<std::uint64_t>(size / most, 1)) {
    frame.program_counter = frame.module->base + at;
    for (const formats::FrameVariable& local : catalog.locals(*program.image, frame, true)) {
      static_cast<void>(catalog.type(local.type));
      require(!local.pieces.empty());
    }
  }
}
