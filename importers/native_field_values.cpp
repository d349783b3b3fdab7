#include "importers/native_field_values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstring>

#include "formats/bytes.h"

namespace importers::native {
namespace {

using formats::DebugType;
using formats::Encoding;
using formats::load_le;
using formats::TypeKind;

constexpr std::uint64_t most_bytes = 256;  // of an array or a union: larger ones are not compared

ValueKind kind_of(const DebugType& type) {
  switch (type.kind) {
    case TypeKind::scalar:
    case TypeKind::enumeration:
      if (type.size > 8) return ValueKind::bytes;
      switch (type.encoding) {
        case Encoding::unsigned_integer: return ValueKind::unsigned_integer;
        case Encoding::signed_integer: return ValueKind::signed_integer;
        case Encoding::floating: return ValueKind::floating;
        case Encoding::boolean: return ValueKind::boolean;
      }
      return ValueKind::bytes;
    case TypeKind::pointer:
    case TypeKind::reference: return ValueKind::pointer;
    default: return ValueKind::bytes;
  }
}

std::uint64_t word(const std::byte* at) { return load_le<std::uint64_t>(at); }

/// FNV-1a: values are told apart, nothing more.
std::uint64_t hash(const std::byte* bytes, std::uint64_t size) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (std::uint64_t i = 0; i < size; ++i) {
    value = (value ^ std::to_integer<std::uint64_t>(bytes[i])) * 0x100000001b3;
  }
  return value == 0 ? 1 : value;
}

std::uint32_t bits_of(std::uint64_t value) { return static_cast<std::uint32_t>(64 - std::countl_zero(value)); }

}  // namespace

ContainerKind container_kind(std::string_view name) {
  struct Row {
    std::string_view prefix;
    ContainerKind kind;
  };
  static constexpr Row rows[] = {
      {"std::__cxx11::basic_string<", ContainerKind::string},
      {"std::string", ContainerKind::string},
      {"std::vector<bool", ContainerKind::none},
      {"std::vector<", ContainerKind::vector},
      {"std::__1::vector<bool", ContainerKind::none},
      {"std::__1::vector<", ContainerKind::vector},
      {"std::deque<", ContainerKind::deque},
      {"std::list<", ContainerKind::list},
      {"std::__cxx11::list<", ContainerKind::list},
      {"std::map<", ContainerKind::tree},
      {"std::set<", ContainerKind::tree},
      {"std::multimap<", ContainerKind::tree},
      {"std::multiset<", ContainerKind::tree},
      {"std::unordered_map<", ContainerKind::table},
      {"std::unordered_set<", ContainerKind::table},
      {"std::unordered_multimap<", ContainerKind::table},
      {"std::unordered_multiset<", ContainerKind::table},
      {"std::shared_ptr<", ContainerKind::pointer},
      {"std::weak_ptr<", ContainerKind::pointer},
      {"std::unique_ptr<", ContainerKind::pointer},
      {"std::function<", ContainerKind::function},
  };
  const auto found = std::find_if(std::begin(rows), std::end(rows),
                                  [&](const Row& row) { return name.substr(0, row.prefix.size()) == row.prefix; });
  return found == std::end(rows) ? ContainerKind::none : found->kind;
}

std::string_view to_text(ContainerKind kind) {
  static constexpr std::array<std::string_view, 9> names = {"",
                                                            "std::string",
                                                            "std::vector",
                                                            "std::deque",
                                                            "std::list",
                                                            "std::map/set",
                                                            "std::unordered_map/set",
                                                            "smart pointer",
                                                            "std::function"};
  return names[static_cast<std::size_t>(kind)];
}

FieldValues::FieldValues(formats::TypeCatalog& catalog, const Field& field) : field_(field) {
  const DebugType& type = catalog.type(field.type);
  kind_ = kind_of(type);
  is_character_ = type.is_character;
  container_ = type.kind == TypeKind::structure ? container_kind(type.name) : ContainerKind::none;
  if (container_ != ContainerKind::none) {
    // What is read of them, by their kind: libstdc++'s layouts (native_type_plans.h).
    static constexpr std::array<std::uint64_t, 9> least = {0, 32, 24, 80, 24, 48, 56, 8, 32};
    if (field.size < least[static_cast<std::size_t>(container_)]) container_ = ContainerKind::none;
    // A deleter with a state of its own lies before the pointer.
    if (type.name.rfind("std::unique_ptr<", 0) == 0 && field.size != 8) container_ = ContainerKind::none;
  }
  if (container_ != ContainerKind::none) kind_ = ValueKind::container;
  decide_readable();
}

FieldValues::FieldValues(const Field& field) : field_(field), kind_(ValueKind::unsigned_integer) {
  if (field.size > 8) kind_ = ValueKind::bytes;
  decide_readable();
}

void FieldValues::decide_readable() {
  const bool is_number = kind_ != ValueKind::bytes && kind_ != ValueKind::container;
  if (field_.bit_size != 0) {
    is_readable_ = is_number && field_.bit_size + field_.bit_offset % 8 <= 64;
  } else if (is_number) {
    is_readable_ = field_.size == 1 || field_.size == 2 || field_.size == 4 || field_.size == 8;
  } else if (kind_ == ValueKind::bytes) {
    is_readable_ = field_.size <= most_bytes;
  }
}

