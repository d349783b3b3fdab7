#include "queries/graph_cache.h"

#include <algorithm>

#include "queries/packed_references.h"

namespace queries {
namespace {

constexpr std::uint64_t look_ups_before_load = 8;  // objects per look-up, see the header

ObjectId object_or_none(const Lookup& row, int column) {
  return row.is_null(column) ? no_object : ObjectId{static_cast<std::uint32_t>(row.integer(column))};
}

/// NULL, and whatever a store writes for "not reachable", become no_distance.
std::uint32_t distance_of(const Lookup& row, int column) {
  if (row.is_null(column)) return no_distance;
  const std::int64_t value = row.integer(column);
  return value < 0 || value >= no_distance ? no_distance : static_cast<std::uint32_t>(value);
}

Reachability reachability_of(const Lookup& row, int column) {
  const std::int64_t value = row.is_null(column) ? 5 : row.integer(column);
  return value >= 0 && value <= 6 ? static_cast<Reachability>(value) : Reachability::unreachable;
}

Strength strength_of(std::int64_t value) {
  return value >= 0 && value <= 6 ? static_cast<Strength>(value) : Strength::strong;
}

}  // namespace

void GraphCache::release() { lookups_.clear(); }

Lookup& GraphCache::lookup(const char* sql) {
  std::unique_ptr<Lookup>& entry = lookups_[sql];
  if (!entry) entry = std::make_unique<Lookup>(connection_, sql);
  return *entry;
}

void GraphCache::check_interrupt() {
  // sqlite3_is_interrupted() is newer than the SQLite we support: any statement notices an interrupt, and a few hundred
  // steps of its machine reach a progress handler (--timeout).
  Lookup& busy = lookup(
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100) "
      "SELECT count(*) FROM c");
  busy.with().step();
  busy.reset();
}

std::uint32_t GraphCache::object_count() {
  if (!object_count_) {
    Lookup& query = lookup("SELECT max(id) FROM object");
    query.with().step();
    const std::int64_t last = query.is_null(0) ? -1 : query.integer(0);
    query.reset();
    if (last < -1 || last >= std::int64_t{index(no_object)}) throw FunctionError("object ids out of range");
    object_count_ = static_cast<std::uint32_t>(last + 1);
  }
  return *object_count_;
}

Node GraphCache::node(ObjectId id) {
  Node node;
  const std::uint32_t at = index(id);
  if (at >= object_count()) return node;
  if (dominator_.empty() && ++row_lookups_ > object_count() / look_ups_before_load + 1000) load_objects();
  if (!dominator_.empty()) {
    node.exists = exists_.test(at);
    node.live = live_.test(at);
    node.class_id = index(class_of_[id]);
    node.shallow_size = shallow_[id];
    node.dominator = dominator_[at];
    node.distance = distance_[at];
    node.reachability = reachability_[at];
    return node;
  }
  Lookup& row = lookup(
      "SELECT class_id, shallow_size, retained_size IS NOT NULL, dominator_id, root_distance, reachability FROM object "
      "WHERE id = ?1");
  if (!row.with(at).step()) return node;
  node.exists = true;
  node.class_id = static_cast<std::uint32_t>(row.integer(0));
  node.shallow_size = static_cast<std::uint64_t>(row.integer(1));
  node.live = row.integer(2) != 0;
  node.dominator = object_or_none(row, 3);
  node.distance = distance_of(row, 4);
  node.reachability = reachability_of(row, 5);
  row.reset();
  return node;
}

