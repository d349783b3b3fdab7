#include "queries/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <type_traits>

#include "queries/inbound_pages.h"
#include "queries/packed_references.h"
#include "queries/page_writer.h"
#include "queries/profile_tables.h"
#include "queries/small_tables.h"
#include "queries/utf8.h"

namespace queries {
namespace {

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

[[noreturn]] void fail(const std::string& path, const char* action) {
  throw StoreError(path + ": " + action + ": " + std::generic_category().message(errno));
}

Connection open_connection(const std::string& path, int flags) {
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags | SQLITE_OPEN_READWRITE, nullptr);
  Connection owned(connection);
  if (code != SQLITE_OK) {
    const int error = connection == nullptr ? ENOMEM : sqlite3_system_errno(connection);
    throw StoreError(
        path + ": cannot create: " + (error != 0 ? std::generic_category().message(error) : sqlite3_errstr(code)));
  }
  // The file is nobody else's and is thrown away on any error: neither journal nor syncs nor locks.
  execute(connection, path, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE");
  return owned;
}

std::uint32_t root_page(sqlite3* connection, const std::string& path, const char* name) {
  sqlite3_stmt* statement = nullptr;
  std::uint32_t root = 0;
  if (sqlite3_prepare_v2(connection, "SELECT rootpage FROM sqlite_schema WHERE type IN ('table', 'index') AND name = ?",
                         -1, &statement, nullptr) == SQLITE_OK) {
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW) root = static_cast<std::uint32_t>(sqlite3_column_int(statement, 0));
  }
  sqlite3_finalize(statement);
  if (root < 2) throw StoreError(path + ": cannot read back the schema: " + sqlite3_errmsg(connection));
  return root;
}

/// Makes the empty database: SQLite lays out the schema, the pages of the big tables' roots are then ours to fill.
struct Roots {
  explicit Roots(const std::string& path) {
    const Connection connection = open_connection(path, SQLITE_OPEN_CREATE);
    execute(connection.get(), path,
            "PRAGMA page_size=" + std::to_string(store_page_size) + "; PRAGMA auto_vacuum=NONE");
    create_schema(connection.get(), path);
    const auto root = [&](const char* table) { return root_page(connection.get(), path, table); };
    object = root("object");
    reference = root("reference");
    reference_page = root("reference_page");
    inbound = root("inbound");
    string = root("string");
    value = root("value");
    event = root("event");
    profile = {root("site_path"), root("site_stat"), root("site_stat_by_site"), root("site_size")};
  }
  std::uint32_t object = 0, reference = 0, reference_page = 0, inbound = 0, string = 0, value = 0, event = 0;
  ProfileRoots profile;
};

[[noreturn]] void out_of_order(const char* table) {
  throw std::logic_error(std::string("store: rows of ") + table + " are not in key order");
}

/// Owns the temporary file until it has its final name.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {
    // What a killed process of the same id may have left.
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) fail(path_, "cannot replace");
  }
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

  void sync() const {
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) fail(path_, "cannot reopen");
    const bool synced = ::fsync(file) == 0;
    const int error = errno;
    ::close(file);
    errno = error;
    if (!synced) fail(path_, "cannot sync");
  }
  void rename_to(const std::string& final_path) {
    if (std::rename(path_.c_str(), final_path.c_str()) != 0) fail(final_path, "cannot rename to this name");
    path_.clear();
  }

 private:
  std::string path_;
};

const char* words(ReferenceRows rows) {
  switch (rows) {
    case ReferenceRows::rows: return "rows";
    case ReferenceRows::packed: return "packed";
    case ReferenceRows::none: return "none";
  }
  return "none";
}

}  // namespace

struct Store::Implementation {
  Implementation(const std::string& final, const StoreOptions& wanted)
      : final_path(final),
        options(wanted),
        temporary(Store::temporary_path(final)),
        roots(temporary.path()),
        file(temporary.path()),
        references(file, roots.reference, TreeWriter::Kind::index),
        reference_pages(file, roots.reference_page, TreeWriter::Kind::table),
        strings(file, roots.string, TreeWriter::Kind::table),
        values(file, roots.value, TreeWriter::Kind::index),
        events(file, roots.event, TreeWriter::Kind::table) {}

  void packed_reference(std::uint32_t source, const PackedReference& reference);
  void end_source();
  void end_chunk();
  void write_objects(const Snapshot& snapshot, const Results& results);
  [[nodiscard]] bool write_inbound(const Snapshot& snapshot);

