// The small value types that every layer above the formats speaks: dense ids and the enumerations that the database
// stores as small integers (design: "One graph for every runtime"). The integers are part of the database contract:
// append, never renumber.
#pragma once

#include <cstdint>
#include <string_view>

namespace queries {

/// Dense index of an object in address order, 0 … object_count-1. Equal to `object.id`, the rowid of the object table.
enum class ObjectId : std::uint32_t {};
/// Dense index of a class in order of first appearance. Equal to `class.id`.
enum class ClassId : std::uint32_t {};
/// Index into the name table (field names, local names, file names). Equal to `name.id`.
enum class NameId : std::uint32_t {};

inline constexpr ObjectId no_object{0xFFFF'FFFFu};
inline constexpr ClassId no_class{0xFFFF'FFFFu};
inline constexpr NameId no_name{0xFFFF'FFFFu};

constexpr std::uint32_t index(ObjectId id) { return static_cast<std::uint32_t>(id); }
constexpr std::uint32_t index(ClassId id) { return static_cast<std::uint32_t>(id); }
constexpr std::uint32_t index(NameId id) { return static_cast<std::uint32_t>(id); }

/// `object.kind`.
enum class ObjectKind : std::uint8_t {
  instance = 0,
  object_array = 1,
  primitive_array = 2,
  class_object = 3,
  block = 4
};

/// `reference.strength`: what a collector does with the target when nothing stronger holds it. uncertain: of native
/// heaps, a word that looks like a pointer and may be none, or one that does not own (importers/native_doubts.h).
enum class Strength : std::uint8_t {
  strong = 0,
  soft = 1,
  weak = 2,
  final = 3,
  phantom = 4,
  internal = 5,
  uncertain = 6
};

/// `object.reachability`: the strongest way in which any root holds the object. uncertain: possibly leaked.
enum class Reachability : std::uint8_t {
  strong = 0,
  soft = 1,
  weak = 2,
  final = 3,
  phantom = 4,
  unreachable = 5,
  uncertain = 6
};

/// `root.kind`. Words of HPROF and ART, from `machine_register` on of native processes; `reconstructed` marks roots
/// that heapql had to infer (a dump without roots).
enum class RootKind : std::uint8_t {
  unknown = 0,
  jni_global = 1,
  jni_local = 2,
  java_frame = 3,
  native_stack = 4,
  sticky_class = 5,
  thread_block = 6,
  monitor_used = 7,
  thread_object = 8,
  interned_string = 9,
  finalizing = 10,
  debugger = 11,
  reference_cleanup = 12,
  vm_internal = 13,
  jni_monitor = 14,
  reconstructed = 15,
  machine_register = 16,  ///< general or vector register of a thread
  stack_word = 17,        ///< word of a live stack
  thread_local_data = 18,
  static_data = 19,    ///< writable data of a program or library
  mapped_memory = 20,  ///< other writable memory that no allocator owns
  allocator = 21,      ///< a block that the allocator, or another runtime library, took for itself
};

/// Why a word of a native process that looks like a pointer may be none, or not one that owns what it points to.
enum class Doubt : std::uint8_t {
  none,
  interior,           ///< points into the block, and nothing of its type gives a reason for that
  text,               ///< the end of a text
  element,            ///< to a node or buffer of a container that it is no part of: an iterator, or a leftover
  unknown_memory,     ///< in memory that nothing is known to point to
  below_stack,        ///< in the red zone below a stack pointer
  leftover_register,  ///< in a vector register of a thread that is in a system call
};

/// `event.kind`: what was called, as far as the record says it. Kinds from `free` to `pymalloc_free` end a block, the
/// others begin one.
enum class EventKind : std::uint8_t {
  allocation = 0,   ///< malloc, calloc, realloc, new …: the record does not say which
  free = 1,         ///< also of the old block of a realloc
  missed_free = 2,  ///< not in the record: the next block at the address shows that there was one
  operator_delete = 3,
  munmap = 4,
  pymalloc_free = 5,
  malloc = 6,
  calloc = 7,
  realloc = 8,
  posix_memalign = 9,
  aligned_alloc = 10,
  memalign = 11,
  valloc = 12,
  pvalloc = 13,
  operator_new = 14,
  mmap = 15,
  pymalloc_malloc = 16,
  pymalloc_calloc = 17,
  pymalloc_realloc = 18,
};
[[nodiscard]] constexpr bool ends_block(EventKind kind) {
  return kind >= EventKind::free && kind <= EventKind::pymalloc_free;
}

std::string_view to_text(ObjectKind);    ///< "instance", "object_array", "primitive_array", "class", "block"
std::string_view to_text(Strength);      ///< "strong", "soft", "weak", "final", "phantom", "internal", "uncertain"
std::string_view to_text(Reachability);  ///< "strong" … "unreachable", "uncertain"
std::string_view to_text(Doubt);         ///< "interior pointer", "end of a text", …; "" for none
std::string_view to_text(RootKind);      ///< "jni_global", "java_frame", …
std::string_view to_text(EventKind);     ///< "allocation", "free", "missed_free", "malloc", "new", …

}  // namespace queries
