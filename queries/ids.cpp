#include "queries/ids.h"

#include <array>
#include <cstddef>

namespace queries {
namespace {

template <typename Enum, std::size_t N>
std::string_view word(const std::array<std::string_view, N>& words, Enum value) {
  const auto at = static_cast<std::size_t>(value);
  return at < N ? words[at] : std::string_view("unknown");
}

}  // namespace

std::string_view to_text(ObjectKind kind) {
  static constexpr std::array<std::string_view, 5> words{"instance", "object_array", "primitive_array", "class",
                                                         "block"};
  return word(words, kind);
}

std::string_view to_text(Strength strength) {
  static constexpr std::array<std::string_view, 7> words{"strong",  "soft",     "weak",     "final",
                                                         "phantom", "internal", "uncertain"};
  return word(words, strength);
}

std::string_view to_text(Reachability reachability) {
  static constexpr std::array<std::string_view, 7> words{"strong",  "soft",        "weak",     "final",
                                                         "phantom", "unreachable", "uncertain"};
  return word(words, reachability);
}

std::string_view to_text(Doubt doubt) {
  static constexpr std::array<std::string_view, 7> words{"",
                                                         "interior pointer",
                                                         "end of a text",
                                                         "element without its container",
                                                         "memory of unknown use",
                                                         "below the stack pointer",
                                                         "left over in a register"};
  return word(words, doubt);
}

std::string_view to_text(RootKind kind) {
  static constexpr std::array<std::string_view, 22> words{
      "unknown",           "jni_global",   "jni_local",     "java_frame",      "native_stack", "sticky_class",
      "thread_block",      "monitor_used", "thread_object", "interned_string", "finalizing",   "debugger",
      "reference_cleanup", "vm_internal",  "jni_monitor",   "reconstructed",   "register",     "stack",
      "thread_local",      "static",       "mapped_memory", "allocator"};
  return word(words, kind);
}

std::string_view to_text(EventKind kind) {
  static constexpr std::array<std::string_view, 19> words{
      "allocation", "free",    "missed_free",     "delete",          "munmap",          "pymalloc_free", "malloc",
      "calloc",     "realloc", "posix_memalign",  "aligned_alloc",   "memalign",        "valloc",        "pvalloc",
      "new",        "mmap",    "pymalloc_malloc", "pymalloc_calloc", "pymalloc_realloc"};
  return word(words, kind);
}

}  // namespace queries
