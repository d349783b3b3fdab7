#include "analyzer/gates/gate_config.h"

#include <algorithm>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "analyzer/commands/command.h"
#include "analyzer/commands/suggestions.h"
#include "analyzer/gates/gate_growth.h"
#include "analyzer/quantities.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

/// What a key's value is; the first row of limits makes a rule, the others are settings.
enum class ValueKind : std::uint8_t { count, size, percent, size_or_percent, rate, verdicts, severity, text, list };

struct KeyRow {
  std::string_view section, key;
  ValueKind kind;
  bool is_limit;
};

constexpr KeyRow known_keys[] = {
    {"gate", "fail_on", ValueKind::severity, false},
    {"gate", "noise_floor", ValueKind::size, false},
    {"suspects", "max_count", ValueKind::count, true},
    {"suspects", "max_retained", ValueKind::size_or_percent, true},
    {"suspects", "min_retained", ValueKind::size_or_percent, false},
    {"suspects", "ignore_causes", ValueKind::list, false},
    {"suspects", "ignore_kinds", ValueKind::list, false},
    {"suspects", "ignore_signatures", ValueKind::list, false},
    {"heap", "max_live", ValueKind::size, true},
    {"heap", "max_total", ValueKind::size, true},
    {"heap", "max_unreachable", ValueKind::size, true},
    {"heap", "max_unreachable_percent", ValueKind::percent, true},
    {"heap", "max_cycle_retained", ValueKind::size, true},
    {"heap", "max_duplicate_waste", ValueKind::size, true},
    {"heap", "max_objects", ValueKind::count, true},
    {"heap", "max_damaged", ValueKind::size, true},
    {"heap", "max_leaked", ValueKind::size, true},
    {"heap", "max_leaks", ValueKind::count, true},
    {"heap", "max_possibly_leaked", ValueKind::size, true},
    {"heap", "max_possible_leaks", ValueKind::count, true},
    {"fragmentation", "max_external", ValueKind::percent, true},
    {"fragmentation", "max_internal", ValueKind::percent, true},
    {"fragmentation", "max_free", ValueKind::size, true},
    {"fragmentation", "max_cached", ValueKind::size, true},
    {"fragmentation", "max_pinned", ValueKind::size, true},
    {"fragmentation", "max_sparse_pages", ValueKind::count, true},
    {"layout", "max_waste_percent", ValueKind::percent, true},
    {"layout", "max_waste", ValueKind::size, true},
    {"layout", "max_straddling", ValueKind::count, true},
    {"layout", "max_shared_lines", ValueKind::count, true},
    {"type", "max_size", ValueKind::size, true},
    {"type", "max_padding", ValueKind::size, true},
    {"type", "max_waste", ValueKind::size, true},
    {"growth", "max_rate", ValueKind::rate, true},
    {"growth", "verdict", ValueKind::verdicts, true},
    {"growth", "max_leaking_sites", ValueKind::count, true},
    {"growth", "min_r2", ValueKind::count, false},
    {"gate", "sampling_error", ValueKind::text, false},
    {"trace", "max_peak", ValueKind::size, true},
    {"trace", "max_temporary_percent", ValueKind::percent, true},
    {"trace", "max_leaked", ValueKind::size, true},
    {"trace", "max_allocations", ValueKind::count, true},
    {"site", "max_leaked", ValueKind::size, true},
    {"site", "max_live", ValueKind::size, true},
    {"site", "max_allocations", ValueKind::count, true},
    {"site", "max_peak", ValueKind::size, true},
    {"class", "max_count", ValueKind::count, true},
    {"class", "max_shallow", ValueKind::size, true},
    {"class", "max_retained", ValueKind::size, true},
};
constexpr std::string_view common_keys[] = {"severity", "message"};  // of every section but [gate]
constexpr std::string_view known_sections[] = {"gate",  "suspects", "heap",  "fragmentation", "layout", "growth",
                                               "trace", "site",     "class", "type",          "sql"};

template <typename Range>
bool contains(const Range& range, std::string_view name) {
  return std::find(std::begin(range), std::end(range), name) != std::end(range);
}

