#include "formats/pprof.h"

#include <array>
#include <limits>

#include "formats/varint.h"

namespace formats::pprof {
namespace {

enum WireType : unsigned { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// One field of a message: a number, or bytes that hold text, a message or packed numbers.
struct Field {
  std::uint64_t number = 0;
  unsigned wire_type = 0;
  std::uint64_t value = 0;
  Bytes body;
};

/// The next field; false at the end of the message, and where it stops making sense (then !reader.ok()).
bool next_field(VarintReader& reader, Field& field) {
  if (reader.at_end()) return false;
  const std::uint64_t key = reader.varint();
  field.number = key >> 3;
  field.wire_type = static_cast<unsigned>(key & 7);
  if (!reader.ok()) return false;
  switch (field.wire_type) {
    case varint: field.value = reader.varint(); break;
    case fixed64: reader.take(8); break;
    case fixed32: reader.take(4); break;
    case bytes: field.body = reader.take(reader.varint()); break;
    default: field.number = 0;
  }
  if (field.number == 0) reader.take(std::numeric_limits<std::uint64_t>::max());  // no such field: fails for good
  return reader.ok();
}

/// Calls `set(field)` for every field of a message; false = damaged.
template <typename Set>
bool each_field(Bytes message, Set&& set) {
  VarintReader reader(message);
  for (Field field; next_field(reader, field);) {
    if (!set(field)) return false;
  }
  return reader.ok();
}

/// Repeated numbers, packed or one by one.
template <typename Number>
bool append_numbers(const Field& field, std::vector<Number>& numbers) {
  if (field.wire_type == varint) {
    numbers.push_back(static_cast<Number>(field.value));
    return true;
  }
  if (field.wire_type != bytes) return false;
  VarintReader reader(field.body);
  while (!reader.at_end()) {
    const std::uint64_t value = reader.varint();
    if (!reader.ok()) return false;
    numbers.push_back(static_cast<Number>(value));
  }
  return true;
}

bool parse_value_type(Bytes message, ValueType& type) {
  return each_field(message, [&](const Field& field) {
    if (field.number == 1) type.type = field.value;
    if (field.number == 2) type.unit = field.value;
    return field.number > 2 || field.wire_type == varint;
  });
}

bool parse_mapping(Bytes message, Mapping& mapping) {
  return each_field(message, [&](const Field& field) {
    if (field.number > 6) return true;
    std::uint64_t* const fields[] = {&mapping.id,     &mapping.start,    &mapping.limit,
                                     &mapping.offset, &mapping.filename, &mapping.build_id};
    *fields[field.number - 1] = field.value;
    return field.wire_type == varint;
  });
}

bool parse_function(Bytes message, Function& function) {
  return each_field(message, [&](const Field& field) {
    if (field.number > 4) return true;
    std::uint64_t* const fields[] = {&function.id, &function.name, &function.system_name, &function.filename};
    *fields[field.number - 1] = field.value;
    return field.wire_type == varint;
  });
}

bool parse_line(Bytes message, Line& line) {
  return each_field(message, [&](const Field& field) {
    if (field.number == 1) line.function_id = field.value;
    if (field.number == 2) line.line = static_cast<std::int64_t>(field.value);
    return field.number > 2 || field.wire_type == varint;
  });
}

bool parse_location(Bytes message, Location& location, std::vector<Line>& lines) {
  location.first_line = lines.size();
  const bool is_whole = each_field(message, [&](const Field& field) {
    if (field.number == 4) {
      lines.emplace_back();
      return field.wire_type == bytes && parse_line(field.body, lines.back());
    }
    if (field.number == 1) location.id = field.value;
    if (field.number == 2) location.mapping_id = field.value;
    if (field.number == 3) location.address = field.value;
    return field.number > 4 || field.wire_type == varint;
  });
  if (!is_whole) lines.resize(location.first_line);
  location.line_count = lines.size() - location.first_line;
  return is_whole;
}

bool parse_label(Bytes message, Label& label) {
  return each_field(message, [&](const Field& field) {
    if (field.number == 1) label.key = field.value;
    if (field.number == 2) label.text = field.value;
    if (field.number == 3) label.number = static_cast<std::int64_t>(field.value);
    if (field.number == 4) label.unit = field.value;
    return field.number > 4 || field.wire_type == varint;
  });
}

/// The wire types of Profile's fields by number; -1: none of ours, or either.
constexpr std::array<int, 16> wire_types{-1,     bytes,  bytes,  bytes, bytes,  bytes, bytes,  varint,
                                         varint, varint, varint, bytes, varint, -1,    varint, varint};

int expected_wire_type(std::uint64_t number) {
  return number < wire_types.size() ? wire_types[static_cast<std::size_t>(number)] : -1;
}

/// Puts one field of the profile where it belongs; false = its content is damaged.
bool take_field(const Field& field, Profile& profile) {
  const auto into = [&](auto& list, auto&& parse) {
    list.emplace_back();
    if (parse(field.body, list.back())) return true;
    list.pop_back();
    return false;
  };
  if (field.number == 13) return append_numbers(field, profile.comments);
  const int expected = expected_wire_type(field.number);
  if (expected != -1 && expected != static_cast<int>(field.wire_type)) return false;
  switch (field.number) {
    case 1: return into(profile.sample_types, parse_value_type);
    case 2: profile.samples.push_back(field.body); return true;
    case 3: return into(profile.mappings, parse_mapping);
    case 4:
      return into(profile.locations,
                  [&](Bytes body, Location& location) { return parse_location(body, location, profile.lines); });
    case 5: return into(profile.functions, parse_function);
    case 6: profile.texts.push_back(as_text(field.body)); return true;
    case 9: profile.time_nanos = static_cast<std::int64_t>(field.value); return true;
    case 10: profile.duration_nanos = static_cast<std::int64_t>(field.value); return true;
    case 11: return parse_value_type(field.body, profile.period_type);
    case 12: profile.period = static_cast<std::int64_t>(field.value); return true;
    case 14: profile.default_sample_type = field.value; return true;
    default: return true;  // of a later version, or of no use here
  }
}

}  // namespace

bool looks_like(Bytes head) {
  VarintReader reader(head);
  for (Field field; next_field(reader, field);) {
    const int expected = expected_wire_type(field.number);
    if (field.number != 13 && expected != static_cast<int>(field.wire_type)) return false;
    ValueType type;
    if (field.number == 11 && !parse_value_type(field.body, type)) return false;
    if (field.number != 1) continue;
    bool has_type = false;
    const bool is_value_type = each_field(field.body, [&](const Field& part) {
      has_type = has_type || part.number == 1;
      return part.number <= 2 && part.wire_type == varint;
    });
    return is_value_type && has_type;
  }
  return false;
}

bool parse_sample(Bytes body, Sample& sample) {
  sample.location_ids.clear();
  sample.values.clear();
  sample.labels.clear();
  return each_field(body, [&](const Field& field) {
    if (field.number == 1) return append_numbers(field, sample.location_ids);
    if (field.number == 2) return append_numbers(field, sample.values);
    if (field.number != 3) return true;
    sample.labels.emplace_back();
    return field.wire_type == bytes && parse_label(field.body, sample.labels.back());
  });
}

Profile read(Bytes file, DamageLog& damage) {
  Profile profile;
  VarintReader reader(file);
  std::size_t start = 0;
  for (Field field; next_field(reader, field); start = reader.position()) {
    if (!take_field(field, profile)) damage.add(start, reader.position() - start, "field that makes no sense");
  }
  if (!reader.ok()) damage.add(start, file.size() - start, "the profile breaks off");
  return profile;
}

}  // namespace formats::pprof