std::uint64_t FieldValues::load(const std::byte* object) const {
  if (field_.bit_size != 0) {
    std::array<std::byte, 8> bytes{};
    const std::uint64_t first = field_.bit_offset / 8;
    std::memcpy(bytes.data(), object + first, (field_.bit_offset % 8 + field_.bit_size + 7) / 8);
    std::uint64_t value = word(bytes.data()) >> (field_.bit_offset % 8);
    const std::uint32_t unused = 64 - field_.bit_size;
    value <<= unused;
    return kind_ == ValueKind::signed_integer ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value) >> unused)
                                              : value >> unused;
  }
  const std::byte* at = object + field_.offset;
  const bool is_signed = kind_ == ValueKind::signed_integer;
  switch (kind_) {
    case ValueKind::bytes:
      return std::all_of(at, at + field_.size, [](std::byte one) { return one == std::byte{0}; })
                 ? 0
                 : hash(at, field_.size);
    case ValueKind::container: {
      switch (container_) {
        case ContainerKind::string: return word(at + 8);
        case ContainerKind::vector: return word(at + 8) - word(at);
        case ContainerKind::deque: return word(at + 48) - word(at + 16);
        case ContainerKind::list: return word(at + 16);
        case ContainerKind::tree: return word(at + 40);
        case ContainerKind::table: return word(at + 24);
        case ContainerKind::pointer: return word(at);
        case ContainerKind::function: return word(at + 16);
        case ContainerKind::none: return 1;
      }
      return 1;
    }
    default: break;
  }
  const auto widen = [&]<typename T>(T value) {
    return is_signed ? static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::make_signed_t<T>>(value)))
                     : static_cast<std::uint64_t>(value);
  };
  switch (field_.size) {
    case 1: return widen(load_le<std::uint8_t>(at));
    case 2: return widen(load_le<std::uint16_t>(at));
    case 4: return widen(load_le<std::uint32_t>(at));
    default: return word(at);
  }
}

void FieldValues::add_container(const std::byte* object, std::uint64_t address) {
  const std::byte* at = object + field_.offset;
  if (container_ == ContainerKind::vector && word(at + 16) >= word(at + 8))
    slack_bytes_ += word(at + 16) - word(at + 8);
  if (container_ == ContainerKind::string && word(at) != address + field_.offset + 16 &&
      word(at + 16) >= word(at + 8)) {
    slack_bytes_ += word(at + 16) - word(at + 8);
  }
}

void FieldValues::add(const std::byte* object, std::uint64_t address) {
  if (!is_readable_) return;
  const std::uint64_t value = load(object);
  const auto less = [&](std::uint64_t a, std::uint64_t b) {
    return kind_ == ValueKind::signed_integer ? static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b) : a < b;
  };
  if (count_ == 0 || less(value, smallest_)) smallest_ = value;
  if (count_ == 0 || less(largest_, value)) largest_ = value;
  ++count_;
  zero_count_ += value == 0 ? 1 : 0;
  if (kind_ == ValueKind::container) return add_container(object, address);
  if (votes_ == 0) candidate_ = value;
  votes_ += candidate_ == value ? 1 : ~std::uint64_t{0};
}

void FieldValues::count_common(const std::byte* object) {
  if (!is_readable_ || votes_ == 0 || kind_ == ValueKind::container) return;
  common_count_ += load(object) == candidate_ ? 1 : 0;
}

std::string FieldValues::text(std::uint64_t value) const {
  char room[48];
  switch (kind_) {
    case ValueKind::unsigned_integer:
    case ValueKind::signed_integer: {
      std::string number = kind_ == ValueKind::unsigned_integer ? std::to_string(value)
                                                                : std::to_string(static_cast<std::int64_t>(value));
      if (is_character_ && value > ' ' && value < 0x7F) number += std::string(" '") + static_cast<char>(value) + '\'';
      return number;
    }
    case ValueKind::boolean: return value == 0 ? "false" : "true";
    case ValueKind::pointer:
      if (value == 0) return "null";
      std::snprintf(room, sizeof room, "0x%llx", static_cast<unsigned long long>(value));
      return room;
    case ValueKind::floating: {
      const double number = field_.size == 4 ? double{std::bit_cast<float>(static_cast<std::uint32_t>(value))}
                                             : std::bit_cast<double>(value);
      if (field_.size != 4 && field_.size != 8) return {};
      std::snprintf(room, sizeof room, "%g", number);
      return room;
    }
    case ValueKind::bytes:
    case ValueKind::container: break;
  }
  return value == 0 ? "all zeroes" : "";
}

std::string_view FieldValues::kind() const {
  static constexpr std::array<std::string_view, 7> names = {"unsigned", "signed", "float",    "boolean",
                                                            "pointer",  "bytes",  "container"};
  return names[static_cast<std::size_t>(kind_)];
}

void FieldValues::fill(queries::TypeFieldRow& row) const {
  if (!is_readable_ || count_ == 0) return;
  row.value_count = count_;
  row.zero_count = zero_count_;
  if (common_count_ * 2 > count_) {
    row.common_count = common_count_;
    row.common_value = text(candidate_);
  }
  if (kind_ != ValueKind::unsigned_integer && kind_ != ValueKind::signed_integer) return;
  row.has_range = true;
  row.smallest = smallest_;
  row.largest = largest_;
  const bool is_negative = kind_ == ValueKind::signed_integer && static_cast<std::int64_t>(smallest_) < 0;
  row.needed_bits = is_negative
                        ? 1 + std::max(bits_of(~smallest_),
                                       static_cast<std::int64_t>(largest_) < 0 ? bits_of(~largest_) : bits_of(largest_))
                        : std::max<std::uint32_t>(bits_of(largest_), 1);
}

void FieldValues::fill(queries::ContainerUseRow& row) const {
  row.count = count_;
  row.empty_count = zero_count_;
  row.inline_bytes = count_ * field_.size;
  row.slack_bytes = slack_bytes_;
}

}  // namespace importers::native
