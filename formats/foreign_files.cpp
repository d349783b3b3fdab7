#include "formats/foreign_files.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace formats {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;  ///< at the start of the file
  std::string_view kind;
  std::string_view advice;
};

constexpr std::string_view of_a_kernel = "it is the memory of a whole machine, not of a process: crash or drgn read it";
constexpr std::string_view of_macos = "heapql reads ELF cores: lldb, heap(1) and leaks(1) read what macOS writes";
constexpr std::string_view of_windows = "heapql reads ELF cores: WinDbg reads what Windows writes";

constexpr std::array magics{
    Magic{"KDUMP   "sv, "a compressed dump of a Linux kernel (kdump)", of_a_kernel},
    Magic{"DISKDUMP"sv, "a compressed dump of a Linux kernel (diskdump)", of_a_kernel},
    Magic{"makedumpfile\0"sv, "a flattened dump of a Linux kernel (makedumpfile -F)", of_a_kernel},
    Magic{"PAGEDU64"sv, "a dump of a Windows kernel", "it is the memory of a whole machine: WinDbg reads it"},
    Magic{"PAGEDUMP"sv, "a dump of a 32-bit Windows kernel", "it is the memory of a whole machine: WinDbg reads it"},
    Magic{"\xcf\xfa\xed\xfe"sv, "a 64-bit Mach-O file (macOS)", of_macos},
    Magic{"\xce\xfa\xed\xfe"sv, "a 32-bit Mach-O file (macOS)", of_macos},
    Magic{"MZ"sv, "a Windows or DOS program", of_windows},
    Magic{"FLR\0"sv, "a binary recording of JDK Flight Recorder",
          "print it with the JDK's tool: jfr print --json --events "
          "jdk.ObjectAllocationSample,jdk.OldObjectSample,jdk.GCHeapSummary FILE > FILE.json"},
    Magic{"ProblemType: "sv, "an apport crash report",
          "the core is inside: apport-unpack REPORT FOLDER, then FOLDER/CoreDump"},
};

/// A minidump's header: signature, version, number of streams u32 @8, where their directory is u32 @12. A row of the
/// directory: type u32, size u32, place u32.
class Minidump {
 public:
  explicit Minidump(Bytes head) : head_(head) {}

  /// Place of the first stream of a type; nothing when the directory lies beyond the head, or has none.
  [[nodiscard]] std::optional<std::uint32_t> stream(std::uint32_t wanted) const {
    constexpr std::uint32_t most_streams = 1024;
    constexpr std::uint64_t row_size = 12;
    const auto count = u32(8);
    const auto directory = u32(12);
    if (!count || !directory) return std::nullopt;
    for (std::uint64_t i = 0; i < *count && i < most_streams; ++i) {
      const auto type = u32(*directory + i * row_size);
      if (!type) return std::nullopt;
      if (*type == wanted) return u32(*directory + i * row_size + 8);
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint32_t> u32(std::uint64_t at) const {
    if (at > head_.size() || head_.size() - at < 4) return std::nullopt;
    return load_le<std::uint32_t>(&head_[static_cast<std::size_t>(at)]);
  }

 private:
  Bytes head_;
};

ForeignFile describe_minidump(Bytes head) {
  constexpr std::uint32_t system_info = 7;   // SystemInfoStream: the platform is its u32 @20
  constexpr std::uint32_t whole_memory = 9;  // Memory64ListStream: a dump with full memory
  constexpr std::uint64_t platform_at = 20;
  const Minidump dump(head);
  std::string origin = "of a process";
  if (const auto system = dump.stream(system_info)) {
    switch (dump.u32(std::uint64_t{*system} + platform_at).value_or(0)) {
      case 2: origin = "of a Windows process"; break;
      case 0x8101: origin = "of a macOS process (Breakpad, Crashpad)"; break;
      case 0x8201: origin = "of a Linux process (Breakpad, Crashpad)"; break;
      case 0x8203: origin = "of an Android process (Breakpad, Crashpad)"; break;
      default: break;
    }
  }
  if (dump.stream(whole_memory)) {
    return {"a minidump " + origin + " with full memory",
            "heapql reads ELF cores: WinDbg or lldb read it; on Linux, minidump-2-core makes a core of it"};
  }
  return {
      "a minidump " + origin,
      "it holds registers and stacks but no heap: minidump-stackwalk reads it; for the heap, have the process write "
      "a core (ulimit -c unlimited, or gcore PID)"};
}

}  // namespace

std::optional<ForeignFile> recognize_foreign(Bytes head) {
  const std::string_view text = as_text(head);
  if (text.starts_with("MDMP")) return describe_minidump(head);
  for (const Magic& magic : magics) {
    if (text.starts_with(magic.bytes)) return ForeignFile{std::string(magic.kind), std::string(magic.advice)};
  }
  return std::nullopt;
}

}  // namespace formats
