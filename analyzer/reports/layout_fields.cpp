// Members of types in the layout report: pictures, values, use by code.
#include <algorithm>
#include <cstdio>

#include "analyzer/quantities.h"
#include "analyzer/reports/layout_sections.h"
#include "analyzer/reports/report_tools.h"

namespace analyzer {
namespace {

constexpr std::size_t most_pictures = 5;
constexpr std::int64_t line = 64;
constexpr std::int64_t least_values = 32;  // objects: of fewer nothing is concluded

/// At least 99 % of the values, which were enough.
bool is_nearly_all(std::int64_t count, const LayoutField& field) {
  return field.value_count >= least_values && count * 100 >= field.value_count * 99;
}

std::string percent_text(std::int64_t part, std::int64_t whole) {
  return format_decimal(percent_of(static_cast<double>(part), static_cast<double>(whole)), 0) + " %";
}

std::string integer_text(const LayoutField& field, std::int64_t value) {
  return field.kind == "unsigned" ? std::to_string(static_cast<std::uint64_t>(value)) : std::to_string(value);
}

/// "always 7", "null in 83 %", "1 … 200"; "" = nothing worth saying.
std::string values_text(const LayoutField& field) {
  if (field.value_count == 0) return {};
  const std::string zero = field.kind == "pointer"     ? "null"
                           : field.kind == "boolean"   ? "false"
                           : field.kind == "container" ? "empty"
                           : field.kind == "bytes"     ? "all zeroes"
                                                       : "0";
  if (field.zero_count == field.value_count)
    return "always " + (field.common_value.empty() ? zero : field.common_value);
  if (field.common_count == field.value_count && !field.common_value.empty()) return "always " + field.common_value;
  std::string text;
  if (field.has_range) text = integer_text(field, field.smallest) + " \u2026 " + integer_text(field, field.largest);
  if (field.common_count * 2 > field.value_count && !field.common_value.empty()) {
    return text + (text.empty() ? "" : ", ") + field.common_value + " in " +
           percent_text(field.common_count, field.value_count);
  }
  if (field.zero_count * 10 > field.value_count) {
    return text + (text.empty() ? "" : ", ") + zero + " in " + percent_text(field.zero_count, field.value_count);
  }
  return text;
}

/// "read 3, written 1, in a loop, locked"; "" = no use was seen.
std::string use_text(const FieldUse& use) {
  std::string text;
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count != 0) text += (text.empty() ? "" : ", ") + std::string(what) + ' ' + std::to_string(count);
  };
  add(use.reads, "read");
  add(use.writes, "written");
  add(use.addresses, "address taken");
  if (use.loop_depth > 0)
    text += use.loop_depth == 1 ? ", in a loop" : ", in loops of depth " + std::to_string(use.loop_depth);
  if (use.is_locked) text += ", locked";
  return text;
}

std::string cut(const std::string& text, std::size_t width) {
  if (text.size() <= width) return text + std::string(width - text.size(), ' ');
  std::size_t end = width - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "\u2026" + std::string(width - 1 - end, ' ');
}

std::string place_text(std::int64_t offset, std::int64_t size) {
  char room[48];
  std::snprintf(room, sizeof room, "%6lld %5lld  ", static_cast<long long>(offset), static_cast<long long>(size));
  return room;
}

