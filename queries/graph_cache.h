// The graph of an open database as the SQL functions walk it: single rows while a question stays small, compact columns
// and CSR (loaded once per connection, kept until it closes) when it grows. Never recursive.
//
// A row look-up costs 2–3 µs warm, loading a column 0.2–0.3 µs per object: after n/8 look-ups the columns are loaded
// (the ski-rental rule: never worse than twice the better choice). Loaded: 12.3 bytes per object; references 4 bytes
// per object + 4 per reference, the strengths of weaker ones 5 bytes each.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "queries/columns.h"
#include "queries/ids.h"
#include "queries/sqlite_api.h"

namespace queries {

inline constexpr NameId class_edge_name{0xFFFF'FFFEu};  ///< "<class>": the edge that no row stores
inline constexpr std::int64_t class_edge_slot = -1;     ///< `slot` of that edge in functions
inline constexpr std::uint32_t no_distance = 0xFFFF'FFFFu;

/// What the traversals need to know of one object.
struct Node {
  bool exists = false;
  bool live = false;  ///< has a retained size
  Reachability reachability = Reachability::unreachable;
  std::uint32_t class_id = index(no_class);
  std::uint64_t shallow_size = 0;
  ObjectId dominator = no_object;        ///< no_object = under the virtual root, or not live
  std::uint32_t distance = no_distance;  ///< 0 = held by a root directly
};

struct Edge {
  std::int64_t slot = class_edge_slot;
  ObjectId target = no_object;
  NameId name = no_name;  ///< no_name = array element
  Strength strength = Strength::strong;
};

struct ClassEntry {
  std::string name;
  ObjectId object = no_object;
  std::uint32_t super = index(no_class);
};

class GraphCache {
 public:
  explicit GraphCache(sqlite3* connection) : connection_(connection) {}
  /// Finalizes every statement: before the connection closes. The cache can be used again afterwards.
  void release();
  [[nodiscard]] sqlite3* connection() const { return connection_; }

  [[nodiscard]] std::uint32_t object_count();  ///< greatest id + 1
  [[nodiscard]] Node node(ObjectId id);
  [[nodiscard]] std::int64_t address(ObjectId id);
  /// By binary search over the ids, which are in address order; no_object when nothing is exactly there.
  [[nodiscard]] ObjectId object_at(std::int64_t address);
  /// The last object whose address is not above `address`; no_object when there is none.
  [[nodiscard]] ObjectId object_at_or_below(std::int64_t address);
  [[nodiscard]] std::optional<std::int64_t> retained_size(ObjectId id);
  [[nodiscard]] bool follows_weak();  ///< dominators were made with --weak=follow
  /// true for the strengths that count for liveness in this database.
  [[nodiscard]] bool holds(Strength strength) {
    return follows_weak() || strength == Strength::strong || strength == Strength::soft ||
           strength == Strength::internal || strength == Strength::uncertain;
  }

  [[nodiscard]] const std::vector<ClassEntry>& classes();
  [[nodiscard]] const std::string& class_name(std::uint32_t class_id);
  [[nodiscard]] ObjectId class_object(std::uint32_t class_id);
  /// The class that a class object stands for, or 0xFFFFFFFF.
  [[nodiscard]] std::uint32_t class_of_class_object(ObjectId id);
  [[nodiscard]] std::string edge_name(const Edge& edge);
  [[nodiscard]] std::string root_kind(ObjectId id);  ///< "java_frame", …; "unknown" when no row says

  /// Explicit references of an object in slot order. Throws when the database stores none.
  void references(ObjectId source, std::vector<Edge>& out);
  /// The same and the class edge, last.
  void successors(ObjectId source, std::vector<Edge>& out);
  /// Objects with at least one explicit reference to `target`, ascending, each once.
  void referrers(ObjectId target, std::vector<ObjectId>& out);
  /// The strongest edge from source to target (ties: lowest slot), the class edge included.
  [[nodiscard]] std::optional<Edge> edge(ObjectId source, ObjectId target);
  /// Objects of exactly this class, ascending. A scan of `object` unless the columns are loaded.
  void instances(std::uint32_t class_id, std::vector<ObjectId>& out);
  /// Children in the dominator tree as one CSR (8 bytes per object), built at the first call.
  struct Children {
    std::vector<std::uint32_t> first;  ///< object_count + 1
    std::vector<ObjectId> child;       ///< ascending within a parent
  };
  [[nodiscard]] const Children& dominator_children();

  void load_objects();
  void load_references();
  [[nodiscard]] bool references_loaded() const { return !first_.empty(); }
  /// Throws when the statement was interrupted or timed out. Call it now and then: a test every 65 536 calls.
  void poll() {
    if ((++polls_ & 0xFFFF) == 0) check_interrupt();
  }

  /// A cached statement; the SQL is its key.
  Lookup& lookup(const char* sql);

 private:
  enum class Storage : std::uint8_t { unknown, rows, packed, none };
  [[nodiscard]] Storage storage();
  void check_interrupt();
  void build_inbound();
  void require_references();

  sqlite3* connection_;
  std::unordered_map<const char*, std::unique_ptr<Lookup>> lookups_;  // by the literal's address
  std::uint64_t polls_ = 0;
  std::uint64_t row_lookups_ = 0;
  std::uint64_t reference_lookups_ = 0;
  std::optional<std::uint32_t> object_count_;
  std::optional<bool> follows_weak_;
  std::optional<bool> has_inbound_;
  Storage storage_ = Storage::unknown;
  bool classes_loaded_ = false;
  std::vector<ClassEntry> classes_;
  std::vector<Edge> edges_;  // of edge()
  std::unordered_map<std::uint32_t, std::uint32_t> class_by_object_;

  // load_objects()
  ClassColumn class_of_;
  SizeColumn shallow_;
  Bitmap live_;
  Bitmap exists_;
  std::vector<ObjectId> dominator_;
  std::vector<std::uint32_t> distance_;
  std::vector<Reachability> reachability_;
  Children children_;
  // load_references()
  std::vector<std::uint32_t> first_;
  std::vector<ObjectId> target_;
  SparseColumn<Strength> strength_;
  // build_inbound(): only where the database has no inbound pages
  std::vector<std::uint32_t> inbound_first_;
  std::vector<ObjectId> inbound_source_;
};

}  // namespace queries
