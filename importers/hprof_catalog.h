// First walk over an HPROF dump: everything that is not one of the many objects, and where the objects are.
//
// Objects come in few ascending runs of addresses (54 million objects: 1,107 descents measured), so remembering the
// runs (40 bytes each, at most 4,096 objects long) is enough to visit all objects in address order later.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "formats/damage_log.h"
#include "formats/hprof.h"
#include "queries/address_map.h"

namespace importers::hprof {

using RawId = std::uint64_t;

/// What the walk learns about the instances (or arrays) of one class.
struct Census {
  std::uint64_t count = 0;
  std::uint64_t payload_bytes = 0;  ///< of field values or elements, as in the file
  std::uint64_t length = 0;         ///< array elements in all
  /// Smallest distance to the next object in address order, less the bytes of the elements for arrays: the basis of
  /// size inference. Object arrays: with 4-byte elements, and in min_wide_gap with 8-byte elements.
  std::uint64_t min_gap = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t min_wide_gap = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t gap_count = 0;
  std::array<std::uint64_t, 16> length_residue{};  ///< arrays by length mod 16: padding without a size per array

  /// Shallow bytes of all arrays, exact for object alignments up to 16. `size(length)` is that of one array.
  template <typename Size>
  [[nodiscard]] std::uint64_t array_bytes(Size&& size, std::uint64_t element) const {
    std::uint64_t sum = 0;
    std::uint64_t rest = 0;
    for (std::uint64_t residue = 0; residue < 16; ++residue) {
      sum += length_residue[residue] * size(residue);
      rest += length_residue[residue] * residue;
    }
    return sum + (length - rest) * element;
  }
};

struct ClassEntry {
  RawId id = 0;
  RawId name_id = 0;            ///< string id of LOAD_CLASS, 0 = none seen
  bool loaded = false;          ///< LOAD_CLASS seen
  bool dumped = false;          ///< CLASS_DUMP seen
  bool is_array_class = false;  ///< used as the class of an object array
  RawId super_id = 0;
  RawId loader_id = 0;
  std::uint32_t dumped_instance_size = 0;
  std::uint64_t dump_offset = 0;                         ///< of the CLASS_DUMP's tag byte
  formats::Bytes dump;                                   ///< its body
  std::vector<formats::hprof::FieldDeclaration> fields;  ///< own instance fields
  std::uint32_t max_payload = 0;  ///< largest instance payload seen; the layout of a class that was never dumped
  Census census;
};

/// Consecutive object records of ascending address, within one heap dump record.
struct Run {
  std::uint64_t first_address = 0;
  std::uint64_t last_address = 0;
  std::uint64_t offset = 0;  ///< of the first record's tag byte
  std::uint64_t end = 0;     ///< one past the last record
};

struct ThreadEntry {
  std::uint32_t serial = 0;
  RawId object_id = 0;
  std::uint32_t stack_serial = 0;
  RawId name_id = 0;  ///< of START_THREAD, 0 = none
};

struct Catalog {
  formats::hprof::Header header;
  formats::Bytes file;
  std::unordered_map<RawId, formats::Bytes> strings;
  std::vector<ClassEntry> classes;
  std::unordered_map<RawId, std::uint32_t> class_by_id;
  std::unordered_map<std::uint32_t, std::uint32_t> class_by_serial;
  std::array<Census, 12> primitive_arrays;  ///< by element type
  std::unordered_map<RawId, formats::hprof::StackFrame> frames;
  std::vector<formats::hprof::StackTrace> traces;
  std::vector<ThreadEntry> threads;
  std::vector<formats::hprof::RootRecord> roots;
  std::vector<Run> runs;
  queries::AddressMap addresses;
  std::uint64_t object_records = 0;
  std::uint64_t reference_slots = 0;  ///< upper bound of references in object arrays
  std::uint64_t instance_bytes = 0;
  std::uint64_t descents = 0;  ///< objects that lie below the one before them in the file
  bool is_art = false;
  bool has_heap_dump = false;
  bool compressed_references = false;  ///< an object array is shorter in memory than 8-byte references would be
  std::uint64_t address_gcd = 0;       ///< of all distances between objects
  std::uint32_t dump_count = 0;        ///< heap dumps in the file; one is read
  std::unordered_map<std::string, std::uint64_t> heap_counts;  ///< ART: objects per heap

  [[nodiscard]] const ClassEntry* find_class(RawId id) const {
    const auto found = class_by_id.find(id);
    return found == class_by_id.end() ? nullptr : &classes[found->second];
  }
  /// The text of a string record, converted from modified UTF-8; "" when the record is missing. Names end at 65,535
  /// bytes, as they do in class files.
  [[nodiscard]] std::string text(RawId string_id) const;
  [[nodiscard]] std::size_t text_bytes(RawId string_id) const;  ///< of that record, before conversion
};

/// Bytes of text that rows may repeat: hostile dumps name a million classes and frames by one long string.
class TextBudget {
 public:
  explicit TextBudget(const Catalog& catalog) : left_(4 * std::uint64_t{catalog.file.size()} + (1u << 20)) {}
  /// false: leave the text out.
  [[nodiscard]] bool take(std::uint64_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

 private:
  std::uint64_t left_;
};

struct ScanOptions {
  std::uint32_t dump_index = 0;  ///< which heap dump of a file that holds several
  bool addresses = true;         ///< fill Catalog::addresses (not needed for a histogram)
  bool system_loader = false;    ///< address 0 is an object (Eclipse MAT's system class loader)
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// O(bytes). Memory: strings and classes of the dump, 40 bytes per run, the address map.
[[nodiscard]] Catalog scan(formats::Bytes file, const formats::hprof::Header& header, formats::DamageLog& damage,
                           const ScanOptions& options);

/// Takes the gaps of all classes again, in address order. For dumps that are not written in address order (ZGC); the
/// scan itself measures gaps only between neighbours in the file. O(bytes + runs log runs).
void measure_gaps_by_address(Catalog& catalog);

/// Modified UTF-8 (JVM specification §4.4.7) to UTF-8. Bytes that are neither become U+FFFD.
[[nodiscard]] std::string from_modified_utf8(formats::Bytes bytes);

}  // namespace importers::hprof
