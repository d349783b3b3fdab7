#include "analyzer/passes/locality.h"

#include <algorithm>
#include <array>
#include <bit>
#include <unordered_map>

#include "analyzer/passes/edge_filter.h"
#include "analyzer/passes/work_array.h"

namespace analyzer {
namespace {

using queries::ClassId;
using queries::LocalityRow;
using queries::no_object;
using queries::ObjectId;
using queries::WalkRow;

constexpr std::uint64_t line = 64;
constexpr std::uint64_t page = 4096;
constexpr std::uint64_t most_pairs = 2'000'000;
constexpr std::uint32_t most_asked = 1'000'000;
constexpr std::uint32_t sampled_nodes = 64;  // of a class: asked whether it is one of nodes

/// Where objects lie, shortened (see the header).
class Places {
 public:
  explicit Places(const queries::Snapshot& snapshot) : at_(snapshot.object_count) {
    std::uint64_t last = 0;
    std::uint64_t here = page;
    snapshot.addresses.for_each([&](ObjectId id, std::uint64_t address) {
      std::uint64_t gap = index(id) == 0 ? 0 : address - last;
      if (index(id) == 0) here += address % page;
      if (gap > longest_gap) gap = longest_gap + (address - here) % page;
      here += gap;
      last = address;
      at_[index(id)] = here / granule > 0xFFFF'FFFF ? 0 : static_cast<std::uint32_t>(here / granule);
    });
  }
  /// 0 = left out.
  [[nodiscard]] std::uint64_t of(ObjectId id) const { return std::uint64_t{at_[index(id)]} * granule; }

 private:
  static constexpr std::uint64_t granule = 8;
  static constexpr std::uint64_t longest_gap = 1 << 20;  // a multiple of the page
  WorkArray<std::uint32_t> at_;
};

class Finder {
 public:
  Finder(const queries::Snapshot& snapshot, const queries::HeapGraph& graph)
      : graph_(graph), filter_(graph, queries::follow_collector), places_(snapshot) {}

  void pairs(const std::vector<ObjectId>& dominator, Locality& found, std::size_t row_limit) {
    struct Sum {
      LocalityRow row;
      std::array<std::uint32_t, 48> by_power{};
    };
    std::vector<Sum> sums;
    std::unordered_map<std::uint64_t, std::size_t> numbers;
    const std::uint64_t step = (dominator.size() + most_pairs - 1) / most_pairs;
    std::uint64_t last_key = ~std::uint64_t{0};
    std::size_t last = 0;
    LocalityRow all;
    for (std::uint64_t i = 0; i < dominator.size(); i += step) {
      const ObjectId owner = dominator[i];
      if (owner == no_object) continue;
      const ObjectId owned{static_cast<std::uint32_t>(i)};
      const std::uint64_t a = places_.of(owner);
      const std::uint64_t b = places_.of(owned);
      if (a == 0 || b == 0) continue;
      const std::uint64_t key = (std::uint64_t{index(graph_.class_of(owner))} << 32) | index(graph_.class_of(owned));
      if (key != last_key) {
        const auto [at, is_new] = numbers.try_emplace(key, sums.size());
        if (is_new) {
          sums.emplace_back();
          sums.back().row.owner = graph_.class_of(owner);
          sums.back().row.owned = graph_.class_of(owned);
        }
        last = at->second;
        last_key = key;
      }
      const std::uint64_t end_a = a + std::max<std::uint64_t>(graph_.shallow_size(owner), 1);
      const std::uint64_t end_b = b + std::max<std::uint64_t>(graph_.shallow_size(owned), 1);
      const std::uint64_t distance = b >= end_a ? b - end_a : a >= end_b ? a - end_b : 0;
      const auto shares = [&](std::uint64_t unit) { return b / unit >= a / unit && b / unit <= (end_a - 1) / unit; };
      Sum& sum = sums[last];
      for (LocalityRow* row : {&sum.row, &all}) {
        ++row->object_count;
        row->same_line += shares(line) ? 1 : 0;
        row->same_page += shares(page) ? 1 : 0;
      }
      ++sum.by_power[std::min<std::size_t>(static_cast<std::size_t>(64 - std::countl_zero(distance)), 47)];
    }
    for (Sum& sum : sums) {
      std::uint64_t below = 0;
      for (std::size_t power = 0; power < sum.by_power.size(); ++power) {
        below += sum.by_power[power];
        if (2 * below < sum.row.object_count) continue;
        sum.row.median_distance = power == 0 ? 0 : std::uint64_t{1} << power;
        break;
      }
      found.pairs.push_back(sum.row);
    }
    std::stable_sort(found.pairs.begin(), found.pairs.end(), [](const LocalityRow& a, const LocalityRow& b) {
      if (a.object_count != b.object_count) return a.object_count > b.object_count;
      return std::pair(index(a.owner), index(a.owned)) < std::pair(index(b.owner), index(b.owned));
    });
    if (found.pairs.size() > row_limit) found.pairs.resize(row_limit);
    found.metrics.push_back({"locality.owned_count", static_cast<double>(all.object_count), "count"});
    found.metrics.push_back({"locality.same_line_count", static_cast<double>(all.same_line), "count"});
    found.metrics.push_back({"locality.same_page_count", static_cast<double>(all.same_page), "count"});
    found.metrics.push_back({"locality.sampled_every", static_cast<double>(std::max<std::uint64_t>(step, 1)), "count"});
  }

