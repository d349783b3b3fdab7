// One snapshot's rows in memory: what an importer fills, the passes read and the store writes. Objects and references
// are columns (struct of arrays, CSR); everything small is a vector of rows named as its table (design §3).
//
// Bytes per object: class 2, shallow size 1, length about 1.3, address about 1.1, first reference 1.5; per reference 4.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "queries/address_map.h"
#include "queries/code_rows.h"
#include "queries/columns.h"
#include "queries/ids.h"
#include "queries/layout_rows.h"
#include "queries/sharing_rows.h"

namespace queries {

struct AllocationProfile;  // queries/allocation_profile.h

struct DamageRow {
  std::uint64_t offset = 0;  ///< in the (inflated) input file
  std::uint64_t bytes = 0;   ///< how many bytes could not be used
  std::string what;
};

/// The numbers of ObjectKind: a class says of what kind its instances are.
enum class ClassKind : std::uint8_t { instance = 0, object_array = 1, primitive_array = 2, block = 4 };

struct ClassRow {
  std::string name;  ///< "java.util.HashMap$Node", "java.lang.Object[]", "int[]"
  ClassId super = no_class;
  ObjectId loader = no_object;  ///< the class loader object; no_object = the VM's own loader
  ClassKind kind = ClassKind::instance;
  std::uint64_t instance_size = 0;       ///< shallow size of an instance, 0 for arrays
  ObjectId object = no_object;           ///< the class as an object of the heap (its mirror)
  Strength referent = Strength::strong;  ///< strength of `Reference.referent` in instances; strong for ordinary classes
  bool has_finalizer = false;  ///< instances are registered with the finalizer (seen as referent of a Finalizer)
  std::uint64_t requested_size =
      0;               ///< bytes asked of malloc for each block of this type, 0 = not known or not one size
  std::string source;  ///< how name and layout are known: "dump", "placeholder", …
};

/// A declared instance field, own fields only; statics have `is_static`. Order: as in the dump.
struct FieldRow {
  ClassId class_id{};
  std::uint32_t ordinal = 0;
  NameId name = no_name;
  char type = 'L';           ///< JVM descriptor letter: L Z C F D B S I J
  std::int64_t offset = -1;  ///< in the object, -1 = not known
  std::uint32_t size = 0;    ///< bytes in the running process
  bool is_static = false;
};

struct RootRow {
  ObjectId object = no_object;
  RootKind kind = RootKind::unknown;
  std::int64_t thread = -1;  ///< index into Snapshot::threads, -1 = none
  std::int64_t frame = -1;   ///< index into Snapshot::frames, -1 = none
  NameId name = no_name;
  Doubt doubt = Doubt::none;
};

struct ThreadRow {
  std::string name;
  ObjectId object = no_object;
  std::int64_t stack = -1;  ///< frame.stack_id of its frames, -1 = none
  std::string state;        ///< "RUNNABLE", "WAITING", …; empty = not known
  std::int64_t os_id = -1;
  std::int64_t stack_bytes = -1;       ///< of its stack's memory, -1 = not known
  std::int64_t stack_used_bytes = -1;  ///< from the stack pointer to the stack's beginning, -1 = not known
  std::int64_t signal = -1;            ///< that it had when it was dumped, -1 = not known, 0 = none
};

/// A word in the dead part of a stack that still points to a block.
struct StaleWordRow {
  std::uint64_t address = 0;
  std::int64_t thread = 0;  ///< index into Snapshot::threads
  ObjectId object = no_object;
  std::string callee;  ///< function in whose frame it was left; "" = not known
  std::string caller;  ///< function that called it; "" = not known
};

/// A part of a process's address space that serves one purpose.
struct MappingRow {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::string kind;                  ///< heap allocator stack thread_local static_data code file anonymous reserved
  std::string name;                  ///< the file's path, the allocator and its kind of region; empty = has none
  std::string permissions;           ///< "rw-"
  std::uint64_t resident_bytes = 0;  ///< that the dump has
  std::int64_t thread = -1;          ///< index into Snapshot::threads, -1 = no thread's own
};

struct FrameRow {
  std::int64_t stack = -1;
  std::uint32_t depth = 0;  ///< 0 = innermost
  std::string function;     ///< "com.acme.Foo.bar(int)"
  std::string file;
  std::int32_t line = 0;  ///< 0 = not known, -1 unknown, -2 compiled, -3 native
  std::string module;
  std::uint64_t address = 0;  ///< program counter, 0 = not known
};

/// What an allocator or a collector got from the system: an arena, a slab, a mapped chunk, a heap space. The sums of
/// its blocks: used (live_bytes), free_bytes, cached_bytes and the allocator's own overhead_bytes make its size.
struct RegionRow {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::string kind;
  std::string name;
  std::int32_t arena = 0;  ///< regions of one arena belong together
  std::uint64_t live_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t cached_bytes = 0;  ///< in threads' caches: neither used nor reclaimable
  std::uint64_t overhead_bytes = 0;
  std::uint64_t largest_free_bytes = 0;
  std::uint64_t live_count = 0;
};

/// Bytes that a request could be served from. 24 bytes each: a heap has far fewer than blocks in use.
struct FreeBlockRow {
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  std::uint32_t region = 0;  ///< index into Snapshot::regions
  std::int32_t bin = -1;     ///< the allocator's bin or size class, -1 = none
};

/// CSR of the explicit references. The edge from every object to its class object is implicit (see HeapGraph).
struct ReferenceColumns {
  EdgeOffsets first;                ///< object_count+1 offsets into `target`; the importer refuses ≥ 2^32 references
  std::vector<ObjectId> target;     ///< slot order within an object; nulls and dangling ids are left out
  SparseColumn<Strength> strength;  ///< by edge index (as an ObjectId-typed index); absent = strong
};

/// Objects of equal content, in groups of two and more: strings, and primitive arrays that no string owns.
/// 4 bytes per object in a group, 16 per group.
struct EqualContent {
  struct Entry {
    ObjectId object{};
    bool is_string = false;  ///< a string object (its array is counted with it, not on its own)
    std::uint64_t hash = 0;
  };
  struct Group {
    std::uint64_t hash = 0;
    std::uint32_t first = 0;  ///< index into objects; the group ends where the next one begins
    bool is_string = false;
  };
  std::vector<Group> groups;      ///< by hash, strings before arrays
  std::vector<ObjectId> objects;  ///< ascending within a group

