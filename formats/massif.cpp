#include "formats/massif.h"

#include <algorithm>

namespace formats::massif {
namespace {

bool is_comment(std::string_view line) { return trim(line).starts_with('#') || trim(line).empty(); }

/// "key: text" → text.
bool read_header_line(std::string_view line, std::string_view key, std::string_view& text) {
  if (!line.starts_with(key)) return false;
  text = trim(line.substr(key.size()));
  return true;
}

/// "n2: 4512365 TEXT" behind the blanks.
std::optional<Node> parse_node(std::string_view line) {
  Node node;
  node.depth = static_cast<std::uint32_t>(std::min(line.find_first_not_of(' '), line.size()));
  std::string_view rest = line.substr(node.depth);
  if (!rest.starts_with('n')) return std::nullopt;
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto children = parse_number<std::uint64_t>(rest.substr(1, colon - 1));
  rest.remove_prefix(colon + 1);
  const auto bytes = parse_number<std::uint64_t>(take_word(rest));
  if (!children || !bytes) return std::nullopt;
  node.bytes = *bytes;
  node.text = trim(rest);
  node.is_remainder =
      node.text.starts_with("in ") && node.text.find(" below massif's threshold") != std::string_view::npos;
  node.child_count = node.is_remainder ? 0 : *children;
  return node;
}

}  // namespace

bool looks_like(Bytes head) {
  TextLines lines(head);
  if (!lines.next()) return false;
  if (lines.line().starts_with("#--")) {
    if (!lines.next() || !lines.line().starts_with("snapshot=")) return false;
    return lines.next() && lines.line().starts_with("#--") && lines.next() && lines.line().starts_with("time=");
  }
  if (!lines.line().starts_with("desc:")) return false;
  while (lines.next() && lines.line().starts_with("desc:")) continue;
  if (!lines.line().starts_with("cmd:")) return false;
  while (lines.next()) {  // a command line may have line ends in it
    if (lines.line().starts_with("time_unit:")) return true;
    if (lines.line().starts_with("#--")) return false;
  }
  return false;
}

Reader::Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage) {
  read_header();
  lines_.seek(0);
}

void Reader::read_header() {
  bool is_last = false;
  while (header_.time_unit.empty() && lines_.next()) {
    const std::string_view line = lines_.line();
    is_last = is_last || (lines_.offset() == 0 && line.starts_with('#'));
    std::string_view further;
    read_header_line(line, "desc:", header_.description.empty() ? header_.description : further);
    read_header_line(line, "cmd:", header_.command.empty() ? header_.command : further);
    read_header_line(line, "time_unit:", header_.time_unit);
    if (!is_last && line.starts_with("snapshot=")) return;
  }
}

void Reader::damage(const char* what) { damage_.add(lines_.offset(), lines_.next_offset() - lines_.offset(), what); }

/// The value of a line "key=value", which must come next; its absence is the damage of the snapshot.
std::optional<std::string_view> Reader::field(std::string_view key) {
  const std::uint64_t before = lines_.next_offset();
  do {
    if (!lines_.next()) {
      damage_.add(before, 0, "a snapshot breaks off");
      return std::nullopt;
    }
  } while (is_comment(lines_.line()));
  const std::string_view line = lines_.line();
  if (lines_.is_whole() && line.starts_with(key) && line.substr(key.size()).starts_with('=')) {
    return line.substr(key.size() + 1);
  }
  damage(lines_.is_whole() ? "a line of a snapshot that is missing or not as expected" : "a snapshot breaks off");
  if (line.starts_with("snapshot=")) lines_.seek(lines_.offset());
  return std::nullopt;
}

std::optional<Snapshot> Reader::next() {
  while (lines_.next()) {
    if (!lines_.line().starts_with("snapshot=")) continue;
    Snapshot snapshot;
    const auto number = parse_number<std::uint64_t>(lines_.line().substr(9));
    if (!number || !lines_.is_whole()) {
      damage("a snapshot's number");
      continue;
    }
    snapshot.number = *number;
    if (read_figures(snapshot)) return snapshot;
  }
  return std::nullopt;
}

bool Reader::read_figures(Snapshot& snapshot) {
  const auto time_text = field("time");
  if (!time_text) return false;
  const auto time = parse_number<double>(*time_text);
  if (!time || !(*time >= 0 && *time < 1e300)) {
    damage("a snapshot's time is no number");
    return false;
  }
  snapshot.time = *time;
  struct Figure {
    const char* key;
    std::uint64_t Snapshot::*value;
  };
  static constexpr Figure figures[] = {{"mem_heap_B", &Snapshot::heap_bytes},
                                       {"mem_heap_extra_B", &Snapshot::extra_bytes},
                                       {"mem_stacks_B", &Snapshot::stack_bytes}};
  for (const Figure& figure : figures) {
    const auto text = field(figure.key);
    if (!text) return false;
    const auto value = parse_number<std::uint64_t>(*text);
    if (!value) {
      damage("a snapshot's figure is no number");
      return false;
    }
    snapshot.*figure.value = *value;
  }
  const auto tree = field("heap_tree");
  if (!tree) return false;
  snapshot.tree = *tree == "peak" ? TreeKind::peak : *tree == "detailed" ? TreeKind::detailed : TreeKind::none;
  snapshot.tree_offset = lines_.next_offset();
  return true;
}

void Reader::open_tree(const Snapshot& snapshot) {
  lines_.seek(snapshot.tree_offset);
  missing_children_.clear();
  is_first_node_ = true;
}

/// True if a node above it still misses a child: what hangs below a damaged line hangs nowhere.
bool Reader::takes(const Node& node) {
  if (node.depth == 0) return is_first_node_;
  if (node.depth > missing_children_.size() || missing_children_[node.depth - 1] == 0) return false;
  --missing_children_[node.depth - 1];
  missing_children_.resize(node.depth);
  return true;
}

std::optional<Node> Reader::next_node() {
  while (lines_.next()) {
    const std::string_view line = lines_.line();
    if (line.starts_with('#') || line.starts_with("snapshot=") || line.starts_with("desc:")) {
      lines_.seek(lines_.offset());
      return std::nullopt;
    }
    if (line.empty()) continue;
    std::optional<Node> node = lines_.is_whole() ? parse_node(line) : std::nullopt;
    if (!node || !takes(*node)) {
      damage(lines_.is_whole() ? "a line of a tree that has no place in it" : "a tree breaks off");
      continue;
    }
    node->offset = lines_.offset();
    missing_children_.push_back(node->child_count);
    is_first_node_ = false;
    return node;
  }
  return std::nullopt;
}

}  // namespace formats::massif