  std::string final_path;
  StoreOptions options;
  TemporaryFile temporary;
  Roots roots;
  PageFile file;
  TreeWriter references;
  TreeWriter reference_pages;
  TreeWriter strings;
  TreeWriter values;
  TreeWriter events;
  Record record;
  std::string scratch;
  std::uint64_t last_reference = 0;  // (source, slot) + 1 of the last row
  std::int64_t last_string = -1;
  std::int64_t value_object = -1;
  std::uint32_t value_ordinal = 0;
  std::uint64_t last_event = 0;
  bool finished = false;

  // references=packed: the current source and the chunk it goes into.
  std::vector<PackedReference> source_references;
  std::uint32_t source = 0;
  std::uint32_t chunk_first = 0;
  std::uint32_t chunk_next = 0;  // the object that the chunk's next entry describes
  packed::Buffer chunk;
};

std::string Store::temporary_path(const std::string& path) { return path + ".tmp-" + std::to_string(::getpid()); }

Store::Store(const std::string& path, const StoreOptions& options)
    : implementation_(std::make_unique<Implementation>(path, options)) {}

Store::~Store() = default;

void Store::reference(ObjectId source, std::uint32_t slot, ObjectId target, NameId name, Strength strength) {
  Implementation& store = *implementation_;
  if (store.options.references == ReferenceRows::none) return;
  const std::uint64_t key = (std::uint64_t{index(source)} << 32 | slot) + 1;
  if (key <= store.last_reference) out_of_order("reference");
  store.last_reference = key;
  if (store.options.references == ReferenceRows::packed) {
    return store.packed_reference(index(source), {slot, target, name, strength});
  }
  Record& record = store.record;
  record.clear();
  record.integer(index(source));
  record.integer(slot);
  record.integer(index(target));
  if (name != no_name) record.integer(index(name));
  if (strength != Strength::strong) {  // else it ends here: strength is strong by default, name_id is NULL
    if (name == no_name) record.null();
    record.integer(static_cast<std::int64_t>(strength));
  }
  store.references.add(record);
}

void Store::Implementation::packed_reference(std::uint32_t from, const PackedReference& reference) {
  if (from != source) end_source();
  source = from;
  source_references.push_back(reference);
}

void Store::Implementation::end_source() {
  if (source_references.empty()) return;
  // A chunk describes consecutive objects; a gap or an object that fills one alone ends the chunk before it.
  if (chunk.size() != 0 &&
      (source - chunk_first >= packed_chunk_objects || source_references.size() * 4 >= packed_chunk_bytes)) {
    end_chunk();
  }
  if (chunk.size() == 0) chunk_first = chunk_next = source;
  for (; chunk_next < source; ++chunk_next) chunk.varint(0);
  encode_references(ObjectId{source}, source_references, chunk);
  ++chunk_next;
  source_references.clear();
  if (chunk.size() >= packed_chunk_bytes) end_chunk();
}

void Store::Implementation::end_chunk() {
  if (chunk.size() == 0) return;
  record.clear();
  record.null();
  record.blob(chunk.view());
  reference_pages.add(chunk_first, record);
  chunk.clear();
}

void Store::string(ObjectId object, std::string_view utf8, std::uint64_t hash) {
  Implementation& store = *implementation_;
  const std::int64_t id = index(object);
  if (id <= store.last_string) out_of_order("string");
  store.last_string = id;
  Record& record = store.record;
  record.clear();
  record.null();  // object_id is the rowid
  record.text(valid_utf8(utf8, store.scratch));
  record.integer(static_cast<std::int64_t>(hash));
  store.strings.add(id, record);
}

void Store::value(const PrimitiveValue& value) {
  Implementation& store = *implementation_;
  const std::int64_t id = index(value.object);
  if (id < store.value_object) out_of_order("value");
  store.value_ordinal = id == store.value_object ? store.value_ordinal + 1 : 0;
  store.value_object = id;
  Record& record = store.record;  // key columns first: object_id, ordinal, then name_id, type, value
  record.clear();
  record.integer(id);
  record.integer(store.value_ordinal);
  value.name == no_name ? record.null() : record.integer(index(value.name));
  record.text(std::string_view(&value.type, 1));
  value.type == 'F' || value.type == 'D' ? record.real(value.real) : record.integer(value.integer);
  store.values.add(record);
}

