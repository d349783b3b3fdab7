#include "analyzer/suspects/leak_words.h"

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/suspects/object_words.h"
#include "analyzer/suspects/root_words.h"

namespace analyzer {
namespace {

using namespace queries;

constexpr std::size_t most_described = 200;  // rows of each certainty
constexpr std::string_view made_shared = "std::make_shared block of ";
constexpr std::string_view control_block = "std::shared_ptr control block of ";
constexpr std::uint64_t payload_offset = 16;  // of the object in its std::make_shared block

/// Where a reference lies in its object: "Session+0x28", "Session.peer".
std::string place_text(std::string owner, std::string name) {
  if (owner.starts_with(made_shared)) {
    owner.erase(0, made_shared.size());
    std::uint64_t offset = 0;
    constexpr std::string_view prefix = "+0x";
    if (name.starts_with(prefix)) {
      const char* end = name.data() + name.size();
      const auto [at, error] = std::from_chars(name.data() + prefix.size(), end, offset, 16);
      if (error == std::errc() && at == end && offset >= payload_offset) {
        char text[24];
        std::snprintf(text, sizeof text, "+0x%llx", static_cast<unsigned long long>(offset - payload_offset));
        name = text;
      }
    }
  }
  const bool is_place = name.empty() || name.front() == '+' || name.front() == '[';
  return is_place ? owner + name : owner + '.' + name;
}

class LeakWords {
 public:
  LeakWords(const Snapshot& snapshot, const HeapGraph& graph, const ObjectDetails& details)
      : snapshot_(snapshot), details_(details), words_(snapshot, graph) {}

  [[nodiscard]] std::string cycle(const LeakRow& row) const {
    if (row.cycle.empty()) {
      return row.cycle_count == 0 ? std::string() : std::string("a cycle of many objects");
    }
    bool is_shared = true;
    std::vector<std::string> places;
    for (std::size_t i = 0; i < row.cycle.size(); ++i) {
      const ObjectId from = row.cycle[i];
      const ObjectId to = row.cycle[(i + 1) % row.cycle.size()];
      if (is_control_block(from)) continue;
      is_shared = is_shared && is_owned_by_shared_ptr(from, to);
      places.push_back(place_text(words_.label(from), details_.reference_name(from, to)));
    }
    std::string text = is_shared && !places.empty() ? "std::shared_ptr cycle: " : "cycle: ";
    if (places.size() == 1) return text + places[0] + " \u2192 itself";
    if (places.size() == 2) return text + places[0] + " \u2194 " + places[1];
    for (const std::string& place : places) text += place + " \u2192 ";
    return text + words_.label(row.cycle.front());
  }

  [[nodiscard]] std::string why(const LeakRow& row) const {
    if (row.holder != no_object) {
      return place_text(words_.label(row.holder), details_.reference_name(row.holder, row.example)) + " of #" +
             std::to_string(index(row.holder)) +
             " (live part): " + std::string(to_text(details_.reference_doubt(row.holder, row.example)));
    }
    const RootRow* root = telling_root(snapshot_, row.example);
    return root == nullptr ? std::string() : root_title(snapshot_, *root) + ": " + std::string(to_text(root->doubt));
  }

 private:
  [[nodiscard]] bool is_control_block(ObjectId id) const { return words_.label(id).starts_with(control_block); }

  /// Whether `from` holds `to` by a std::shared_ptr: through its control block, in one block with it, or with a pointer
  /// to the control block right behind the one to the object.
  [[nodiscard]] bool is_owned_by_shared_ptr(ObjectId from, ObjectId to) const {
    if (is_control_block(to) || words_.label(to).starts_with(made_shared)) return true;
    const std::vector<FieldValue> fields = details_.fields(from);
    for (std::size_t i = 0; i + 1 < fields.size(); ++i) {
      if (fields[i].target == to && fields[i + 1].slot == fields[i].slot + 1 &&
          is_control_block(fields[i + 1].target)) {
        return true;
      }
    }
    return false;
  }

  const Snapshot& snapshot_;
  const ObjectDetails& details_;
  ObjectWords words_;
};

}  // namespace

void describe_leaks(const Snapshot& snapshot, const HeapGraph& graph, const ObjectDetails& details, Results& results) {
  const LeakWords words(snapshot, graph, details);
  std::size_t described[2] = {0, 0};
  for (LeakRow& row : results.leaks) {
    if (++described[row.is_certain ? 1 : 0] > most_described) continue;
    row.cycle_text = words.cycle(row);
    if (!row.is_certain) row.why = words.why(row);
  }
}

}  // namespace analyzer
