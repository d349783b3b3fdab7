#include "importers/native_nodes.h"

#include <array>

namespace importers::native {
namespace {

using queries::no_object;
using queries::ObjectId;

constexpr std::size_t tallest_tree = 128;  // a red-black tree of n nodes is at most 2 log2(n + 1) high

bool may_point(std::uint64_t word) { return word >= 4096 && word >> 47 == 0 && (word & 7) == 0; }

/// A count that may be one off when an element is being put in or taken out.
bool counts(std::uint64_t counted, std::uint64_t found) {
  return counted == found || (found >= 8 && (counted == found + 1 || counted + 1 == found));
}

}  // namespace

void NodeFinder::look_at(ObjectId id, std::uint64_t address) {
  static constexpr Tree libstdcxx{8, 16, 24, 8, 32, false};
  static constexpr Tree libcxx{16, 0, 8, 0, 8, true};
  const std::byte* bytes = memory_.span(address, 24);
  if (bytes == nullptr) return;
  const std::array<std::uint64_t, 3> word{formats::load_le<std::uint64_t>(bytes),
                                          formats::load_le<std::uint64_t>(bytes + 8),
                                          formats::load_le<std::uint64_t>(bytes + 16)};
  if (may_point(word[0]) && may_point(word[1])) list(id, address);
  if (claims_.shape(id) != Shape::none || claims_.blocks().usable(id) < 33) return;
  if ((word[0] & 0xFFFF'FFFF) <= 1 && may_point(word[1])) tree(id, address, libstdcxx);
  if (claims_.shape(id) == Shape::none && may_point(word[2]) && (word[0] == 0 || may_point(word[0])) &&
      (word[1] == 0 || may_point(word[1]))) {
    tree(id, address, libcxx);
  }
}

void NodeFinder::claim_all(Shape shape, std::uint64_t header) {
  for (const ObjectId node : found_) claims_.claim(node, shape, header);
}

void NodeFinder::refuse_all(ObjectId id) {
  for (const ObjectId node : found_) claims_.refuse(node);
  claims_.refuse(id);
}

// ---- lists ----

/// Follows the first links from `start` until it comes back. An element that begins no block is the sentinel; there may
/// be one.
NodeFinder::Walk NodeFinder::walk_ring(std::uint64_t start, std::uint64_t& sentinel) {
  found_.clear();
  std::uint64_t at = start;
  do {
    const ObjectId id = claims_.blocks().at(at);
    if (id == no_object) {
      if (sentinel != 0) return Walk::broken;
      sentinel = at;
    } else {
      if (!claims_.is_open(id)) return Walk::broken;
      found_.push_back(id);
    }
    std::uint64_t next = 0;
    std::uint64_t back = 0;
    if (!memory_.word(at, next)) return Walk::cut;
    if (!may_point(next)) return Walk::broken;
    if (!memory_.word(next + 8, back)) return Walk::cut;
    if (back != at || !claims_.step()) return Walk::broken;
    at = next;
  } while (at != start);
  return Walk::whole;
}

std::uint64_t NodeFinder::take_sentinel() {
  std::size_t found = found_.size();
  for (std::size_t i = 0; i < found_.size(); ++i) {
    if (!memory_.holds(claims_.blocks().address(found_[i]) + 16, found_.size() - 1)) continue;
    if (found != found_.size()) return 0;
    found = i;
  }
  if (found == found_.size()) return 0;
  const std::uint64_t address = claims_.blocks().address(found_[found]);
  found_.erase(found_.begin() + static_cast<std::ptrdiff_t>(found));
  return address;
}

void NodeFinder::list(ObjectId id, std::uint64_t address) {
  std::uint64_t next = 0;
  std::uint64_t previous = 0;
  if (!memory_.word(address, next) || !memory_.word(address + 8, previous) || next == address) return;
  if (!memory_.holds(next + 8, address) || !memory_.holds(previous, address)) return;
  std::uint64_t sentinel = 0;
  const Walk walk = walk_ring(address, sentinel);
  if (walk == Walk::cut && found_.size() >= 3) return claim_all(Shape::linked_node, sentinel);
  if (walk != Walk::whole) return refuse_all(id);
  if (sentinel == 0) {
    sentinel = take_sentinel();
    if (sentinel == 0) {
      if (found_.size() >= 3) return claim_all(Shape::linked_node, 0);
      return refuse_all(id);
    }
    claims_.refuse(claims_.blocks().at(sentinel));
  }
  std::uint64_t count = 0;
  if (memory_.word(sentinel + 16, count) && counts(count, found_.size())) {
    return claim_all(Shape::list_node, sentinel);
  }
  if (found_.size() >= 2) return claim_all(Shape::linked_node, sentinel);  // a head without a count
  refuse_all(id);
}

// ---- trees ----

bool NodeFinder::is_tree_node(std::uint64_t address, const Tree& layout) {
  const std::byte* bytes = memory_.span(address, 32);
  if (bytes == nullptr) return false;
  const auto color =
      layout.is_libcxx ? formats::load_le<std::uint8_t>(bytes + 24) : formats::load_le<std::uint32_t>(bytes);
  if (color > 1) return false;
  const auto left = formats::load_le<std::uint64_t>(bytes + layout.left);
  const auto right = formats::load_le<std::uint64_t>(bytes + layout.right);
  if (left != 0 && left == right) return false;
  for (const std::uint64_t child : {left, right}) {
    if (child != 0 && (!may_point(child) || !memory_.holds(child + layout.parent, address))) return false;
  }
  const auto parent = formats::load_le<std::uint64_t>(bytes + layout.parent);
  return may_point(parent) &&
         (memory_.holds(parent + layout.left, address) || memory_.holds(parent + layout.right, address) ||
          memory_.holds(parent + layout.root, address));
}

/// Climbs; 0 when there is no header within the height of a tree.
std::uint64_t NodeFinder::header_of(std::uint64_t node, const Tree& layout, std::uint64_t& root) {
  for (std::size_t height = 0; height < tallest_tree; ++height) {
    std::uint64_t parent = 0;
    if (!memory_.word(node + layout.parent, parent) || !may_point(parent)) return 0;
    // The root and its header point to each other. libc++'s header is no node and begins no block: it is the second
    // word of a map.
    const bool is_header =
        memory_.holds(parent + layout.root, node) && (!layout.is_libcxx || claims_.blocks().at(parent) == no_object);
    if (is_header) {
      root = node;
      return parent;
    }
    if (!memory_.holds(parent + layout.left, node) && !memory_.holds(parent + layout.right, node)) return 0;
    node = parent;
  }
  return 0;
}

/// All nodes below `root`; every node is reached once, as it has one parent and its parent has it once.
NodeFinder::Walk NodeFinder::walk_tree(std::uint64_t root, std::uint64_t limit, const Tree& layout) {
  std::array<std::uint64_t, tallest_tree + 1> open{};
  std::size_t depth = 0;
  open[depth++] = root;
  Walk walk = Walk::whole;
  while (depth != 0) {
    const std::uint64_t node = open[--depth];
    const ObjectId id = claims_.blocks().at(node);
    if (memory_.span(node, 32) == nullptr) {
      walk = Walk::cut;
      continue;
    }
    if (id == no_object || !claims_.is_open(id) || found_.size() >= limit || !claims_.step()) return Walk::broken;
    if (!is_tree_node(node, layout)) {  // a child that is missing is no broken link
      bool missing = false;
      for (const std::uint64_t offset : {layout.left, layout.right}) {
        std::uint64_t child = 0;
        missing |= memory_.word(node + offset, child) && may_point(child) && memory_.span(child, 32) == nullptr;
      }
      if (!missing) return Walk::broken;
      walk = Walk::cut;
    }
    found_.push_back(id);
    for (const std::uint64_t offset : {layout.right, layout.left}) {
      std::uint64_t child = 0;
      if (!memory_.word(node + offset, child) || child == 0) continue;
      if (depth == open.size()) return Walk::broken;
      open[depth++] = child;
    }
  }
  return walk;
}

void NodeFinder::tree(ObjectId id, std::uint64_t address, const Tree& layout) {
  if (!is_tree_node(address, layout)) return;
  found_.clear();
  std::uint64_t root = 0;
  std::uint64_t count = 0;
  const std::uint64_t header = header_of(address, layout, root);
  if (header == 0 || !memory_.word(header + layout.count, count) || count == 0 ||
      count > std::uint64_t{claims_.blocks().count()} + 1) {
    return;
  }
  const Walk walk = walk_tree(root, count + 1, layout);
  if (walk == Walk::broken || (walk == Walk::whole && !counts(count, found_.size()))) return refuse_all(id);
  // What std::begin() gives: the header knows the leftmost node.
  std::uint64_t leftmost = root;
  std::uint64_t next = 0;
  for (std::size_t height = 0; height < tallest_tree && memory_.word(leftmost + layout.left, next) && next != 0;
       ++height) {
    leftmost = next;
  }
  if (walk == Walk::whole && !memory_.holds(layout.is_libcxx ? header - 8 : header + 16, leftmost)) {
    return refuse_all(id);
  }
  claim_all(Shape::tree_node, header);
}

}  // namespace importers::native