void Store::event(const AllocationEvent& event) {
  Implementation& store = *implementation_;
  if (event.id <= store.last_event) out_of_order("event");
  store.last_event = event.id;
  Record& record = store.record;
  const auto optional = [&](bool is_known, std::uint64_t value) {
    is_known ? record.integer(static_cast<std::int64_t>(value)) : record.null();
  };
  record.clear();
  record.null();  // id is the rowid
  optional(event.t_ms >= 0, static_cast<std::uint64_t>(event.t_ms));
  record.integer(static_cast<std::int64_t>(event.kind));
  optional(event.size >= 0, static_cast<std::uint64_t>(event.size));
  optional(event.site != no_site, index(event.site));
  optional(event.allocation != 0, event.allocation);
  optional(event.address != 0, event.address);
  optional(event.thread >= 0, static_cast<std::uint64_t>(event.thread));
  record.drop_trailing_nulls();
  store.events.add(static_cast<std::int64_t>(event.id), record);
}

void Store::Implementation::write_objects(const Snapshot& snapshot, const Results& results) {
  TreeWriter tree(file, roots.object, TreeWriter::Kind::table);
  auto class_object = snapshot.class_objects.begin();
  const auto optional = [this](std::int64_t value) { value < 0 ? record.null() : record.integer(value); };
  snapshot.addresses.for_each([&](ObjectId id, std::uint64_t address) {
    if (index(id) >= snapshot.object_count) return;
    const ObjectRow row = object_row(snapshot, results, id);
    while (class_object != snapshot.class_objects.end() && class_object->first < id) ++class_object;
    const bool is_class = class_object != snapshot.class_objects.end() && class_object->first == id;
    record.clear();
    record.null();  // id is the rowid
    record.integer(static_cast<std::int64_t>(address));
    record.integer(index(row.class_id));
    record.integer(static_cast<std::int64_t>(is_class ? ObjectKind::class_object
                                                      : static_cast<ObjectKind>(snapshot.class_row(id).kind)));
    record.integer(static_cast<std::int64_t>(row.shallow_size));
    optional(row.length);
    optional(row.reachability);
    optional(row.retained_size);
    optional(row.dominator);
    optional(row.root_distance);
    record.drop_trailing_nulls();  // site_id
    tree.add(index(id), record);
  });
  tree.finish();
}

bool Store::Implementation::write_inbound(const Snapshot& snapshot) {
  if (!options.inbound || options.references == ReferenceRows::none) return false;
  TreeWriter tree(file, roots.inbound, TreeWriter::Kind::table);
  const bool done = write_inbound_chunks(snapshot.references, snapshot.object_count,
                                         [&](ObjectId first_target, std::string_view data) {
                                           record.clear();
                                           record.null();
                                           record.blob(data);
                                           tree.add(index(first_target), record);
                                         });
  tree.finish();
  return done;
}

void Store::finish(const Snapshot& snapshot, Results results) {
  Implementation& store = *implementation_;
  if (store.finished) throw std::logic_error("store: finished twice");
  store.finished = true;
  store.end_source();
  store.end_chunk();
  store.references.finish();
  store.reference_pages.finish();
  store.strings.finish();
  store.values.finish();
  store.events.finish();
  store.write_objects(snapshot, results);
  // 17 bytes per object that the inbound pages can use. Not `= {}`: that keeps the memory.
  const auto release = [](auto& column) { std::remove_reference_t<decltype(column)>().swap(column); };
  release(results.dominator);
  release(results.retained_size);
  release(results.reachability);
  release(results.root_distance);
  const bool inbound = store.write_inbound(snapshot);
  if (snapshot.profile) write_profile_pages(store.file, store.roots.profile, *snapshot.profile);
  store.file.finish();

  const std::string& path = store.temporary.path();
  const std::pair<std::string, std::string> meta[] = {
      {"object_rows", "all"},
      {"references", words(store.options.references)},
      {"inbound", inbound ? "packed" : "none"},
  };
  {
    const Connection connection = open_connection(path, 0);
    execute(connection.get(), path, "BEGIN");
    write_small_tables(connection.get(), path, snapshot, results, meta);
    execute(connection.get(), path, "COMMIT");
  }
  store.temporary.sync();
  store.temporary.rename_to(store.final_path);
}

}  // namespace queries