  void walks(Locality& found, std::size_t row_limit) {
    find_node_classes();
    linked(found.walks);
    arrays(found.walks);
    std::stable_sort(found.walks.begin(), found.walks.end(), [](const WalkRow& a, const WalkRow& b) {
      if (a.element_count != b.element_count) return a.element_count > b.element_count;
      return a.first < b.first;
    });
    WalkRow all;
    for (const WalkRow& row : found.walks) {
      all.element_count += row.element_count;
      all.page_changes += row.page_changes;
      all.near_count += row.near_count;
    }
    found.metrics.push_back({"locality.walk_count", static_cast<double>(found.walks.size()), "count"});
    found.metrics.push_back({"locality.walked_count", static_cast<double>(all.element_count), "count"});
    found.metrics.push_back({"locality.near_count", static_cast<double>(all.near_count), "count"});
    found.metrics.push_back({"locality.page_changes", static_cast<double>(all.page_changes), "count"});
    if (found.walks.size() > row_limit) found.walks.resize(row_limit);
  }

 private:
  template <typename F>
  void for_each_peer(ObjectId id, F&& f) const {
    const ClassId own = graph_.class_of(id);
    for (std::uint32_t edge = graph_.edges_begin(id), end = graph_.edges_end(id); edge < end; ++edge) {
      const ObjectId target = graph_.target(edge);
      if (target != id && filter_.takes(edge) && graph_.class_of(target) == own) f(target);
    }
  }

