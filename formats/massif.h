// Massif's output (massif/ms_main.c, write_snapshot_to_file; manual "Massif: a heap profiler"): snapshots of a
// program's heap over time, some with the tree of who allocated what is live. heaptrack_print -M and Valgrind's xtrees
// (--xtree-memory-file=….ms) write the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/text_lines.h"

namespace formats::massif {

/// "desc:", "cmd:" and "time_unit:" lines, in this order; or a snapshot (heaptrack 1.4 writes those lines last).
[[nodiscard]] bool looks_like(Bytes head);

struct Header {
  std::string_view description;  ///< of the first desc line: options of the run, "xtree.…" for an xtree
  std::string_view command;
  std::string_view time_unit;  ///< "i" instructions, "ms", "B" bytes allocated, "s" (heaptrack)
};

enum class TreeKind : std::uint8_t { none, detailed, peak };

struct Snapshot {
  std::uint64_t number = 0;
  double time = 0;               ///< in Header::time_unit
  std::uint64_t heap_bytes = 0;  ///< as requested; pages with --pages-as-heap=yes
  std::uint64_t extra_bytes = 0;
  std::uint64_t stack_bytes = 0;
  TreeKind tree = TreeKind::none;
  std::uint64_t tree_offset = 0;  ///< in the input
};

/// A line of a tree. Depth 0 is the sum of all; the allocating functions come next, callers below them. Massif's
/// children sum to their node, heaptrack's need not.
struct Node {
  std::uint32_t depth = 0;
  std::uint64_t child_count = 0;
  std::uint64_t bytes = 0;
  std::string_view text;      ///< a frame (formats/valgrind_frame.h), or what the sum is of
  bool is_remainder = false;  ///< "in N places, all below massif's threshold": no frame
  std::uint64_t offset = 0;
};

class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage);

  [[nodiscard]] const Header& header() const { return header_; }
  /// The next snapshot's figures; its tree is passed over. Linear in what it passes.
  std::optional<Snapshot> next();
  /// From here on next_node() reads the tree of `snapshot`.
  void open_tree(const Snapshot& snapshot);
  std::optional<Node> next_node();

 private:
  void read_header();
  bool read_figures(Snapshot& snapshot);
  bool takes(const Node& node);
  void damage(const char* what);
  std::optional<std::string_view> field(std::string_view key);

  TextLines lines_;
  DamageLog& damage_;
  Header header_;
  std::vector<std::uint64_t> missing_children_;  // of the last node and those above it, by depth
  bool is_first_node_ = false;
};

}  // namespace formats::massif