void GraphCache::load_objects() {
  if (!dominator_.empty()) return;
  const std::uint32_t count = object_count();
  ClassColumn class_of;
  SizeColumn shallow;
  class_of.resize(count);
  shallow.reserve(count);
  Bitmap live(count);
  Bitmap exists(count);
  std::vector<ObjectId> dominator(count, no_object);
  std::vector<std::uint32_t> distance(count, no_distance);
  std::vector<Reachability> reachability(count, Reachability::unreachable);
  Lookup scan(
      connection_,
      "SELECT id, class_id, shallow_size, retained_size IS NOT NULL, dominator_id, root_distance, reachability FROM "
      "object ORDER BY id");
  while (scan.step()) {
    const std::int64_t at = scan.integer(0);
    if (at < 0 || at >= count) continue;
    const auto id = static_cast<std::size_t>(at);
    while (shallow.size() < id) shallow.push_back(0);  // ids that a digest leaves out
    exists.set(id);
    class_of.set(id, ClassId{static_cast<std::uint32_t>(scan.integer(1))});
    shallow.push_back(static_cast<std::uint64_t>(scan.integer(2)));
    if (scan.integer(3) != 0) live.set(id);
    dominator[id] = object_or_none(scan, 4);
    if (dominator[id] != no_object && index(dominator[id]) >= count) throw FunctionError("dominator_id out of range");
    distance[id] = distance_of(scan, 5);
    reachability[id] = reachability_of(scan, 6);
  }
  class_of_ = std::move(class_of);
  shallow_ = std::move(shallow);
  live_ = std::move(live);
  exists_ = std::move(exists);
  distance_ = std::move(distance);
  reachability_ = std::move(reachability);
  dominator_ = std::move(dominator);
}

std::int64_t GraphCache::address(ObjectId id) {
  Lookup& row = lookup("SELECT address FROM object WHERE id = ?1");
  if (!row.with(index(id)).step()) return 0;
  const std::int64_t result = row.integer(0);
  row.reset();
  return result;
}

ObjectId GraphCache::object_at(std::int64_t address) {
  const ObjectId below = object_at_or_below(address);
  return below != no_object && this->address(below) == address ? below : no_object;
}

ObjectId GraphCache::object_at_or_below(std::int64_t address) {
  // Ids are in the order of addresses as unsigned numbers; not every id has a row.
  const auto wanted = static_cast<std::uint64_t>(address);
  Lookup& row = lookup("SELECT id, address FROM object WHERE id >= ?1 ORDER BY id LIMIT 1");
  ObjectId below = no_object;
  std::uint32_t low = 0;
  std::uint32_t high = object_count();
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (!row.with(middle).step()) break;
    const auto id = static_cast<std::uint32_t>(row.integer(0));
    const auto found = static_cast<std::uint64_t>(row.integer(1));
    row.reset();
    if (found <= wanted) {
      below = ObjectId{id};
      low = id + 1;
    } else {
      high = middle;
    }
  }
  return below;
}

std::optional<std::int64_t> GraphCache::retained_size(ObjectId id) {
  Lookup& row = lookup("SELECT retained_size FROM object WHERE id = ?1");
  std::optional<std::int64_t> result;
  if (row.with(index(id)).step()) {
    if (!row.is_null(0)) result = row.integer(0);
    row.reset();
  }
  return result;
}

bool GraphCache::follows_weak() {
  if (!follows_weak_) {
    Lookup query(connection_, "SELECT 1 FROM meta WHERE key = 'weak' AND value = 'follow'");
    follows_weak_ = query.step();
  }
  return *follows_weak_;
}

const std::vector<ClassEntry>& GraphCache::classes() {
  if (classes_loaded_) return classes_;
  Lookup scan(connection_, "SELECT id, name, object_id, super_id FROM class ORDER BY id");
  std::vector<ClassEntry> classes;
  while (scan.step()) {
    const std::int64_t id = scan.integer(0);
    if (id < 0 || id > (std::int64_t{1} << 28)) throw FunctionError("class ids out of range");
    if (classes.size() <= static_cast<std::size_t>(id)) classes.resize(static_cast<std::size_t>(id) + 1);
    ClassEntry& entry = classes[static_cast<std::size_t>(id)];
    entry.name = scan.text(1);
    entry.object = object_or_none(scan, 2);
    if (!scan.is_null(3)) entry.super = static_cast<std::uint32_t>(scan.integer(3));
    if (entry.object != no_object) class_by_object_.emplace(index(entry.object), static_cast<std::uint32_t>(id));
  }
  classes_ = std::move(classes);
  classes_loaded_ = true;
  return classes_;
}

