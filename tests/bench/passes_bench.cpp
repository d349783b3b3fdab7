// What the passes cost: CPU nanoseconds and peak bytes of work memory per object, on a synthetic heap with what decides
// the cost of a real one: heavy-tailed in-degrees, long lists, leaves, class edges, some garbage. Beside them, on the
// same graph, the algorithm of Eclipse MAT (simple Lengauer–Tarjan), as a ratio that survives a noisy machine.
//
//   passes_bench [objects = 10000000] [runs = 3]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/passes/components.h"
#include "analyzer/passes/dominators.h"
#include "analyzer/passes/mark.h"
#include "analyzer/passes/reachability.h"
#include "analyzer/passes/retained_sets.h"
#include "analyzer/passes/retained_sizes.h"

namespace {

using queries::ObjectId;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::uint64_t status_bytes(const char* key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key, 0) == 0)
      return std::strtoull(line.c_str() + std::char_traits<char>::length(key), nullptr, 10) * 1024;
  }
  return 0;
}

/// Half the objects are leaves; a tenth forms lists of up to a million nodes; 3 % is garbage; two references each.
queries::Snapshot make_heap(std::uint32_t n) {
  std::mt19937_64 random(2026);
  const auto below = [&](std::uint64_t limit) { return static_cast<std::uint32_t>(random() % limit); };
  constexpr std::uint32_t classes = 1000;
  queries::Snapshot heap;
  heap.object_count = n;
  heap.classes.resize(classes);
  for (std::uint32_t c = 0; c < classes; ++c) {
    heap.classes[c].object = ObjectId{c};                      // the first objects are the classes
    if (c % 4 != 0) heap.direct_roots.push_back(ObjectId{c});  // those of the boot loader are roots
  }
  constexpr std::uint32_t threads = 50;
  for (std::uint32_t t = 0; t < threads; ++t) heap.direct_roots.push_back(ObjectId{classes + t});

  heap.class_of.reserve(n);
  heap.shallow.reserve(n);
  std::vector<bool> leaf(n, false);
  for (std::uint32_t v = 0; v < n; ++v) {
    // Few classes have most of the instances.
    const double skew = static_cast<double>(below(1 << 20)) / (1 << 20);
    heap.class_of.push_back(queries::ClassId{static_cast<std::uint32_t>(skew * skew * skew * classes)});
    leaf[v] = v > classes + threads && below(2) == 0;
    heap.shallow.push_back(leaf[v] ? 16 + 8 * std::uint64_t{below(12)} : 16 + 8 * std::uint64_t{below(5)});
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  edges.reserve(std::size_t{n} * 2 + n / 8);
  const auto inner_near = [&](std::uint32_t v, std::uint32_t distance) {
    std::uint32_t w = v - 1 - below(std::min(distance, v));
    while (leaf[w]) --w;
    return w;
  };
  std::uint32_t list_left = 0;
  std::uint32_t list_node = 0;
  for (std::uint32_t v = classes + threads; v < n; ++v) {
    if (below(100) < 3) continue;  // garbage, unless something else points to it
    if (!leaf[v] && list_left > 0 && below(5) == 0) {
      edges.emplace_back(list_node, v);  // the list goes on
      if (below(2) == 0) edges.emplace_back(v, list_node);
      list_node = v;
      --list_left;
      continue;
    }
    if (!leaf[v] && list_left == 0) {
      list_left = 1000 + below(1'000'000);
      list_node = v;
    }
    edges.emplace_back(inner_near(v, below(4) == 0 ? v : 64), v);
  }
  while (edges.size() < std::size_t{n} * 2) {
    const std::uint32_t source = inner_near(classes + threads + 1 + below(n - classes - threads - 1), 8);
    const std::uint32_t kind = below(10);
    std::uint32_t target = below(n);
    if (kind < 5) target = std::min(n - 1, source + below(200));               // near
    if (kind >= 8) target = static_cast<std::uint32_t>(n >> (4 + below(16)));  // popular ones
    edges.emplace_back(source, target);
  }
  std::vector<std::uint32_t> first(std::size_t{n} + 1, 0);
  for (const auto& [v, w] : edges) ++first[v + 1];
  for (std::uint32_t v = 0; v < n; ++v) first[v + 1] += first[v];
  heap.references.first.assign(first);
  heap.references.target.resize(edges.size());
  std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
  for (const auto& [v, w] : edges) heap.references.target[next[v]++] = ObjectId{w};
  return heap;
}

/// Lengauer and Tarjan, "A fast algorithm for finding dominators in a flowgraph" (1979), simple version with path
/// compression, in object ids, over an index of inbound references: what Eclipse MAT runs. 28 bytes per object.
class LengauerTarjan {
 public:
  explicit LengauerTarjan(const queries::HeapGraph& graph) : graph_(graph), n_(graph.object_count()) {}

  /// MAT has this index on disk from parsing; its cost is shown apart.
  void index_inbound() {
    inbound_first_.assign(std::size_t{n_} + 1, 0);
    const auto each = [&](auto f) {
      for (std::uint32_t v = 0; v < n_; ++v) {
        graph_.for_each_successor(ObjectId{v}, [&](ObjectId w, queries::Strength) { f(v, index(w)); });
      }
    };
    each([&](std::uint32_t, std::uint32_t w) { ++inbound_first_[w + 1]; });
    for (std::uint32_t v = 0; v < n_; ++v) inbound_first_[v + 1] += inbound_first_[v];
    inbound_.resize(inbound_first_[n_]);
    std::vector<std::uint64_t> next(inbound_first_.begin(), inbound_first_.end() - 1);
    each([&](std::uint32_t v, std::uint32_t w) { inbound_[next[w]++] = v; });
  }

  /// Immediate dominator + 1 by object; 0 = the virtual root or unreachable. Vertices are object + 1, 0 the root.
  std::vector<std::uint32_t> run() {
    const std::size_t size = std::size_t{n_} + 1;
    parent_.assign(size, 0);
    ancestor_.assign(size, none);
    vertex_.assign(size, 0);
    label_.resize(size);
    semi_.assign(size, 0);
    dom_.assign(size, 0);
    bucket_.assign(size, 0);
    for (std::uint32_t v = 0; v < size; ++v) label_[v] = v;
    is_root_.assign(size, false);
    reached_.assign(size, false);
    for (const ObjectId root : graph_.roots()) is_root_[index(root) + 1] = true;
    search();
    for (std::uint32_t i = count_; i > 0; --i) {
      const std::uint32_t w = vertex_[i];
      const auto consider = [&](std::uint32_t v) {
        if (v != 0 && !reached_[v]) return;
        const std::uint32_t u = v == 0 ? 0 : eval(v);
        semi_[w] = std::min(semi_[w], u == 0 ? 0 : semi_[u]);
      };
      if (is_root_[w]) {
        consider(0);
      } else {
        for (std::uint64_t e = inbound_first_[w - 1]; e < inbound_first_[w]; ++e) consider(inbound_[e] + 1);
      }
      const std::uint32_t s = vertex_[semi_[w]];
      next_in_bucket(w, s);
      ancestor_[w] = parent_[w];
      for (std::uint32_t v = take_bucket(parent_[w]); v != 0;) {
        const std::uint32_t following = bucket_link_[v];
        const std::uint32_t u = eval(v);
        dom_[v] = semi_[u] < semi_[v] ? u : parent_[w];
        v = following;
      }
    }
    for (std::uint32_t i = 1; i <= count_; ++i) {
      const std::uint32_t w = vertex_[i];
      if (dom_[w] != vertex_[semi_[w]]) dom_[w] = dom_[dom_[w]];
    }
    return {dom_.begin() + 1, dom_.end()};
  }

 private:
  static constexpr std::uint32_t none = 0xFFFF'FFFFu;

  void search() {
    struct Frame {
      std::uint32_t object, edge;
      bool class_done;
    };
    bucket_link_.assign(std::size_t{n_} + 1, 0);
    std::vector<Frame> stack;
    const auto visit = [&](std::uint32_t object, std::uint32_t parent) {
      semi_[object + 1] = ++count_;
      reached_[object + 1] = true;
      vertex_[count_] = object + 1;
      parent_[object + 1] = parent;
      stack.push_back({object, graph_.edges_begin(ObjectId{object}), false});
    };
    for (const ObjectId root : graph_.roots()) {
      if (semi_[index(root) + 1] != 0) continue;
      visit(index(root), 0);
      while (!stack.empty()) {
        Frame& top = stack.back();
        std::uint32_t next = none;
        while (top.edge < graph_.edges_end(ObjectId{top.object}) && next == none) {
          const std::uint32_t w = index(graph_.target(top.edge++));
          if (semi_[w + 1] == 0 && !is_root_[w + 1]) next = w;
        }
        if (next == none && !top.class_done) {
          top.class_done = true;
          const ObjectId class_object = graph_.class_edge(ObjectId{top.object});
          if (class_object != queries::no_object && semi_[index(class_object) + 1] == 0 &&
              !is_root_[index(class_object) + 1]) {
            next = index(class_object);
          }
        }
        if (next == none) {
          stack.pop_back();
        } else {
          visit(next, top.object + 1);
        }
      }
    }
  }
  void next_in_bucket(std::uint32_t w, std::uint32_t s) {
    bucket_link_[w] = bucket_[s];
    bucket_[s] = w;
  }
  std::uint32_t take_bucket(std::uint32_t v) { return std::exchange(bucket_[v], 0); }

  std::uint32_t eval(std::uint32_t v) {
    if (ancestor_[v] == none) return v;
    path_.clear();
    for (std::uint32_t u = v; ancestor_[ancestor_[u]] != none; u = ancestor_[u]) path_.push_back(u);
    for (std::size_t i = path_.size(); i-- > 0;) {
      const std::uint32_t u = path_[i];
      const std::uint32_t above = ancestor_[u];
      if (semi_[label_[above]] < semi_[label_[u]]) label_[u] = label_[above];
      ancestor_[u] = ancestor_[above];
    }
    return label_[v];
  }

  const queries::HeapGraph& graph_;
  std::uint32_t n_;
  std::uint32_t count_ = 0;
  std::vector<bool> is_root_, reached_;
  std::vector<std::uint64_t> inbound_first_;
  std::vector<std::uint32_t> inbound_;
  std::vector<std::uint32_t> parent_, ancestor_, vertex_, label_, semi_, dom_, bucket_, bucket_link_, path_;
};

struct Measured {
  double seconds = 0;
  double peak_bytes = 0;
};

/// Median of the runs; peak of resident memory over what was resident before (results included).
Measured measure(int runs, const std::function<void()>& work) {
  std::vector<double> seconds;
  double peak = 0;
  for (int run = 0; run < runs; ++run) {
    std::ofstream("/proc/self/clear_refs") << "5";  // resets the high-water mark
    const std::uint64_t before = status_bytes("VmRSS:");
    const double start = cpu_seconds();
    work();
    seconds.push_back(cpu_seconds() - start);
    const std::uint64_t high = status_bytes("VmHWM:");
    peak = std::max(peak, high > before ? static_cast<double>(high - before) : 0.0);
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], peak};
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint32_t n = argc > 1 ? static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10)) : 10'000'000;
  const int runs = argc > 2 ? std::atoi(argv[2]) : 3;
  if (n < 10'000) return std::fprintf(stderr, "at least 10000 objects\n"), 2;
  const queries::Snapshot heap = make_heap(n);
  const queries::HeapGraph graph(heap);
  const queries::Follow follow = queries::follow_collector;
  const queries::Bitmap marked = analyzer::mark_reachable(graph, follow);
  std::printf("%u objects (%.1f %% reachable), %llu references, %u class edges, median of %d\n", n,
              100.0 * static_cast<double>(marked.count()) / n, static_cast<unsigned long long>(graph.reference_count()),
              n, runs);
  std::printf("%-34s %8s %10s %14s %9s\n", "pass", "CPU s", "ns/object", "work B/object", "x of LT");

  const auto lt_cost = [&](bool with_index) {
    std::vector<double> seconds;
    for (int run = 0; run < std::min(runs, 3); ++run) {
      LengauerTarjan baseline(graph);
      double start = cpu_seconds();
      baseline.index_inbound();
      if (!with_index) start = cpu_seconds();
      const std::vector<std::uint32_t> dominators = baseline.run();
      seconds.push_back(cpu_seconds() - start);
    }
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
  };
  const double baseline = lt_cost(false);
  const auto print = [&](const char* name, double seconds, double bytes) {
    std::printf("%-34s %8.3f %10.1f %14.1f %9.2f\n", name, seconds, seconds * 1e9 / n, bytes / n, seconds / baseline);
  };
  const auto show = [&](const char* name, double result_bytes, const std::function<void()>& work) {
    const Measured measured = measure(runs, work);
    print(name, measured.seconds, std::max(0.0, measured.peak_bytes - result_bytes * n));
    return measured.seconds;
  };
  print("Lengauer-Tarjan, inbound given", baseline, 28.0 * n);

  show("mark", 0.125, [&] { (void)analyzer::mark_reachable(graph, follow); });
  show("reachability and distances", 5, [&] { (void)analyzer::find_reachability(graph); });
  analyzer::Dominators dominators;
  const double dominators_cost = show("dominators", 12, [&] {
    dominators = {};
    dominators = analyzer::find_dominators(graph, follow);
  });
  const double retained_cost = show("retained sizes", 8, [&] {
    (void)analyzer::find_retained_sizes(graph, dominators.order.span(), dominators.immediate);
  });
  print("dominators + retained sizes", dominators_cost + retained_cost,
        static_cast<double>(dominators.peak_work_bytes));
  const analyzer::RetainedSizes retained =
      analyzer::find_retained_sizes(graph, dominators.order.span(), dominators.immediate);
  {
    LengauerTarjan check(graph);
    check.index_inbound();
    const std::vector<std::uint32_t> expected = check.run();
    for (std::uint32_t v = 0; v < n; ++v) {
      const std::uint32_t found =
          dominators.immediate[v] == queries::no_object ? 0 : index(dominators.immediate[v]) + 1;
      if (found != expected[v]) return std::printf("DIFFERENT dominator of object %u\n", v), 1;
    }
  }
  analyzer::WorkArray<ObjectId> tree;
  double start = cpu_seconds();
  tree = analyzer::order_by_dominator_tree(dominators);
  print("order of the dominator tree", cpu_seconds() - start, 12.0 * n);
  show("retained sizes of all classes", 0, [&] {
    analyzer::find_retained_sets(tree.span(), dominators.immediate, retained.bytes, heap.classes.size(),
                                 [&](ObjectId id) { return index(heap.class_of[id]); });
  });
  show("components", 0, [&] { (void)analyzer::find_components(graph); });
  return 0;
}
