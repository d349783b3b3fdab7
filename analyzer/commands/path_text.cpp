#include "analyzer/commands/path_text.h"

#include <algorithm>
#include <ostream>
#include <vector>

#include "analyzer/commands/query_run.h"
#include "analyzer/commands/table_output.h"
#include "analyzer/json_text.h"
#include "analyzer/quantities.h"
#include "analyzer/terminal.h"
#include "queries/named_queries.h"

namespace analyzer {
namespace {

constexpr std::size_t shown_at_each_end = 20;  // of a path too long to read
constexpr std::size_t longest_text = 60;

struct Subject {
  std::int64_t object_id = 0;
  std::string address, class_name, text, reachability;
  std::int64_t shallow_size = 0;
  std::int64_t retained_size = -1;  ///< -1 = not live
  double live_bytes = 0;
};

struct Step {
  std::int64_t object_id = 0;
  std::string address, class_name, name, strength, root, text, variable, code;
  std::int64_t slot = 0;
  std::int64_t shallow_size = 0;
  std::int64_t retained_size = -1;
};

struct Paths {
  std::vector<std::vector<Step>> paths;
  bool weak_used = false;
};

queries::Statement prepared(const queries::Database& database, std::string_view query, const std::string& object) {
  queries::Statement statement = database.prepare(queries::find_named_query(query)->sql);
  statement.bind("object", std::string_view(object));
  return statement;
}

Subject read_subject(const queries::Database& database, const std::string& object) {
  queries::Statement row = prepared(database, "path-object", object);
  Subject subject;
  if (!row.step()) throw queries::QueryError("no object " + object);
  subject.object_id = row.integer(0);
  subject.address = row.text(1);
  subject.class_name = row.text(2);
  subject.text = row.text(3);
  subject.shallow_size = row.integer(4);
  if (!row.is_null(5)) subject.retained_size = row.integer(5);
  subject.reachability = row.text(6);
  if (!row.is_null(7)) subject.live_bytes = row.real(7);
  return subject;
}

Paths read_paths(const queries::Database& database, const std::string& object, std::uint64_t k) {
  queries::Statement row = prepared(database, "path-steps", object);
  row.bind("k", static_cast<std::int64_t>(k));
  Paths result;
  while (row.step()) {
    if (row.integer(1) == 0) result.paths.emplace_back();
    Step step;
    step.object_id = row.integer(2);
    step.address = row.text(3);
    step.class_name = row.text(4);
    step.name = row.text(5);
    step.strength = row.text(6);
    step.slot = row.integer(7);
    step.shallow_size = row.integer(8);
    if (!row.is_null(9)) step.retained_size = row.integer(9);
    step.root = row.text(10);
    result.weak_used = row.integer(11) != 0;
    step.text = row.text(12);
    step.variable = row.text(13);
    step.code = row.text(14);
    result.paths.back().push_back(std::move(step));
  }
  return result;
}

std::string quoted(const std::string& text) {
  const std::string safe = printable(text);
  if (safe.size() <= longest_text) return "\"" + safe + "\"";
  std::size_t end = longest_text;
  while (end > 0 && (static_cast<unsigned char>(safe[end]) & 0xC0) == 0x80) --end;
  return "\"" + safe.substr(0, end) + "…\"";
}

/// "java.util.HashMap$Node" → "HashMap$Node".
std::string simple_name(const std::string& class_name) {
  const std::size_t dot = class_name.rfind('.', class_name.find('['));
  return dot == std::string::npos ? class_name : class_name.substr(dot + 1);
}

std::string retained_text(std::int64_t retained, double live_bytes) {
  if (retained < 0) return "not live";
  std::string text = "retains " + format_size(static_cast<double>(retained));
  if (live_bytes > 0) text += " (" + format_decimal(100.0 * static_cast<double>(retained) / live_bytes, 1) + "%)";
  return text;
}

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// "├─ com.acme.Registry @ 0x7f…": also the width that aligns the sizes.
std::string node_text(const Step& step, bool last) {
  std::string line = (last ? "╰→ " : "├─ ");
  if (step.class_name == "java.lang.Class" && !step.text.empty()) {
    line += "class " + printable(step.text);
  } else {
    line += printable(step.class_name);
    if (!step.text.empty()) line += " " + quoted(step.text);
  }
  return line + " @ " + step.address;
}

/// "Registry.sessions" for a field, "Object[][3]" for an element: the reference as its owner calls it.
std::string reference_text(const Step& owner, const Step& step) {
  const bool is_static = owner.class_name == "java.lang.Class" && !owner.text.empty();
  const std::string holder = printable(simple_name(is_static ? owner.text : owner.class_name));
  const std::string name = printable(step.name);
  const bool is_place = name.empty() || name[0] == '[' || name[0] == '+';  // an element, or an offset in a native block
  std::string text = is_place ? holder + name : holder + "." + name;
  if (is_static && !name.empty() && name[0] != '<') text = "static " + text;
  if (step.strength != "strong") text += "  (" + step.strength + ")";
  return text;
}

void write_path(const std::vector<Step>& path, double live_bytes, bool full, std::ostream& out) {
  const Step& held = path.front();
  out << "GC root: " << held.root;
  if (!held.code.empty()) out << ", " << printable(held.code);
  out << '\n';
  const bool elided = !full && path.size() > 2 * shown_at_each_end + 1;
  const auto shown = [&](std::size_t i) {
    return !elided || i < shown_at_each_end || i >= path.size() - shown_at_each_end;
  };
  std::size_t width = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (shown(i)) width = std::max(width, width_of(node_text(path[i], false)));
  }
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!shown(i)) {
      if (i == shown_at_each_end) {
        out << "│     ⋮ " << format_count(path.size() - 2 * shown_at_each_end) << " steps more (--full shows them)\n";
      }
      continue;
    }
    if (i > 0) out << "│     ↓ " << reference_text(path[i - 1], path[i]) << '\n';
    const std::string node = node_text(path[i], i + 1 == path.size());
    out << node << std::string(width - std::min(width, width_of(node)) + 2, ' ')
        << retained_text(path[i].retained_size, live_bytes) << '\n';
  }
}