const std::string& GraphCache::class_name(std::uint32_t class_id) {
  static const std::string unknown = "?";
  return class_id < classes().size() ? classes_[class_id].name : unknown;
}

ObjectId GraphCache::class_object(std::uint32_t class_id) {
  return class_id < classes().size() ? classes_[class_id].object : no_object;
}

std::uint32_t GraphCache::class_of_class_object(ObjectId id) {
  (void)classes();
  const auto found = class_by_object_.find(index(id));
  return found == class_by_object_.end() ? index(no_class) : found->second;
}

std::string GraphCache::edge_name(const Edge& edge) {
  if (edge.name == class_edge_name) return "<class>";
  if (edge.name != no_name) {
    Lookup& row = lookup("SELECT value FROM name WHERE id = ?1");
    if (row.with(index(edge.name)).step()) {
      std::string text = row.text(0);
      row.reset();
      return text;
    }
  }
  return "[" + std::to_string(edge.slot) + "]";
}

std::string GraphCache::root_kind(ObjectId id) {
  // Locals of a thread with an object are references of that object: such rows do not make it a root.
  Lookup& row = lookup(
      "SELECT r.kind FROM root r LEFT JOIN thread t ON t.id = r.thread_id WHERE r.object_id = ?1 "
      "ORDER BY r.kind IN (2, 3, 4, 6) AND t.object_id IS NOT NULL, r.kind LIMIT 1");
  if (!row.with(index(id)).step()) return "unknown";
  const std::int64_t kind = row.integer(0);
  row.reset();
  return std::string(to_text(static_cast<RootKind>(kind >= 0 && kind < 256 ? kind : 0)));
}

GraphCache::Storage GraphCache::storage() {
  if (storage_ != Storage::unknown) return storage_;
  if (Lookup rows(connection_, "SELECT 1 FROM reference LIMIT 1"); rows.step()) return storage_ = Storage::rows;
  if (Lookup pages(connection_, "SELECT 1 FROM reference_page LIMIT 1"); pages.step())
    return storage_ = Storage::packed;
  return storage_ = Storage::none;
}

void GraphCache::require_references() {
  if (storage() != Storage::none || object_count() == 0) return;
  // (A heap without a single reference looks the same; nothing can be asked of it here either.)
  throw FunctionError("this database stores no references: import the dump again with --references=rows or packed");
}

void GraphCache::references(ObjectId source, std::vector<Edge>& out) {
  out.clear();
  require_references();
  const std::uint32_t count = object_count();
  if (storage() == Storage::packed) {
    Lookup& chunk = lookup(
        "SELECT first_source, data FROM reference_page WHERE first_source <= ?1 ORDER BY first_source DESC LIMIT 1");
    if (!chunk.with(index(source)).step()) return;
    const ObjectId first{static_cast<std::uint32_t>(chunk.integer(0))};
    const bool sound = decode_references(
        first, chunk.blob(1), source, ObjectId{index(source) + 1}, [&](ObjectId, const PackedReference& reference) {
          if (index(reference.target) >= count) return;
          out.push_back({reference.slot, reference.target, reference.name, reference.strength});
        });
    chunk.reset();
    if (!sound) throw FunctionError("reference_page is damaged", SQLITE_CORRUPT);
    return;
  }
  Lookup& row = lookup("SELECT slot, target_id, name_id, strength FROM reference WHERE source_id = ?1 ORDER BY slot");
  row.with(index(source));
  while (row.step()) {
    const std::int64_t target = row.integer(1);
    if (target < 0 || target >= count) continue;
    out.push_back({row.integer(0), ObjectId{static_cast<std::uint32_t>(target)},
                   row.is_null(2) ? no_name : NameId{static_cast<std::uint32_t>(row.integer(2))},
                   strength_of(row.integer(3))});
  }
}

