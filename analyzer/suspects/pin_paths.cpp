#include "analyzer/suspects/pin_paths.h"

#include <algorithm>
#include <string>
#include <vector>

#include "analyzer/suspects/root_paths.h"

namespace analyzer {
namespace {

using namespace queries;

constexpr std::size_t most_paths = 20;     // pins that get one
constexpr std::size_t longest_path = 200;  // steps kept: a list's millionth node is found by its head and its end

/// "static_data acme::registry", "stack_word in worker() of thread 4711": what a reader can look for.
std::string root_title(const Snapshot& snapshot, const RootRow& root) {
  std::string title(to_text(root.kind));
  if (root.name != no_name && index(root.name) < snapshot.names.size()) {
    title += ' ' + snapshot.names[index(root.name)];
  }
  if (root.frame >= 0 && root.frame < static_cast<std::int64_t>(snapshot.frames.size())) {
    title += " in " + snapshot.frames[static_cast<std::size_t>(root.frame)].function;
  }
  if (root.thread >= 0 && root.thread < static_cast<std::int64_t>(snapshot.threads.size())) {
    title += " of " + snapshot.threads[static_cast<std::size_t>(root.thread)].name;
  }
  return title;
}

/// Of several roots of one block, the one that says most: a named place in the program before a word of some stack.
int weight(const RootRow& root) {
  switch (root.kind) {
    case RootKind::static_data: return 4;
    case RootKind::thread_local_data: return 3;
    case RootKind::stack_word: return 2;
    case RootKind::machine_register: return 1;
    default: return 0;
  }
}

}  // namespace

void find_pin_paths(const Snapshot& snapshot, const HeapGraph& graph, const ObjectDetails& details, Results& results) {
  if (results.pins.empty() || results.retained_size.empty()) return;
  std::vector<ObjectId> pins;
  for (std::size_t i = 0; i < std::min(results.pins.size(), most_paths); ++i) pins.push_back(results.pins[i].object);
  RootPaths paths(snapshot, graph, results, details);
  paths.search(pins);
  for (std::uint32_t pin = 0; pin < pins.size(); ++pin) {
    RootPath path = paths.path(pins[pin]);
    if (path.empty()) continue;
    const RootRow* root = nullptr;
    for (const RootRow& row : snapshot.roots) {
      if (row.object == path.front().object && (root == nullptr || weight(row) > weight(*root))) root = &row;
    }
    if (root != nullptr) path.front().name = root_title(snapshot, *root);
    for (std::uint32_t step = 0; step < path.size(); ++step) {
      const bool is_kept = step < longest_path / 2 || step + longest_path / 2 >= path.size();
      if (is_kept) results.pin_paths.push_back({pin, step, path[step].object, std::move(path[step].name)});
    }
  }
}

}  // namespace analyzer