void write_text(const Subject& subject, const Paths& found, const PathOptions& options, std::ostream& out) {
  out << "object " << subject.object_id << ": " << printable(subject.class_name) << " @ " << subject.address << ", "
      << format_size(static_cast<double>(subject.shallow_size)) << ", "
      << retained_text(subject.retained_size, subject.live_bytes) << '\n';
  if (found.paths.empty()) {
    out << "No root reaches it (" << subject.reachability << "): it is leaked, or garbage that the dump still holds.\n";
    return;
  }
  if (found.weak_used) {
    if (subject.reachability == "uncertain") {
      out << "Possibly leaked: every path has a reference or a root that may be no pointer, or not one that owns.\n";
    } else {
      out << "There is no path of strong references: it is held " << subject.reachability
          << ", over the references marked below.\n";
    }
  }
  for (std::size_t i = 0; i < found.paths.size(); ++i) {
    const std::size_t length = found.paths[i].size() - 1;
    out << "\nPath " << i + 1 << " of " << found.paths.size() << ", " << format_count(length)
        << (length == 1 ? " reference\n" : " references\n");
    write_path(found.paths[i], subject.live_bytes, options.full, out);
  }
}

std::string number_or_null(std::int64_t value) { return value < 0 ? "null" : std::to_string(value); }

void write_json(const Subject& subject, const Paths& found, std::ostream& out) {
  out << "{\"schema\":\"heapql/path@1\",\"object_id\":" << subject.object_id
      << ",\"address\":" << json_string(subject.address) << ",\"class\":" << json_string(subject.class_name)
      << ",\"text\":" << json_string(subject.text) << ",\"shallow_size\":" << subject.shallow_size
      << ",\"retained_size\":" << number_or_null(subject.retained_size)
      << ",\"reachability\":" << json_string(subject.reachability)
      << ",\"weak_used\":" << (found.weak_used ? "true" : "false") << ",\"paths\":[";
  for (std::size_t p = 0; p < found.paths.size(); ++p) {
    const std::vector<Step>& path = found.paths[p];
    out << (p == 0 ? "\n" : ",\n") << "{\"root\":" << json_string(path.front().root);
    if (!path.front().variable.empty()) {
      out << ",\"variable\":" << json_string(path.front().variable) << ",\"code\":" << json_string(path.front().code);
    }
    out << ",\"steps\":[";
    for (std::size_t i = 0; i < path.size(); ++i) {
      const Step& step = path[i];
      out << (i == 0 ? "\n" : ",\n") << "{\"step\":" << i << ",\"object_id\":" << step.object_id
          << ",\"address\":" << json_string(step.address) << ",\"class\":" << json_string(step.class_name)
          << ",\"name\":" << (i == 0 ? "null" : json_string(step.name))
          << ",\"slot\":" << (i == 0 ? "null" : std::to_string(step.slot))
          << ",\"strength\":" << (i == 0 ? "null" : json_string(step.strength))
          << ",\"shallow_size\":" << step.shallow_size << ",\"retained_size\":" << number_or_null(step.retained_size)
          << '}';
    }
    out << "]}";
  }
  out << "]}\n";
}

}  // namespace

void write_paths(const queries::Database& database, const std::string& object, const PathOptions& options,
                 std::ostream& out) {
  const Subject subject = read_subject(database, object);
  const Paths found = read_paths(database, object, options.paths);
  if (options.json) {
    write_json(subject, found, out);
  } else {
    write_text(subject, found, options, out);
  }
}

}  // namespace analyzer
