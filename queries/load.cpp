#include "queries/load.h"

#include <algorithm>

#include "queries/packed_references.h"
#include "queries/store.h"

namespace queries {
namespace {

constexpr std::int64_t most_ids = 0xFFFF'FFFE;

class Loader {
 public:
  Loader(const Database& database, Snapshot& snapshot) : database_(database), snapshot_(snapshot) {}

  void load() {
    meta();
    classes();
    objects();
    if (references_are_packed_) {
      packed_references();
    } else {
      references();
    }
    roots();
    regions();
    contents();
  }

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    throw StoreError(database_.path() + ": damaged database: " + what + "; import the dump again");
  }
  [[nodiscard]] Statement query(std::string_view sql) const { return database_.prepare(sql); }

  /// An id column below `limit`; NULL is none.
  template <typename Id>
  [[nodiscard]] Id id(const Statement& row, int column, std::size_t limit, const char* what) const {
    if (row.is_null(column)) return Id{0xFFFF'FFFFu};
    const std::int64_t value = row.integer(column);
    if (value < 0 || value >= static_cast<std::int64_t>(limit)) damaged(std::string(what) + " out of range");
    return Id{static_cast<std::uint32_t>(value)};
  }
  [[nodiscard]] static std::int64_t or_minus_one(const Statement& row, int column) {
    return row.is_null(column) ? -1 : row.integer(column);
  }

  void meta();
  void classes();
  void objects();
  void references();
  void packed_references();
  void roots();
  void regions();
  void contents();
  void add_reference(std::uint32_t source, ObjectId target, Strength strength);
  void end_references();

  const Database& database_;
  Snapshot& snapshot_;
  std::uint32_t next_source_ = 0;
  bool references_are_packed_ = false;
};

void Loader::meta() {
  Statement row = query(
      "SELECT path, format, runtime, pointer_size, taken_at, damaged_bytes, damage_count "
      "FROM snapshot WHERE id = 1");
  if (!row.step()) damaged("no row in snapshot");
  snapshot_.path = row.text(0);
  snapshot_.format = row.text(1);
  snapshot_.runtime = row.text(2);
  snapshot_.pointer_size = static_cast<std::uint32_t>(row.integer(3));
  snapshot_.taken_at_ms = or_minus_one(row, 4);
  snapshot_.damaged_bytes = static_cast<std::uint64_t>(row.integer(5));
  snapshot_.damage_count = static_cast<std::uint64_t>(row.integer(6));
  Statement damage = query("SELECT offset, bytes, what FROM damage WHERE snapshot_id = 1 ORDER BY rowid");
  while (damage.step()) {
    snapshot_.damage.push_back(
        {static_cast<std::uint64_t>(damage.integer(0)), static_cast<std::uint64_t>(damage.integer(1)), damage.text(2)});
  }
  Statement pair = query("SELECT key, value FROM meta ORDER BY key");
  while (pair.step()) {
    const std::string key = pair.text(0);
    if (key == "roots.reconstructed") {
      snapshot_.roots_reconstructed = pair.integer(1) != 0;
    } else if (key == "references.dangling") {
      snapshot_.dangling_references = static_cast<std::uint64_t>(pair.integer(1));
    } else if (key == "references") {
      references_are_packed_ = pair.text(1) == "packed";
    } else if (key != "object_rows" && key != "inbound") {  // the store's own
      snapshot_.meta.emplace_back(key, pair.text(1));
    }
  }
}

void Loader::classes() {
  Statement name = query("SELECT id, value FROM name ORDER BY id");
  while (name.step()) {
    if (name.integer(0) != static_cast<std::int64_t>(snapshot_.names.size())) damaged("name ids are not dense");
    const std::string text = name.text(1);
    // Two names of the dump can have become one text in the database: both ids stay.
    if (index(snapshot_.name_id(text)) != name.integer(0)) snapshot_.names.push_back(text);
  }
  Statement row = query(
      "SELECT id, name, super_id, loader_id, kind, instance_size, source, object_id, referent_strength, has_finalizer "
      "FROM class ORDER BY id");
  while (row.step()) {
    if (row.integer(0) != static_cast<std::int64_t>(snapshot_.classes.size())) damaged("class ids are not dense");
    ClassRow entry;
    entry.name = row.text(1);
    entry.super = id<ClassId>(row, 2, most_ids, "class.super_id");
    entry.loader = id<ObjectId>(row, 3, most_ids, "class.loader_id");
    const std::int64_t kind = row.integer(4);
    if (kind < 0 || kind > static_cast<int>(ClassKind::block) || kind == 3) damaged("class.kind out of range");
    entry.kind = static_cast<ClassKind>(kind);
    entry.instance_size = static_cast<std::uint64_t>(row.integer(5));
    entry.source = row.text(6);
    entry.object = id<ObjectId>(row, 7, most_ids, "class.object_id");
    const std::int64_t referent = row.integer(8);
    if (referent < 0 || referent > 5) damaged("class.referent_strength out of range");
    entry.referent = static_cast<Strength>(referent);
    entry.has_finalizer = row.integer(9) != 0;
    if (entry.object != no_object) {
      snapshot_.class_objects.emplace_back(entry.object, ClassId{static_cast<std::uint32_t>(snapshot_.classes.size())});
    }
    snapshot_.classes.push_back(std::move(entry));
  }
  std::sort(snapshot_.class_objects.begin(), snapshot_.class_objects.end());
  for (const ClassRow& entry : snapshot_.classes) {
    if (entry.super != no_class && index(entry.super) >= snapshot_.classes.size())
      damaged("class.super_id out of range");
  }
  Statement field = query("SELECT class_id, ordinal, name_id, type, offset, size, is_static FROM field");
  while (field.step()) {
    FieldRow entry;
    entry.class_id = id<ClassId>(field, 0, snapshot_.classes.size(), "field.class_id");
    entry.ordinal = static_cast<std::uint32_t>(field.integer(1));
    entry.name = id<NameId>(field, 2, snapshot_.names.size(), "field.name_id");
    const std::string type = field.text(3);
    entry.type = type.empty() ? 'L' : type[0];
    entry.offset = or_minus_one(field, 4);
    entry.size = static_cast<std::uint32_t>(field.integer(5));
    entry.is_static = field.integer(6) != 0;
    snapshot_.fields.push_back(entry);
  }
}

void Loader::objects() {
  Statement row = query("SELECT id, address, class_id, shallow_size, length, root_distance FROM object ORDER BY id");
  std::uint64_t last_address = 0;
  while (row.step()) {
    const std::int64_t at = row.integer(0);
    const auto address = static_cast<std::uint64_t>(row.integer(1));
    if (at != snapshot_.object_count || at >= most_ids) damaged("object ids are not dense");
    if (at != 0 && address <= last_address) damaged("object ids are not in address order");
    last_address = address;
    const ObjectId object{snapshot_.object_count++};
    snapshot_.addresses.add(address);
    snapshot_.class_of.push_back(id<ClassId>(row, 2, snapshot_.classes.size(), "object.class_id"));
    snapshot_.shallow.push_back(static_cast<std::uint64_t>(row.integer(3)));
    if (!row.is_null(4)) snapshot_.length.append(object, static_cast<std::uint32_t>(row.integer(4)));
    // What a root holds directly is at distance 0. Rows of `root` are more: locals hang below their thread's object.
    if (!row.is_null(5) && row.integer(5) == 0) snapshot_.direct_roots.push_back(object);
  }
  snapshot_.addresses.freeze();
  snapshot_.length.freeze(snapshot_.object_count);
  for (const ClassRow& entry : snapshot_.classes) {
    if ((entry.object != no_object && index(entry.object) >= snapshot_.object_count) ||
        (entry.loader != no_object && index(entry.loader) >= snapshot_.object_count)) {
      damaged("class " + entry.name + " names an object that does not exist");
    }
  }
}

void Loader::add_reference(std::uint32_t source, ObjectId target, Strength strength) {
  ReferenceColumns& columns = snapshot_.references;
  if (source >= snapshot_.object_count || index(target) >= snapshot_.object_count) damaged("reference out of range");
  if (columns.target.size() >= most_ids) throw StoreError(database_.path() + ": more than 2^32 references");
  for (; next_source_ <= source; ++next_source_) {
    columns.first.push_back(static_cast<std::uint32_t>(columns.target.size()));
  }
  if (strength != Strength::strong) {
    columns.strength.append(ObjectId{static_cast<std::uint32_t>(columns.target.size())}, strength);
  }
  columns.target.push_back(target);
}

void Loader::end_references() {
  ReferenceColumns& columns = snapshot_.references;
  for (; next_source_ <= snapshot_.object_count; ++next_source_) {
    columns.first.push_back(static_cast<std::uint32_t>(columns.target.size()));
  }
  columns.strength.freeze(columns.target.size());
}

void Loader::references() {
  Statement row = query("SELECT source_id, target_id, strength FROM reference ORDER BY source_id, slot");
  while (row.step()) {
    const std::int64_t strength = row.integer(2);
    if (strength < 0 || strength > 6) damaged("reference.strength out of range");
    add_reference(index(id<ObjectId>(row, 0, snapshot_.object_count, "reference.source_id")),
                  id<ObjectId>(row, 1, snapshot_.object_count, "reference.target_id"), static_cast<Strength>(strength));
  }
  end_references();
}

void Loader::packed_references() {
  Statement row = query("SELECT first_source, data FROM reference_page ORDER BY first_source");
  while (row.step()) {
    const std::string data = row.text(1);
    const auto first = id<ObjectId>(row, 0, snapshot_.object_count, "reference_page.first_source");
    // next_source_ - 1 is the last object that has a reference so far.
    const bool sound =
        decode_references(first, data, first, no_object, [&](ObjectId source, const PackedReference& packed) {
          if (std::uint64_t{index(source)} + 1 < next_source_) damaged("reference_page overlaps");
          add_reference(index(source), packed.target, packed.strength);
        });
    if (!sound) damaged("reference_page cannot be decoded");
  }
  end_references();
}

Doubt doubt_of(std::string_view text) {
  for (auto at = static_cast<std::uint8_t>(Doubt::interior); at <= static_cast<std::uint8_t>(Doubt::leftover_register);
       ++at) {
    if (to_text(Doubt{at}) == text) return Doubt{at};
  }
  return Doubt::none;
}

void Loader::roots() {
  Statement thread = query("SELECT name, object_id, stack_id, state, os_id FROM thread ORDER BY id");
  while (thread.step()) {
    ThreadRow entry;
    entry.name = thread.text(0);
    entry.object = id<ObjectId>(thread, 1, snapshot_.object_count, "thread.object_id");
    entry.stack = or_minus_one(thread, 2);
    entry.state = thread.text(3);
    entry.os_id = or_minus_one(thread, 4);
    snapshot_.threads.push_back(std::move(entry));
  }
  Statement frame = query("SELECT stack_id, depth, function, file, line, module FROM frame ORDER BY id");
  while (frame.step()) {
    FrameRow entry;
    entry.stack = or_minus_one(frame, 0);
    entry.depth = static_cast<std::uint32_t>(frame.integer(1));
    entry.function = frame.text(2);
    entry.file = frame.text(3);
    entry.line = static_cast<std::int32_t>(frame.integer(4));
    entry.module = frame.text(5);
    snapshot_.frames.push_back(std::move(entry));
  }
  Statement root = query("SELECT * FROM root ORDER BY rowid");
  while (root.step()) {
    RootRow entry;
    entry.object = id<ObjectId>(root, 0, snapshot_.object_count, "root.object_id");
    const std::int64_t kind = root.integer(1);
    entry.kind =
        kind >= 0 && kind <= static_cast<int>(RootKind::allocator) ? static_cast<RootKind>(kind) : RootKind::unknown;
    entry.thread = or_minus_one(root, 2);
    entry.frame = or_minus_one(root, 3);
    if (entry.thread >= static_cast<std::int64_t>(snapshot_.threads.size()) ||
        entry.frame >= static_cast<std::int64_t>(snapshot_.frames.size())) {
      damaged("root out of range");
    }
    entry.name = id<NameId>(root, 4, snapshot_.names.size(), "root.name_id");
    if (root.column_count() > 5)
      entry.doubt = doubt_of(root.text(5));  // databases of the first versions have no doubts
    snapshot_.roots.push_back(entry);
  }
  // A doubtful root may be reached from elsewhere: then its distance does not show that it is one.
  for (const RootRow& entry : snapshot_.roots) {
    if (entry.doubt != Doubt::none) snapshot_.direct_roots.push_back(entry.object);
  }
  std::sort(snapshot_.direct_roots.begin(), snapshot_.direct_roots.end());
  snapshot_.direct_roots.erase(std::unique(snapshot_.direct_roots.begin(), snapshot_.direct_roots.end()),
                               snapshot_.direct_roots.end());
  snapshot_.find_uncertain_roots();
}

void Loader::regions() {
  // All columns: the last four are missing in databases of the first versions.
  Statement row = query("SELECT * FROM region ORDER BY id");
  const auto bytes = [&](int column) {
    return column < row.column_count() ? static_cast<std::uint64_t>(row.integer(column)) : 0;
  };
  while (row.step()) {
    if (row.integer(0) != static_cast<std::int64_t>(snapshot_.regions.size())) damaged("region ids are not dense");
    RegionRow entry;
    entry.start = bytes(1);
    entry.end = bytes(2);
    entry.kind = row.text(3);
    entry.name = row.text(4);
    entry.live_bytes = bytes(5);
    entry.free_bytes = bytes(6);
    entry.largest_free_bytes = bytes(7);
    entry.arena = static_cast<std::int32_t>(bytes(8));
    entry.cached_bytes = bytes(9);
    entry.overhead_bytes = bytes(10);
    entry.live_count = bytes(11);
    if (entry.end < entry.start) damaged("a region ends before it starts");
    snapshot_.regions.push_back(std::move(entry));
  }
  Statement block = query("SELECT address, size, region_id, bin FROM free_block ORDER BY rowid");
  while (block.step()) {
    const std::int64_t region = block.integer(2);
    if (region < 0 || region >= static_cast<std::int64_t>(snapshot_.regions.size())) {
      damaged("free_block.region_id out of range");
    }
    snapshot_.free_blocks.push_back({static_cast<std::uint64_t>(block.integer(0)),
                                     static_cast<std::uint64_t>(block.integer(1)), static_cast<std::uint32_t>(region),
                                     static_cast<std::int32_t>(or_minus_one(block, 3))});
  }
}

void Loader::contents() {
  Statement row = query("SELECT object_id, hash FROM string ORDER BY object_id");
  std::vector<EqualContent::Entry> entries;
  while (row.step()) {
    EqualContent::Entry content;
    content.object = id<ObjectId>(row, 0, snapshot_.object_count, "string.object_id");
    content.is_string = true;
    content.hash = static_cast<std::uint64_t>(row.integer(1));
    entries.push_back(content);
  }
  snapshot_.content = EqualContent::of(std::move(entries));
}

}  // namespace

std::unique_ptr<Snapshot> load_snapshot(const Database& database) {
  if (!database.has_objects()) throw StoreError(database.path() + ": holds only a digest, not every object");
  if (database.meta("references") == "none") {
    throw StoreError(database.path() +
                     ": stores no references: import the dump again with --references=rows or packed");
  }
  auto snapshot = std::make_unique<Snapshot>();
  Loader(database, *snapshot).load();
  return snapshot;
}

}  // namespace queries
