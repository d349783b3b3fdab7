// What the values of one member are over many objects: how many are zero, which one most have, what range they are in,
// and how full containers are.
//
// The most frequent value by Boyer and Moore's majority vote (1981), counted exactly in a second walk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/debug_types.h"
#include "importers/native_fields.h"
#include "queries/layout_rows.h"

namespace importers::native {

enum class ValueKind : std::uint8_t { unsigned_integer, signed_integer, floating, boolean, pointer, bytes, container };

/// Containers of the standard library that can be looked into.
enum class ContainerKind : std::uint8_t { none, string, vector, deque, list, tree, table, pointer, function };
[[nodiscard]] ContainerKind container_kind(std::string_view type_name);
[[nodiscard]] std::string_view to_text(ContainerKind kind);  ///< "std::string", "std::map/set", "smart pointer" …

class FieldValues {
 public:
  FieldValues(formats::TypeCatalog& catalog, const Field& field);
  /// Of a place whose type is not known: a number without a sign.
  explicit FieldValues(const Field& field);

  /// First walk: `object`: the bytes of an object at `address`, at least up to the end of the field.
  void add(const std::byte* object, std::uint64_t address);
  /// Second walk, over the same objects.
  void count_common(const std::byte* object);
  void fill(queries::TypeFieldRow& row) const;
  [[nodiscard]] std::string_view kind() const;  ///< TypeFieldRow::kind
  [[nodiscard]] ContainerKind container() const { return container_; }
  void fill(queries::ContainerUseRow& row) const;

 private:
  void decide_readable();
  [[nodiscard]] std::uint64_t load(const std::byte* object) const;
  [[nodiscard]] std::string text(std::uint64_t value) const;
  void add_container(const std::byte* object, std::uint64_t address);

  Field field_;
  ValueKind kind_ = ValueKind::bytes;
  ContainerKind container_ = ContainerKind::none;
  bool is_character_ = false;
  bool is_readable_ = true;  ///< not longer than what is looked at
  std::uint64_t count_ = 0;
  std::uint64_t zero_count_ = 0;
  std::uint64_t smallest_ = 0;
  std::uint64_t largest_ = 0;
  std::uint64_t candidate_ = 0;
  std::uint64_t votes_ = 0;
  std::uint64_t common_count_ = 0;
  std::uint64_t slack_bytes_ = 0;
};

}  // namespace importers::native
