#include "queries/database_details.h"

#include <algorithm>

#include "queries/database.h"
#include "queries/packed_references.h"

namespace queries {
namespace {

struct NamedReference {
  FieldValue value;
  std::int64_t name_id = -1;  ///< -1 = array element
  bool used = false;
};

class DatabaseDetails final : public ObjectDetails {
 public:
  explicit DatabaseDetails(sqlite3* connection) : connection_(connection) {}

  [[nodiscard]] std::vector<FieldValue> fields(ObjectId id, std::size_t limit) const override;
  [[nodiscard]] std::optional<std::string> text(ObjectId id, std::size_t limit) const override;
  [[nodiscard]] std::string reference_name(ObjectId source, ObjectId target) const override;

 private:
  [[nodiscard]] Statement query(std::string_view sql) const { return {connection_, sql}; }
  [[nodiscard]] std::vector<NamedReference> references(ObjectId id, std::size_t limit) const;
  [[nodiscard]] std::vector<NamedReference> packed_references(ObjectId id, std::size_t limit) const;
  [[nodiscard]] std::vector<NamedReference> values(ObjectId id, std::size_t limit) const;
  [[nodiscard]] std::string name(std::int64_t id) const;

  sqlite3* connection_;
};

std::string element_name(std::int64_t slot) { return "[" + std::to_string(slot) + "]"; }

ObjectId object_at(const Statement& row, int column) {
  const std::int64_t id = row.is_null(column) ? -1 : row.integer(column);
  return id < 0 || id >= std::int64_t{index(no_object)} ? no_object : ObjectId{static_cast<std::uint32_t>(id)};
}

std::string DatabaseDetails::name(std::int64_t id) const {
  Statement row = query("SELECT value FROM name WHERE id = :id");
  row.bind("id", id);
  return row.step() ? row.text(0) : std::string();
}

std::vector<NamedReference> DatabaseDetails::references(ObjectId id, std::size_t limit) const {
  std::vector<NamedReference> result;
  Statement row = query(
      "SELECT r.slot, r.target_id, r.name_id, n.value FROM reference AS r LEFT JOIN name AS n ON n.id = r.name_id "
      "WHERE r.source_id = :id ORDER BY r.slot LIMIT :limit");
  row.bind("id", std::int64_t{index(id)}).bind("limit", static_cast<std::int64_t>(limit));
  while (row.step()) {
    NamedReference reference;
    reference.value.slot = static_cast<std::uint32_t>(row.integer(0));
    reference.value.target = object_at(row, 1);
    if (!row.is_null(2)) reference.name_id = row.integer(2);
    reference.value.name = row.is_null(3) ? element_name(row.integer(0)) : row.text(3);
    result.push_back(std::move(reference));
  }
  return result.empty() ? packed_references(id, limit) : result;
}

std::vector<NamedReference> DatabaseDetails::packed_references(ObjectId id, std::size_t limit) const {
  std::vector<NamedReference> result;
  Statement row = query(
      "SELECT first_source, data FROM reference_page WHERE first_source <= :id ORDER BY first_source DESC LIMIT 1");
  row.bind("id", std::int64_t{index(id)});
  if (!row.step()) return result;
  const std::string data = row.text(1);
  const bool sound = decode_references(object_at(row, 0), data, id, ObjectId{index(id) + 1},
                                       [&](ObjectId, const PackedReference& packed) {
                                         if (result.size() >= limit) return;
                                         NamedReference reference;
                                         reference.value.slot = packed.slot;
                                         reference.value.target = packed.target;
                                         if (packed.name != no_name) reference.name_id = index(packed.name);
                                         result.push_back(std::move(reference));
                                       });
  if (!sound) throw QueryError("reference_page is damaged at object " + std::to_string(index(id)));
  for (NamedReference& reference : result) {
    reference.value.name = reference.name_id < 0 ? element_name(reference.value.slot) : name(reference.name_id);
  }
  return result;
}

std::vector<NamedReference> DatabaseDetails::values(ObjectId id, std::size_t limit) const {
  std::vector<NamedReference> result;
  Statement row = query(
      "SELECT v.type, v.value, v.name_id, n.value FROM value AS v LEFT JOIN name AS n ON n.id = v.name_id "
      "WHERE v.object_id = :id ORDER BY v.ordinal LIMIT :limit");
  row.bind("id", std::int64_t{index(id)}).bind("limit", static_cast<std::int64_t>(limit));
  while (row.step()) {
    NamedReference value;
    const std::string type = row.text(0);
    value.value.type = type.empty() ? 'I' : type[0];
    value.value.integer = row.integer(1);
    value.value.real = row.real(1);
    if (!row.is_null(2)) value.name_id = row.integer(2);
    value.value.name = row.text(3);
    result.push_back(std::move(value));
  }
  return result;
}

/// The declared order, own class first, where the object is an instance: null fields have no row, so only the class
/// tells of them. References that no field declares (a thread's locals) come last.
std::vector<FieldValue> DatabaseDetails::fields(ObjectId id, std::size_t limit) const {
  std::vector<NamedReference> references = this->references(id, limit);
  std::vector<NamedReference> values = this->values(id, limit);
  std::vector<FieldValue> result;
  const auto take = [&](std::vector<NamedReference>& from, std::int64_t name_id) {
    const auto found = std::find_if(from.begin(), from.end(), [&](const NamedReference& candidate) {
      return !candidate.used && candidate.name_id == name_id;
    });
    if (found == from.end()) return false;
    found->used = true;
    result.push_back(found->value);
    return true;
  };

  Statement object = query("SELECT class_id, kind FROM object WHERE id = :id");
  object.bind("id", std::int64_t{index(id)});
  if (object.step() && object.integer(1) == static_cast<int>(ObjectKind::instance)) {
    constexpr int deepest = 256;  // a longer chain of super classes is a cycle in a damaged dump
    std::int64_t class_id = object.integer(0);
    for (int depth = 0; depth < deepest && class_id >= 0; ++depth) {
      Statement field =
          query("SELECT name_id, name, type FROM field WHERE class_id = :id AND NOT is_static ORDER BY ordinal");
      field.bind("id", class_id);
      while (field.step() && result.size() < limit) {
        const std::string type = field.text(2);
        const std::int64_t name_id = field.is_null(0) ? -1 : field.integer(0);
        if (type != "L") {
          (void)take(values, name_id);
        } else if (!take(references, name_id)) {
          FieldValue null;
          null.name = field.text(1);
          result.push_back(std::move(null));
        }
      }
      Statement super = query("SELECT super_id FROM class WHERE id = :id");
      super.bind("id", class_id);
      class_id = super.step() && !super.is_null(0) ? super.integer(0) : -1;
    }
  }
  for (const std::vector<NamedReference>* rest : {&references, &values}) {
    for (const NamedReference& entry : *rest) {
      if (!entry.used && result.size() < limit) result.push_back(entry.value);
    }
  }
  return result;
}

std::optional<std::string> DatabaseDetails::text(ObjectId id, std::size_t limit) const {
  Statement row = query("SELECT value FROM string WHERE object_id = :id");
  row.bind("id", std::int64_t{index(id)});
  if (!row.step() || row.is_null(0)) return std::nullopt;
  std::string text = row.text(0);
  if (text.size() > limit) {
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;  // not within a character
    text.resize(limit);
  }
  return text;
}

std::string DatabaseDetails::reference_name(ObjectId source, ObjectId target) const {
  constexpr std::size_t no_limit = 0xFFFF'FFFF;
  Statement row = query(
      "SELECT r.slot, n.value FROM reference AS r LEFT JOIN name AS n ON n.id = r.name_id "
      "WHERE r.source_id = :source AND r.target_id = :target ORDER BY r.slot LIMIT 1");
  row.bind("source", std::int64_t{index(source)}).bind("target", std::int64_t{index(target)});
  if (row.step()) return row.is_null(1) ? element_name(row.integer(0)) : row.text(1);
  for (const NamedReference& reference : packed_references(source, no_limit)) {
    if (reference.value.target == target) return reference.value.name;
  }
  Statement of_class = query(
      "SELECT 1 FROM object AS o JOIN class AS c ON c.id = o.class_id WHERE o.id = :source AND c.object_id = :target");
  of_class.bind("source", std::int64_t{index(source)}).bind("target", std::int64_t{index(target)});
  return of_class.step() ? "<class>" : "";
}

}  // namespace

std::unique_ptr<ObjectDetails> make_details(sqlite3* connection) {
  return std::make_unique<DatabaseDetails>(connection);
}

}  // namespace queries