  /// Classes of which most objects that were asked lead to another of the class.
  void find_node_classes() {
    std::vector<std::uint32_t> asked(graph_.class_count());
    std::vector<std::uint32_t> leads(graph_.class_count());
    const std::uint32_t count = std::min(graph_.object_count(), most_asked);
    for (std::uint64_t i = 0; i < count; ++i) {
      const bool is_all = count == graph_.object_count();
      const ObjectId id{static_cast<std::uint32_t>(is_all ? i : i * 0x9E37'79B1 % graph_.object_count())};
      const std::size_t own = index(graph_.class_of(id));
      if (asked[own] >= sampled_nodes || graph_.edge_count(id) > 64) continue;
      ++asked[own];
      bool leads_on = false;
      for_each_peer(id, [&](ObjectId) { leads_on = true; });
      leads[own] += leads_on ? 1 : 0;
    }
    is_node_.assign(graph_.class_count(), false);
    // A tree's leaves lead nowhere: half of it.
    for (std::size_t i = 0; i < asked.size(); ++i) is_node_[i] = asked[i] != 0 && leads[i] * 4 >= asked[i];
  }

  void linked(std::vector<WalkRow>& rows) {
    if (std::find(is_node_.begin(), is_node_.end(), true) == is_node_.end()) return;
    queries::Bitmap is_led_to(graph_.object_count());
    const auto for_each_node = [&](auto&& f) {
      for (std::uint32_t i = 0; i < graph_.object_count(); ++i) {
        if (is_node_[index(graph_.class_of(ObjectId{i}))]) f(ObjectId{i});
      }
    };
    for_each_node([&](ObjectId id) { for_each_peer(id, [&](ObjectId to) { is_led_to.set(index(to)); }); });
    queries::Bitmap visited(graph_.object_count());
    const auto walk = [&](ObjectId first) {
      if (!visited.set_if_clear(index(first))) return;
      order_.clear();
      stack_.assign(1, first);
      while (!stack_.empty()) {
        const ObjectId id = stack_.back();
        stack_.pop_back();
        order_.push_back(id);
        const std::size_t bottom = stack_.size();
        for_each_peer(id, [&](ObjectId to) {
          if (visited.set_if_clear(index(to))) stack_.push_back(to);
        });
        std::reverse(stack_.begin() + static_cast<std::ptrdiff_t>(bottom), stack_.end());  // first slot first
      }
      if (order_.size() >= least_elements) rows.push_back(measure(true, first));
    };
    for_each_node([&](ObjectId id) {
      if (!is_led_to.test(index(id))) walk(id);
    });
    for_each_node(walk);  // circles
  }

  void arrays(std::vector<WalkRow>& rows) {
    for (std::uint32_t i = 0; i < graph_.object_count(); ++i) {
      const ObjectId id{i};
      const std::uint32_t count = graph_.edge_count(id);
      if (count < least_elements || std::uint64_t{count} * 32 < graph_.shallow_size(id)) continue;
      order_.clear();
      for (std::uint32_t edge = graph_.edges_begin(id), end = graph_.edges_end(id); edge < end; ++edge) {
        if (filter_.takes(edge)) order_.push_back(graph_.target(edge));
      }
      if (order_.size() >= least_elements) rows.push_back(measure(false, id));
    }
  }

  /// Of order_, which it sorts.
  WalkRow measure(bool is_linked, ObjectId first) {
    WalkRow row;
    row.is_linked = is_linked;
    row.first = first;
    row.element_count = order_.size();
    std::size_t votes = 0;
    std::uint64_t before = 0;
    std::uint64_t before_end = 0;
    for (const ObjectId id : order_) {
      const ClassId own = graph_.class_of(id);
      if (votes == 0) row.class_id = own;
      votes += row.class_id == own ? 1 : ~std::size_t{0};
      const std::uint64_t at = places_.of(id);
      if (at == 0) continue;
      const std::uint64_t size = std::max<std::uint64_t>(graph_.shallow_size(id), 1);
      if (before != 0) {
        row.near_count += at / line >= before / line && at / line <= (before_end - 1) / line + 1 ? 1 : 0;
        row.page_changes += at / page != before / page ? 1 : 0;
      }
      before = at;
      before_end = at + size;
    }
    std::sort(order_.begin(), order_.end());
    order_.erase(std::unique(order_.begin(), order_.end()), order_.end());
    std::uint64_t next_line = 0;
    std::uint64_t next_page = 0;
    for (const ObjectId id : order_) {
      const std::uint64_t at = places_.of(id);
      const std::uint64_t size = std::max<std::uint64_t>(graph_.shallow_size(id), 1);
      row.bytes += size;
      if (at == 0) continue;
      add_units(at, at + size, line, next_line, row.line_count);
      add_units(at, at + size, page, next_page, row.page_count);
    }
    return row;
  }

  static void add_units(std::uint64_t begin, std::uint64_t end, std::uint64_t unit, std::uint64_t& next,
                        std::uint64_t& count) {
    const std::uint64_t first = std::max(begin / unit, next);
    const std::uint64_t last = (end - 1) / unit;
    if (last < first) return;
    count += last - first + 1;
    next = last + 1;
  }

  const queries::HeapGraph& graph_;
  EdgeFilter filter_;
  Places places_;
  std::vector<bool> is_node_;  ///< by class
  std::vector<ObjectId> order_;
  std::vector<ObjectId> stack_;
};

}  // namespace

Locality find_locality(const queries::Snapshot& snapshot, const queries::HeapGraph& graph,
                       const std::vector<ObjectId>& dominator, std::size_t row_limit) {
  Locality found;
  if (graph.object_count() == 0) return found;
  Finder finder(snapshot, graph);
  finder.pairs(dominator, found, row_limit);
  finder.walks(found, row_limit);
  return found;
}

}  // namespace analyzer
