#include "analyzer/suspects/native_words.h"

#include <array>

#include "analyzer/quantities.h"

namespace analyzer {
namespace {

using queries::no_object;

struct Part {
  std::string_view class_name;
  std::string_view container;
  std::string_view unit;
  bool is_keyed;
};
constexpr std::array<Part, 9> parts{{
    {"std::map/set node", "std::map/set", "entries", true},
    {"std::unordered_map/set node", "std::unordered_map/set", "entries", true},
    {"std::unordered_map/set buckets", "std::unordered_map/set", "", true},
    {"std::list node", "std::list", "elements", false},
    {"node of a doubly linked list", "doubly linked list", "nodes", false},
    {"std::vector body", "std::vector", "", false},
    {"std::deque map", "std::deque", "", false},
    {"std::deque block", "std::deque", "", false},
    {"std::string body", "std::string", "", false},
}};

constexpr std::uint64_t many_entries = 256;

/// "Session (+0x18)" → "in Session+0x18"; "a stack" → "on a stack"; "response_cache" stays.
std::string owner_text(std::string owner) {
  if (const std::size_t offset = owner.rfind(" (+0x"); offset != std::string::npos && owner.ends_with(')')) {
    owner.pop_back();
    return "in " + owner.erase(offset, 2);
  }
  if (owner == "a stack") return "on a stack";
  if (owner == "other memory" || owner.starts_with("static data of ")) return "in " + owner;
  return owner;
}

}  // namespace

std::optional<NativeContainer> native_container(std::string_view class_name) {
  for (const Part& part : parts) {
    if (!class_name.starts_with(part.class_name)) continue;
    std::string_view rest = class_name.substr(part.class_name.size());
    NativeContainer container{std::string(part.container), part.unit, part.is_keyed};
    constexpr std::string_view of = " of ";
    if (rest.starts_with(of)) {
      container.name += ' ' + owner_text(std::string(rest.substr(of.size())));
    } else if (!rest.empty()) {
      continue;
    }
    return container;
  }
  return std::nullopt;
}

std::string native_root_text(const RootPath& path) {
  if (path.empty()) return {};
  const std::string& root = path.front().name;
  constexpr std::string_view in_frame = "stack in ";
  if (root.starts_with("static ")) return root;
  if (root.starts_with(in_frame)) return "the stack of " + root.substr(in_frame.size());
  if (root == "stack") return "a stack";
  if (root == "thread_local") return "thread-local data";
  if (root == "register") return "a register";
  if (root == "mapped_memory") return "memory of no known use";
  return {};
}

std::optional<Cause> native_container_cause(std::string_view class_name, const RootPath& path, std::uint64_t count,
                                            std::uint64_t bytes) {
  const std::optional<NativeContainer> container = native_container(class_name);
  if (!container || container->unit.empty() || count < many_entries) return std::nullopt;
  const bool is_local = !path.empty() && path.front().name.starts_with("stack");
  if (!container->may_grow_unseen || is_local) return std::nullopt;
  Cause cause;
  cause.name = "unbounded_map";
  cause.bytes = bytes;
  cause.headline = container->name + " holds " + format_count(count) + ' ' + std::string(container->unit);
  cause.story =
      "A " + container->name + " has " + format_count(count) +
      " entries and outlives the function calls that filled it: what nobody erases stays as long as the process.";
  cause.advice =
      "Bound it: erase entries when their use is over, or evict the oldest beyond a size. Two cores of one process, "
      "`heapql diff FIRST SECOND`, show whether it grows.";
  cause.facts.push_back({"size", no_object, static_cast<std::int64_t>(count), -1,
                         format_count(count) + ' ' + std::string(container->unit)});
  return cause;
}

std::string native_advice(const std::string& holder) {
  return "Look at what fills " + (holder.empty() ? std::string("it") : holder) +
         ", and whether anything takes out of it what is no longer used; `heapql path` shows why one block is held, "
         "`heapql diff` of two cores of the process what grows.";
}

}  // namespace analyzer