/// One line for each member and hole, a rule where a cache line of an object that begins at one ends.
std::vector<std::string> picture(const LayoutType& type) {
  std::size_t name_width = 6;
  std::size_t type_width = 4;
  for (const LayoutField& field : type.fields) {
    name_width = std::clamp(field.name.size(), name_width, std::size_t{36});
    type_width = std::clamp(field.type.size(), type_width, std::size_t{28});
  }
  std::vector<std::string> lines;
  lines.push_back("offset  size  " + cut("member", name_width) + "  " + cut("type", type_width) + "  values; code");
  std::int64_t drawn = 0;  // cache lines
  const auto rule_up_to = [&](std::int64_t offset) {
    while ((drawn + 1) * line <= offset && (drawn + 1) * line < type.size) {
      ++drawn;
      lines.push_back(place_text(drawn * line, 0).substr(0, 6) + " \u2500\u2500\u2500 cache line " +
                      std::to_string(drawn) + " \u2500\u2500\u2500");
    }
  };
  for (const LayoutField& field : type.fields) {
    rule_up_to(field.offset);
    std::string name = field.name.empty() ? "(anonymous)" : field.name;
    if (field.bit_size != 0) name += " : " + std::to_string(field.bit_size);
    std::string notes = values_text(field);
    const std::string use = use_text(field.use);
    if (!use.empty()) notes += (notes.empty() ? "" : "; ") + use;
    lines.push_back(place_text(field.offset, field.size) + cut(name, name_width) + "  " + cut(field.type, type_width) +
                    (notes.empty() ? "" : "  " + notes));
    if (field.hole_bytes > 0) {
      const std::int64_t end =
          field.bit_size != 0 ? field.offset + (field.bit_offset + field.bit_size + 7) / 8 : field.offset + field.size;
      lines.push_back(place_text(end, field.hole_bytes) +
                      (end + field.hole_bytes == type.size ? "(padding)" : "(hole)"));
    }
  }
  for (std::string& text : lines) text.erase(text.find_last_not_of(' ') + 1);
  return lines;
}

Table fields_table(const LayoutType& type) {
  Table table;
  table.name = "fields";
  table.data_only = true;
  table.columns = {
      {"name", CellFormat::text},      {"type", CellFormat::text},           {"offset", CellFormat::integer},
      {"size", CellFormat::integer},   {"bit_size", CellFormat::integer},    {"hole_bytes", CellFormat::integer},
      {"values", CellFormat::text},    {"value_count", CellFormat::integer}, {"reads", CellFormat::integer},
      {"writes", CellFormat::integer}, {"loop_depth", CellFormat::integer},  {"locked", CellFormat::integer}};
  for (const LayoutField& field : type.fields) {
    const bool is_used = field.use.loop_depth >= 0;
    table.rows.push_back({field.name, field.type, field.offset, field.size,
                          field.bit_size != 0 ? Cell(field.bit_size) : Cell(), field.hole_bytes, values_text(field),
                          field.value_count, cell(field.use.reads), cell(field.use.writes),
                          is_used ? Cell(field.use.loop_depth) : Cell(), std::int64_t{field.use.is_locked ? 1 : 0}});
  }
  return table;
}

/// What is wrong with it, and what to do.
std::vector<std::string> advice(const LayoutType& type) {
  std::vector<std::string> sentences;
  if (type.wasted_bytes > 0) {
    sentences.push_back(bytes_text(type.wasted_bytes) +
                        " of its objects hold nothing: " + std::to_string(type.hole_bytes) + " bytes in holes and " +
                        std::to_string(type.padding_bytes) + " of padding each.");
  }
  if (!type.reordering.empty() && type.reordered_size < type.size) {
    sentences.push_back("In the order " + type.reordering + " an object takes " + std::to_string(type.reordered_size) +
                        " bytes instead of " + std::to_string(type.size) +
                        (type.count() == 0 ? "."
                         : type.saved_bytes != 0
                             ? ": this heap would be " + bytes_text(type.saved_bytes) + " smaller."
                             : ", but the allocator makes the same of both, as far as this heap tells."));
  }
  if (type.instance_count != 0 && type.straddling_count * 10 > type.instance_count) {
    sentences.push_back(percent_text(type.straddling_count, type.instance_count) +
                        " of the objects lie across one cache line more than they need" +
                        (type.size < line && line % type.size != 0
                             ? ": " + std::to_string(type.size) + " bytes do not divide " + std::to_string(line) + "."
                             : ": they are not aligned to lines."));
  }
  return sentences;
}