  /// Groups the entries; those that occur once are dropped. O(n), and O(d log d) for the d that do not.
  static EqualContent of(std::vector<Entry> entries);
  [[nodiscard]] std::span<const ObjectId> members(std::size_t group) const {
    const std::size_t end = group + 1 < groups.size() ? groups[group + 1].first : objects.size();
    return std::span(objects).subspan(groups[group].first, end - groups[group].first);
  }
};

/// A row of a histogram made without a graph (ImportOptions::histogram_only).
struct HistogramRow {
  ClassId class_id{};
  std::uint64_t object_count = 0;
  std::uint64_t shallow_bytes = 0;
};

struct Snapshot {
  // meta
  std::string path;
  std::string format;   ///< "hprof"
  std::string runtime;  ///< "HotSpot JDK 17.0.15" …, "" = not known
  std::uint32_t pointer_size = 0;
  std::int64_t taken_at_ms = -1;                          ///< Unix time of the dump, -1 = not known
  std::vector<std::pair<std::string, std::string>> meta;  ///< further key/value rows: size rule, flags seen, options
  bool roots_reconstructed = false;
  std::vector<std::string> warnings;  ///< sentences: what is missing beside the dump, and what that costs
  bool types_only = false;            ///< a program, not a process: nothing but `layout`
  bool manual_memory = false;     ///< the program frees its memory itself: what no root reaches is leaked, not garbage
  std::vector<DamageRow> damage;  ///< capped; `damage_count` and `damaged_bytes` are the true totals
  std::uint64_t damage_count = 0;
  std::uint64_t damaged_bytes = 0;
  std::uint64_t dangling_references = 0;  ///< references to ids that are not in the dump

  // objects
  std::uint32_t object_count = 0;
  AddressMap addresses;
  ClassColumn class_of;
  SizeColumn shallow;
  SparseColumn<std::uint32_t> length;  ///< arrays only
  ReferenceColumns references;

  // small tables
  std::vector<ClassRow> classes;
  std::vector<FieldRow> fields;
  std::vector<std::string> names;  ///< NameId → text
  std::vector<RootRow> roots;      ///< every root record of the dump
  /// Objects held by a root directly, sorted, unique. Locals of a known thread are not here: they are references of
  /// the thread object, so that a thread retains its locals (as Eclipse MAT does).
  std::vector<ObjectId> direct_roots;
  std::vector<ObjectId> uncertain_roots;  ///< those of direct_roots of which every root row has a doubt; sorted
  std::vector<ThreadRow> threads;
  std::vector<FrameRow> frames;
  /// class object → class, for the objects that are classes. Sorted by object.
  std::vector<std::pair<ObjectId, ClassId>> class_objects;

  std::vector<StaleWordRow> stale_words;  ///< by thread, from the live stack down
  std::vector<MappingRow> mappings;       ///< by start; of processes: all of the address space in use
  std::vector<RegionRow> regions;         ///< by start
  std::vector<FreeBlockRow> free_blocks;  ///< by address
  /// Usable minus requested bytes of the blocks of which that is known one by one (a container's capacity, a log). A
  /// block that is not in it has its class's requested_size; neither known = no part of internal fragmentation.
  SparseColumn<std::uint32_t> slack;

  CodeRows code;                                ///< of native processes: what their machine code says
  LayoutRows layout;                            ///< how types lay out their objects
  std::vector<MemorySampleRow> memory_samples;  ///< as perf wrote them
  std::vector<SharedLineRow> shared_lines;      ///< surest first

  EqualContent content;  ///< what the import learned about strings and primitive arrays; see duplicates pass
  /// What a trace, a profile or a growth series says of allocations. Set = the input has no object graph: no objects,
  /// classes, references or roots above.
  std::shared_ptr<AllocationProfile> profile;
  std::vector<HistogramRow> histogram;  ///< filled instead of everything above but the small tables

  [[nodiscard]] const ClassRow& class_row(ObjectId id) const { return classes[index(class_of[id])]; }
  /// Fills uncertain_roots from `roots`, in a heap whose rows of `roots` are all direct. O(roots · log roots).
  void find_uncertain_roots();
  [[nodiscard]] bool is_class_object(ObjectId id) const;
  /// The class that this class object stands for, or no_class.
  [[nodiscard]] ClassId class_of_class_object(ObjectId id) const;
  [[nodiscard]] ObjectKind kind_of(ObjectId id) const;
  /// Interns a name. Linear memory, O(1).
  NameId name_id(std::string_view text);
  /// For importers whose dumps hold texts of any bytes (paths, symbols): replaces what is not UTF-8 in all of the
  /// snapshot's texts (queries/utf8.h). Two names may be equal afterwards. O(texts).
  void make_texts_valid();
  /// true when `id` is `ancestor` or derives from it. O(depth), guards against cycles in damaged dumps.
  [[nodiscard]] bool derives_from(ClassId id, ClassId ancestor) const;
  [[nodiscard]] ClassId find_class(std::string_view name) const;  ///< first class of that name, or no_class

 private:
  std::unordered_map<std::string, NameId> name_ids_;
};

}  // namespace queries