bool takes_selector(std::string_view section) {
  return section == "class" || section == "type" || section == "site" || section == "sql";
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// One `key = value` with where it stands.
struct Setting {
  std::string section, selector, key, value;
  std::string place;  ///< "heap-gate.ini:12", "--set"
  int line = 0;
};

/// `class "com.acme.Session"` or `class com.acme.Session` → section and selector.
void split_section(std::string_view text, Setting& setting) {
  text = trimmed(text);
  const std::size_t space = text.find_first_of(" \t");
  setting.section = text.substr(0, space);
  std::string_view selector = space == std::string_view::npos ? std::string_view{} : trimmed(text.substr(space));
  if (selector.size() >= 2 && selector.front() == '"' && selector.back() == '"') {
    selector = selector.substr(1, selector.size() - 2);
  }
  setting.selector = selector;
}

void check_section(const Setting& setting) {
  if (!contains(known_sections, setting.section)) {
    const std::vector<std::string> names(std::begin(known_sections), std::end(known_sections));
    throw UsageError(
        setting.place + ": unknown section [" + setting.section + ']' + did_you_mean(setting.section, names),
        "sections: [gate] [suspects] [heap] [fragmentation] [layout] [growth] [trace] [site \"PATTERN\"] [class "
        "\"PATTERN\"] [type \"PATTERN\"] "
        "[sql \"FILE\"]");
  }
  if (takes_selector(setting.section) != !setting.selector.empty()) {
    throw UsageError(setting.place + ": section [" + setting.section + "] " +
                     (setting.selector.empty() ? "needs a name: [" + setting.section + " \"…\"]" : "takes no name"));
  }
}

const KeyRow* find_key(const Setting& setting) {
  for (const KeyRow& row : known_keys) {
    if (row.section == setting.section && row.key == setting.key) return &row;
  }
  if (setting.section != "gate" && contains(common_keys, setting.key)) return nullptr;
  std::vector<std::string> names;
  std::string list;
  for (const KeyRow& row : known_keys) {
    if (row.section == setting.section) names.emplace_back(row.key);
  }
  if (setting.section != "gate") names.insert(names.end(), std::begin(common_keys), std::end(common_keys));
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw UsageError(setting.place + ": unknown key '" + setting.key + "' in [" + setting.section + ']' +
                       did_you_mean(setting.key, names),
                   "keys of [" + setting.section + "]: " + list);
}

[[noreturn]] void refuse_value(const Setting& setting, std::string_view expected) {
  throw UsageError(setting.place + ": " + setting.section + '.' + setting.key + ": '" + setting.value + "' is not " +
                   std::string(expected));
}

struct Quantity {
  double value = 0;
  Unit unit = Unit::count;
};

Quantity parse_quantity(const Setting& setting, ValueKind kind) {
  if (kind == ValueKind::count) {
    const std::optional<double> count = parse_number(setting.value);
    if (!count) refuse_value(setting, "a count");
    return {*count, Unit::count};
  }
  if (kind != ValueKind::size) {
    if (const std::optional<double> percent = parse_percent(setting.value)) return {*percent, Unit::percent};
    if (kind == ValueKind::percent) {
      if (const std::optional<double> number = parse_number(setting.value)) return {*number, Unit::percent};
      refuse_value(setting, "a percent, as in 20%");
    }
  }
  const std::optional<std::uint64_t> size = parse_size(setting.value);
  if (!size) {
    refuse_value(setting, kind == ValueKind::size ? "a size, as in 64 MiB" : "a size or a percent, as in 64 MiB or 5%");
  }
  return {static_cast<double>(*size), Unit::bytes};
}

/// "50%/h", "1 MiB/h"; the hour goes without saying.
Quantity parse_rate(const Setting& setting) {
  std::string_view value = setting.value;
  for (const std::string_view ending : {"/hour", "/h"}) {
    if (value.ends_with(ending)) value = trimmed(value.substr(0, value.size() - ending.size()));
  }
  if (const std::optional<double> percent = parse_percent(value)) return {*percent, Unit::percent};
  if (const std::optional<std::uint64_t> size = parse_size(value)) return {static_cast<double>(*size), Unit::bytes};
  refuse_value(setting, "a percent or a size an hour, as in 50%/h or 1 MiB/h");
}

Severity parse_severity(const Setting& setting) {
  if (setting.value == "error") return Severity::error;
  if (setting.value == "warning") return Severity::warning;
  refuse_value(setting, "error or warning");
}

std::vector<std::string> parse_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (const std::string_view item = trimmed(text.substr(0, comma)); !item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

/// Applies settings one by one; a later one replaces an earlier one of the same name.
class Builder {
 public:
  explicit Builder(GateConfig& config) : config_(config) {}

  GateSection& section(const Setting& setting) {
    check_section(setting);
    for (GateSection& section : config_.sections) {
      if (section.section == setting.section && section.selector == setting.selector) return section;
    }
    config_.sections.push_back({setting.section, setting.selector, Severity::error, {}, setting.line});
    if (setting.section == "sql") {
      config_.rules.push_back({"sql", setting.selector, "", Unit::rows, 0, "0", setting.line});
    }
    return config_.sections.back();
  }

  void apply(const Setting& setting) {
    GateSection& of = section(setting);
    const KeyRow* row = find_key(setting);
    if (row == nullptr) {
      if (setting.key == "severity") of.severity = parse_severity(setting);
      if (setting.key == "message") of.message = setting.value;
    } else if (row->kind == ValueKind::rate) {
      limit(setting, parse_rate(setting));
    } else if (row->kind == ValueKind::verdicts) {
      refuse_verdicts(setting);
    } else if (row->is_limit) {
      limit(setting, parse_quantity(setting, row->kind));
    } else {
      setting_of(setting, *row);
    }
  }

 private:
  void limit(const Setting& setting, const Quantity& quantity) {
    for (GateRule& rule : config_.rules) {
      if (rule.section != setting.section || rule.selector != setting.selector || rule.key != setting.key) continue;
      rule.unit = quantity.unit;
      rule.limit = quantity.value;
      rule.limit_text = setting.value;
      if (setting.line != 0) rule.line = setting.line;
      return;
    }
    config_.rules.push_back(
        {setting.section, setting.selector, setting.key, quantity.unit, quantity.value, setting.value, setting.line});
  }

  void refuse_verdicts(const Setting& setting) {
    config_.refused_verdicts.clear();
    for (const std::string& item : parse_list(setting.value)) {
      config_.refused_verdicts.push_back(verdict_of(item));
      if (config_.refused_verdicts.back().empty()) {
        refuse_value(setting, "verdicts that fail: leaking, step, warming_up, stable, insufficient_data");
      }
    }
    limit(setting, {0, Unit::count});
  }

  void setting_of(const Setting& setting, const KeyRow& row) {
    SuspectFilter& filter = config_.filter;
    if (row.key == "fail_on") config_.fail_on = parse_severity(setting);
    if (row.key == "ignore_causes") filter.ignore_causes = parse_list(setting.value);
    if (row.key == "ignore_kinds") filter.ignore_kinds = parse_list(setting.value);
    if (row.key == "ignore_signatures") filter.ignore_signatures = parse_list(setting.value);
    if (row.key == "min_r2") config_.min_r2 = parse_quantity(setting, row.kind).value;
    if (row.key == "sampling_error") {
      if (setting.value != "subtract" && setting.value != "ignore") refuse_value(setting, "subtract or ignore");
      config_.subtract_sampling_error = setting.value == "subtract";
    }
    if (row.key == "min_retained") {
      const Quantity quantity = parse_quantity(setting, row.kind);
      if (quantity.unit == Unit::percent) {
        filter.min_percent = quantity.value;
      } else {
        filter.min_bytes = static_cast<std::uint64_t>(quantity.value);
      }
    }
    if (row.key == "noise_floor") {
      const auto floor = static_cast<std::uint64_t>(parse_quantity(setting, row.kind).value);
      filter.min_bytes = std::max(filter.min_bytes, floor);
    }
  }

  GateConfig& config_;
};

/// Where each section and key stands: Boost's parser says neither, and drops sections without keys.
struct Line {
  int number = 0;
  std::string section;  ///< as between the brackets
  std::string key;      ///< empty: the section's own line
};

std::vector<Line> find_lines(const std::string& text) {
  std::vector<Line> lines;
  std::istringstream stream(text);
  std::string section;
  int number = 0;
  for (std::string raw; std::getline(stream, raw);) {
    ++number;
    const std::string_view line = trimmed(std::string_view(raw).substr(0, raw.find('#')));
    if (line.size() > 2 && line.front() == '[' && line.back() == ']') {
      section = line.substr(1, line.size() - 2);
      lines.push_back({number, section, {}});
    } else if (const std::size_t equals = line.find('='); equals != std::string_view::npos) {
      lines.push_back({number, section, std::string(trimmed(line.substr(0, equals)))});
    }
  }
  return lines;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  std::error_code ignored;
  if (!file || std::filesystem::is_directory(path, ignored) || (file.peek() != EOF && !(text << file.rdbuf()))) {
    throw UsageError(path +
                     ": cannot read the gate file: " + std::generic_category().message(errno == 0 ? EISDIR : errno));
  }
  return text.str();
}

void read_file(const std::string& path, Builder& builder) {
  const std::string text = read_text(path);
  const std::vector<Line> lines = find_lines(text);
  const auto place = [&](int line) { return path + (line == 0 ? "" : ':' + std::to_string(line)); };

  // Sections first: [sql "…"] is a rule without any key.
  for (const Line& line : lines) {
    if (!line.key.empty()) continue;
    Setting setting;
    split_section(line.section, setting);
    setting.line = line.number;
    setting.place = place(line.number);
    (void)builder.section(setting);
  }

  po::options_description any;  // keys are validated by the table above, so that errors can name the nearest
  po::parsed_options parsed(&any);
  std::istringstream stream(text);
  try {
    parsed = po::parse_config_file(stream, any, true);
  } catch (const po::error& error) {
    throw UsageError(path + ": " + error.what());
  }
  std::vector<bool> used(lines.size());
  for (const po::option& option : parsed.options) {
    Setting setting;
    // The section's name may hold dots; a key never does.
    const std::size_t dot = option.string_key.rfind('.');
    const std::string section = dot == std::string::npos ? "" : option.string_key.substr(0, dot);
    setting.key = dot == std::string::npos ? option.string_key : option.string_key.substr(dot + 1);
    setting.value = option.value.empty() ? "" : option.value.front();
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (used[i] || lines[i].section != section || lines[i].key != setting.key) continue;
      used[i] = true;
      setting.line = lines[i].number;
      break;
    }
    setting.place = place(setting.line);
    if (section.empty()) {
      throw UsageError(setting.place + ": '" + setting.key + "' stands before any [section]");
    }
    split_section(section, setting);
    builder.apply(setting);
  }
}

Setting parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::size_t dot = equals == std::string::npos ? equals : text.rfind('.', equals);
  if (equals == std::string::npos || dot == std::string::npos) {
    throw UsageError("--set '" + text + "': expected section.key=value, as in heap.max_live=512MiB");
  }
  Setting setting;
  setting.place = "--set " + text;
  split_section(std::string_view(text).substr(0, dot), setting);
  setting.key = trimmed(std::string_view(text).substr(dot + 1, equals - dot - 1));
  setting.value = trimmed(std::string_view(text).substr(equals + 1));
  return setting;
}

}  // namespace

std::string GateRule::name() const {
  if (section == "sql") return "sql " + selector;
  if (!selector.empty()) return section + ' ' + selector + ' ' + key;
  return section + '.' + key;
}

const GateSection* GateConfig::find_section(std::string_view section, std::string_view selector) const {
  for (const GateSection& row : sections) {
    if (row.section == section && row.selector == selector) return &row;
  }
  return nullptr;
}

GateConfig load_gate_config(const std::string& path, const std::vector<std::string>& overrides) {
  GateConfig config;
  config.path = path;
  Builder builder(config);
  if (!path.empty()) {
    config.folder = std::filesystem::path(path).parent_path().string();
    read_file(path, builder);
    // [sql] rules are made with their sections, all others with their keys.
    std::stable_sort(config.rules.begin(), config.rules.end(),
                     [](const GateRule& a, const GateRule& b) { return a.line < b.line; });
  }
  for (const std::string& text : overrides) builder.apply(parse_override(text));
  if (config.rules.empty()) {
    if (!path.empty()) throw UsageError(path + ": no rule in this gate file, so nothing would ever fail");
    config.rules.push_back({"suspects", "", "max_count", Unit::count, 0, "0", 0});
    config.is_default = true;
  }
  return config;
}

}  // namespace analyzer