/// A finding about one member.
struct Finding {
  const LayoutType* type = nullptr;
  const LayoutField* field = nullptr;
  std::string what, value;
  std::int64_t saves = 0;
};

/// The bytes that integers of so many bits take; 0 = none smaller.
std::int64_t smaller_size(const LayoutField& field) {
  for (const std::int64_t size : {1, 2, 4}) {
    if (size < field.size && field.needed_bits <= size * 8) return size;
  }
  return 0;
}

std::optional<Finding> find(const LayoutType& type, const LayoutField& field) {
  Finding found{&type, &field, "", values_text(field), 0};
  if (field.value_count < least_values || field.bit_size != 0) return std::nullopt;
  if (field.kind == "pointer" && field.zero_count == field.value_count) {
    found.what = "always null";
  } else if (field.kind == "container" && field.zero_count == field.value_count && field.size > 1) {
    found.what = "always empty";
  } else if (is_nearly_all(field.common_count, field) && !field.common_value.empty()) {
    found.what = field.common_count == field.value_count ? "always the same" : "the same in 99 %";
  } else if (const std::int64_t smaller = field.has_range ? smaller_size(field) : 0; smaller != 0) {
    found.what = "fits " + std::to_string(smaller) + (smaller == 1 ? " byte" : " bytes");
    found.saves = (field.size - smaller) * type.instance_count;
    return found;
  } else {
    return std::nullopt;
  }
  found.saves = field.size * type.instance_count;
  return found;
}

bool is_flag(const LayoutField& field) {
  if (field.bit_size != 0 || field.size != 1 || field.value_count < least_values) return false;
  return field.type == "bool" || (field.has_range && field.needed_bits <= 4 && field.smallest >= 0);
}

}  // namespace

std::optional<Section> type_pictures_section(const std::vector<LayoutType>& types, const ReportOptions& options) {
  Section section;
  section.name = "layouts";
  section.title = "How the objects are laid out";
  const std::size_t most = options.rows == 0 ? types.size() : std::min(options.rows, most_pictures);
  for (const LayoutType& type : types) {
    if (section.sections.size() >= most) break;
    const bool is_used =
        type.count() != 0 && (type.wasted_bytes > 0 || type.straddling_count * 10 > type.instance_count);
    const bool is_by_code = type.source == "code" && section.sections.size() < 2;
    const bool has_holes =
        type.hole_bytes + type.padding_bytes > 0 && !type.is_library();  // of a program, without objects
    if (type.fields.empty() || !(is_used || is_by_code || (type.wasted_bytes < 0 && has_holes))) continue;
    Section one;
    one.name = "type_" + std::to_string(type.id);
    one.title = type.name + ": " + std::to_string(type.size) + " bytes";
    if (type.count() != 0) one.title += ", " + count_text(type.count()) + (type.count() == 1 ? " object" : " objects");
    one.paragraphs = advice(type);
    one.preformatted = picture(type);
    one.tables.push_back(fields_table(type));
    section.sections.push_back(std::move(one));
  }
  if (section.sections.empty()) return std::nullopt;
  section.paragraphs.emplace_back(
      "Members by debugging information (`+0x10`: by the code of the class's methods alone; what lies between is not "
      "known), holes by the definitions of pahole. Values are those of the objects in this "
      "heap. Code: instructions that use the member, of the class's own methods; counted in the program, not while it "
      "ran.");
  return section;
}

