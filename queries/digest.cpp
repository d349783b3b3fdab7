// The digest: what the reports of `analyze` and `check` need when no database file was asked for. The same tables, in
// memory, with rows of `object` only for what the small tables mention.
#include <sqlite3.h>

#include <algorithm>

#include "queries/database.h"
#include "queries/profile_tables.h"
#include "queries/small_tables.h"
#include "queries/store.h"

namespace queries {
namespace {

constexpr std::size_t most_roots = 10'000;         // root objects with a row: enough for every report's list
constexpr std::size_t most_top_dominators = 1000;  // largest objects directly under the virtual root

/// The largest objects at the top of the dominator tree, for the reports that list them. O(objects).
void add_top_dominators(const Snapshot& snapshot, const Results& results, std::vector<ObjectId>& mentioned) {
  if (results.retained_size.empty() || results.dominator.empty()) return;
  std::vector<ObjectId> top;
  const auto larger = [&](ObjectId a, ObjectId b) {
    const std::uint64_t size_a = results.retained_size[index(a)];
    const std::uint64_t size_b = results.retained_size[index(b)];
    return size_a != size_b ? size_a > size_b : a < b;
  };
  for (std::uint32_t i = 0; i < snapshot.object_count; ++i) {
    if (results.retained_size[i] == 0 || results.dominator[i] != no_object) continue;
    top.push_back(ObjectId{i});
    if (top.size() == 2 * most_top_dominators) {  // keep the better half now and then
      std::nth_element(top.begin(), top.begin() + most_top_dominators, top.end(), larger);
      top.resize(most_top_dominators);
    }
  }
  mentioned.insert(mentioned.end(), top.begin(), top.end());
}

std::vector<ObjectId> mentioned_objects(const Snapshot& snapshot, const Results& results) {
  std::vector<ObjectId> mentioned;
  for (const SuspectRow& row : results.suspects) {
    mentioned.push_back(row.object);
    mentioned.push_back(row.accumulation);
    if (row.class_id != no_class) {
      mentioned.push_back(snapshot.classes[index(row.class_id)].object);
      mentioned.push_back(snapshot.classes[index(row.class_id)].loader);
    }
  }
  for (const SuspectPathRow& row : results.suspect_paths) mentioned.push_back(row.object);
  for (const SuspectEvidenceRow& row : results.suspect_evidence) mentioned.push_back(row.object);
  for (const PinRow& row : results.pins) mentioned.push_back(row.object);
  for (const PinPathRow& row : results.pin_paths) mentioned.push_back(row.object);
  for (const SharedLineRow& row : snapshot.shared_lines) mentioned.push_back(row.object);
  for (const WalkRow& row : results.walks) mentioned.push_back(row.first);
  for (const ThreadRow& row : snapshot.threads) mentioned.push_back(row.object);
  for (const ComponentRow& row : results.components) mentioned.push_back(row.example);
  for (const DuplicateRow& row : results.duplicates) mentioned.push_back(row.example);
  for (const LeakRow& row : results.leaks) {
    mentioned.push_back(row.example);
    mentioned.push_back(row.holder);
  }
  for (std::size_t i = 0; i < std::min(snapshot.roots.size(), most_roots); ++i) {
    mentioned.push_back(snapshot.roots[i].object);
  }
  for (const ClassRow& row : snapshot.classes) mentioned.push_back(row.loader);
  add_top_dominators(snapshot, results, mentioned);
  // The chain of dominators above each of them, so that a report can climb.
  if (!results.dominator.empty()) {
    constexpr std::size_t longest_chain = 1000;
    const std::size_t direct = std::min<std::size_t>(mentioned.size(), 4 * results.suspects.size());
    for (std::size_t i = 0; i < direct; ++i) {
      ObjectId at = mentioned[i];
      for (std::size_t step = 0; at != no_object && step < longest_chain; ++step) {
        mentioned.push_back(at);
        at = results.dominator[index(at)];
      }
    }
  }
  std::sort(mentioned.begin(), mentioned.end());
  mentioned.erase(std::unique(mentioned.begin(), mentioned.end()), mentioned.end());
  std::erase_if(mentioned, [&](ObjectId id) { return index(id) >= snapshot.object_count; });
  return mentioned;
}

}  // namespace

std::unique_ptr<Database> write_digest(const Snapshot& snapshot, const Results& results) {
  sqlite3* connection = nullptr;
  const std::string path = "digest";
  if (sqlite3_open(":memory:", &connection) != SQLITE_OK) {
    sqlite3_close(connection);
    throw StoreError("digest: cannot open an in-memory database");
  }
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> owned(connection, sqlite3_close);
  create_schema(connection, path);
  execute(connection, path, "BEGIN");
  const std::pair<std::string, std::string> meta[] = {
      {"object_rows", "mentioned"}, {"references", "none"}, {"inbound", "none"}};
  write_small_tables(connection, path, snapshot, results, meta);
  if (snapshot.profile) write_profile_rows(connection, path, *snapshot.profile);
  Inserter object(connection, path, "INSERT INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)");
  const auto known = [](std::int64_t value) { return known_if(value >= 0, value); };
  for (const ObjectId id : mentioned_objects(snapshot, results)) {
    const ObjectRow row = object_row(snapshot, results, id);
    object.insert(id, snapshot.addresses.address_of(id), row.class_id, static_cast<int>(snapshot.kind_of(id)),
                  row.shallow_size, known(row.length), known(row.reachability), known(row.retained_size),
                  known(row.dominator), known(row.root_distance));
  }
  execute(connection, path, "COMMIT");
  return Database::adopt(owned.release());
}

}  // namespace queries