void GraphCache::successors(ObjectId source, std::vector<Edge>& out) {
  if (first_.empty()) {
    if (reference_lookups_ > object_count() / look_ups_before_load + 1000) load_references();
  }
  if (!first_.empty()) {
    out.clear();
    for (std::uint32_t edge = first_[index(source)]; edge < first_[index(source) + 1]; ++edge) {
      const bool weaker = strength_.has(ObjectId{edge});
      out.push_back({std::int64_t{edge} - first_[index(source)], target_[edge], no_name,
                     weaker ? strength_[ObjectId{edge}] : Strength::strong});
    }
  } else {
    references(source, out);
    reference_lookups_ += 1 + out.size() / 16;  // a further row of the same object is about 16 times cheaper
  }
  const ObjectId class_target = class_object(node(source).class_id);
  if (class_target != no_object) out.push_back({class_edge_slot, class_target, class_edge_name, Strength::strong});
}

void GraphCache::load_references() {
  if (!first_.empty()) return;
  require_references();
  const std::uint32_t count = object_count();
  std::vector<std::uint32_t> first(std::size_t{count} + 1, 0);
  std::vector<ObjectId> target;
  SparseColumn<Strength> strength;
  std::uint32_t source = 0;
  const auto append = [&](std::uint32_t from, std::uint32_t to, Strength kind) {
    if (from >= count || to >= count || from < source) return;
    if (target.size() >= 0xFFFF'FFFEu) throw FunctionError("more than 2^32 references: too many to hold in memory");
    while (source < from) first[++source] = static_cast<std::uint32_t>(target.size());
    if (kind != Strength::strong) strength.append(ObjectId{static_cast<std::uint32_t>(target.size())}, kind);
    target.push_back(ObjectId{to});
  };
  if (storage() == Storage::packed) {
    Lookup scan(connection_, "SELECT first_source, data FROM reference_page ORDER BY first_source");
    while (scan.step()) {
      const bool sound =
          decode_references(ObjectId{static_cast<std::uint32_t>(scan.integer(0))}, scan.blob(1), ObjectId{0}, no_object,
                            [&](ObjectId from, const PackedReference& reference) {
                              append(index(from), index(reference.target), reference.strength);
                            });
      if (!sound) throw FunctionError("reference_page is damaged", SQLITE_CORRUPT);
    }
  } else {
    Lookup scan(connection_, "SELECT source_id, target_id, strength FROM reference ORDER BY source_id, slot");
    while (scan.step()) {
      const auto clamped = [&scan](int column) {
        const std::int64_t id = scan.integer(column);
        return id < 0 || id > index(no_object) ? index(no_object) : static_cast<std::uint32_t>(id);
      };
      append(clamped(0), clamped(1), strength_of(scan.integer(2)));
    }
  }
  while (source < count) first[++source] = static_cast<std::uint32_t>(target.size());
  strength.freeze(target.size());
  target.shrink_to_fit();
  target_ = std::move(target);
  strength_ = std::move(strength);
  first_ = std::move(first);
}

void GraphCache::build_inbound() {
  if (!inbound_first_.empty()) return;
  load_references();
  const std::uint32_t count = object_count();
  std::vector<std::uint32_t> first(std::size_t{count} + 2, 0);
  for (const ObjectId target : target_) ++first[std::size_t{index(target)} + 2];
  for (std::size_t i = 2; i < first.size(); ++i) first[i] += first[i - 1];
  std::vector<ObjectId> source(target_.size());
  for (std::uint32_t from = 0; from < count; ++from) {
    poll();
    for (std::uint32_t edge = first_[from]; edge < first_[from + 1]; ++edge) {
      source[first[std::size_t{index(target_[edge])} + 1]++] = ObjectId{from};
    }
  }
  first.pop_back();
  inbound_source_ = std::move(source);
  inbound_first_ = std::move(first);
}

void GraphCache::referrers(ObjectId target, std::vector<ObjectId>& out) {
  out.clear();
  if (!has_inbound_) {
    Lookup any(connection_, "SELECT 1 FROM inbound LIMIT 1");
    has_inbound_ = any.step();
  }
  if (*has_inbound_) {
    Lookup& chunk =
        lookup("SELECT first_target, data FROM inbound WHERE first_target <= ?1 ORDER BY first_target DESC LIMIT 1");
    if (!chunk.with(index(target)).step()) return;
    const std::uint32_t count = object_count();
    const bool sound = decode_inbound(ObjectId{static_cast<std::uint32_t>(chunk.integer(0))}, chunk.blob(1), target,
                                      ObjectId{index(target) + 1}, [&](ObjectId, ObjectId source) {
                                        if (index(source) < count) out.push_back(source);
                                      });
    chunk.reset();
    if (!sound) throw FunctionError("the inbound pages are damaged", SQLITE_CORRUPT);
    return;
  }
  build_inbound();
  for (std::uint32_t i = inbound_first_[index(target)]; i < inbound_first_[index(target) + 1]; ++i) {
    if (out.empty() || out.back() != inbound_source_[i]) out.push_back(inbound_source_[i]);
  }
}

std::optional<Edge> GraphCache::edge(ObjectId source, ObjectId target) {
  std::optional<Edge> best;
  const auto consider = [&best](const Edge& candidate) {
    const auto rank = [](const Edge& edge) { return edge.strength == Strength::internal ? 0 : int(edge.strength); };
    if (!best || rank(candidate) < rank(*best)) best = candidate;
  };
  if (storage() == Storage::rows) {  // compares in SQLite: an array may have millions of slots
    Lookup& row =
        lookup("SELECT slot, name_id, strength FROM reference WHERE source_id = ?1 AND target_id = ?2 ORDER BY slot");
    row.with(index(source), index(target));
    while (row.step()) {
      consider({row.integer(0), target, row.is_null(1) ? no_name : NameId{static_cast<std::uint32_t>(row.integer(1))},
                strength_of(row.integer(2))});
      if (best->strength == Strength::strong) break;
    }
    row.reset();
  } else {
    references(source, edges_);
    for (const Edge& candidate : edges_) {
      if (candidate.target == target) consider(candidate);
    }
  }
  if ((!best || best->strength != Strength::strong) && class_object(node(source).class_id) == target) {
    consider({class_edge_slot, target, class_edge_name, Strength::strong});
  }
  return best;
}

void GraphCache::instances(std::uint32_t class_id, std::vector<ObjectId>& out) {
  out.clear();
  if (!dominator_.empty()) {
    for (std::uint32_t id = 0; id < object_count(); ++id) {
      if (exists_.test(id) && index(class_of_[ObjectId{id}]) == class_id) out.push_back(ObjectId{id});
    }
    return;
  }
  Lookup& row = lookup("SELECT id FROM object WHERE class_id = ?1 ORDER BY id");
  row.with(class_id);
  while (row.step()) out.push_back(ObjectId{static_cast<std::uint32_t>(row.integer(0))});
}

const GraphCache::Children& GraphCache::dominator_children() {
  if (!children_.first.empty()) return children_;
  load_objects();
  const std::uint32_t count = object_count();
  std::vector<std::uint32_t> first(std::size_t{count} + 2, 0);
  for (const ObjectId parent : dominator_) {
    if (parent != no_object) ++first[std::size_t{index(parent)} + 2];
  }
  for (std::size_t i = 2; i < first.size(); ++i) first[i] += first[i - 1];
  children_.child.resize(first.back());
  for (std::uint32_t id = 0; id < count; ++id) {
    const ObjectId parent = dominator_[id];
    if (parent != no_object) children_.child[first[std::size_t{index(parent)} + 1]++] = ObjectId{id};
  }
  first.pop_back();
  children_.first = std::move(first);
  return children_;
}

}  // namespace queries