std::optional<Section> field_values_section(const std::vector<LayoutType>& types, const ReportOptions& options) {
  std::vector<Finding> findings;
  std::vector<std::string> flags;
  for (const LayoutType& type : types) {
    std::int64_t flag_count = 0;
    std::int64_t flag_bits = 0;
    for (const LayoutField& field : type.fields) {
      if (std::optional<Finding> found = find(type, field)) findings.push_back(std::move(*found));
      if (!is_flag(field)) continue;
      ++flag_count;
      flag_bits += field.type == "bool" ? 1 : std::max<std::int64_t>(field.needed_bits, 1);
    }
    if (flag_count >= 3 && type.instance_count >= least_values && flags.size() < 10) {
      flags.push_back("Bit-fields: " + std::to_string(flag_count) + " members of " + type.name +
                      " need one to four bits each, " + std::to_string(flag_bits) + " together: " +
                      std::to_string((flag_bits + 7) / 8) + " instead of " + std::to_string(flag_count) + " bytes.");
    }
  }
  if (findings.empty() && flags.empty()) return std::nullopt;
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.saves > b.saves; });
  Section section;
  section.name = "values";
  section.title = "Members that hold less than they could";
  section.paragraphs.emplace_back(
      "A hint, from the values in this heap alone: another run may have others. saves_bytes: of the members "
      "themselves; alignment may take some of it back. A member that is the same in nearly every object may be static, "
      "or kept beside the few that differ.");
  section.paragraphs.insert(section.paragraphs.end(), flags.begin(), flags.end());
  Table table;
  table.name = "values";
  table.columns = {{"type", CellFormat::text},        {"member", CellFormat::text},
                   {"finding", CellFormat::text},     {"values", CellFormat::text},
                   {"objects", CellFormat::integer},  {"looked_at", CellFormat::integer},
                   {"saves_bytes", CellFormat::bytes}};
  table.summed_columns = {6};
  for (const Finding& one : findings) {
    table.rows.push_back({one.type->name, one.field->name, one.what, one.value, one.type->instance_count,
                          one.field->value_count, one.saves});
  }
  total_and_cut(table, options.rows);
  if (!table.rows.empty()) section.tables.push_back(std::move(table));
  return section;
}

std::optional<Section> hot_fields_section(const std::vector<LayoutType>& types, const ReportOptions& options) {
  Table table;
  table.name = "hot_fields";
  table.columns = {{"type", CellFormat::text},           {"objects", CellFormat::integer},
                   {"size", CellFormat::integer},        {"hot_bytes", CellFormat::integer},
                   {"other_bytes", CellFormat::integer}, {"unused_bytes", CellFormat::integer},
                   {"hot_lines", CellFormat::integer},   {"needed_lines", CellFormat::integer}};
  for (const LayoutType& type : types) {
    if (!type.has_uses || type.count() == 0 || type.size < 16) continue;
    std::int64_t hot = 0;
    std::int64_t warm = 0;
    std::int64_t cold = 0;
    std::vector<bool> is_hot(static_cast<std::size_t>(std::min<std::int64_t>(type.size / line + 1, 4096)));
    for (const LayoutField& field : type.fields) {
      std::int64_t& part = field.use.loop_depth > 0 ? hot : field.use.loop_depth == 0 ? warm : cold;
      part += field.size;
      if (field.use.loop_depth <= 0) continue;
      for (std::int64_t at = field.offset / line; at <= (field.offset + field.size - 1) / line; ++at) {
        if (static_cast<std::size_t>(at) < is_hot.size()) is_hot[static_cast<std::size_t>(at)] = true;
      }
    }
    if (hot == 0) continue;
    table.rows.push_back({type.name, type.count(), type.size, hot, warm, cold,
                          static_cast<std::int64_t>(std::count(is_hot.begin(), is_hot.end(), true)),
                          (hot + line - 1) / line});
  }
  if (table.rows.empty()) return std::nullopt;
  if (options.rows != 0 && table.rows.size() > options.rows) table.rows.resize(options.rows);
  Section section;
  section.name = "hot_fields";
  section.title = "Hot and cold members";
  section.paragraphs.emplace_back(
      "A hint, from the machine code of the class's methods: hot_bytes are used inside of loops, other_bytes outside "
      "of "
      "them, unused_bytes by no method that was read. Where hot_lines is more than needed_lines, hot members put side "
      "by side would take fewer cache lines; where much is unused, a part of its own for it would.");
  section.tables.push_back(std::move(table));
  return section;
}

}  // namespace analyzer
