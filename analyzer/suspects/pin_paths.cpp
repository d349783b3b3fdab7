#include "analyzer/suspects/pin_paths.h"

#include <algorithm>
#include <string>
#include <vector>

#include "analyzer/suspects/root_paths.h"
#include "analyzer/suspects/root_words.h"

namespace analyzer {
namespace {

using namespace queries;

constexpr std::size_t most_paths = 20;     // pins that get one
constexpr std::size_t longest_path = 200;  // steps kept: a list's millionth node is found by its head and its end

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
    if (const RootRow* root = telling_root(snapshot, path.front().object))
      path.front().name = root_title(snapshot, *root);
    for (std::uint32_t step = 0; step < path.size(); ++step) {
      const bool is_kept = step < longest_path / 2 || step + longest_path / 2 >= path.size();
      if (is_kept) results.pin_paths.push_back({pin, step, path[step].object, std::move(path[step].name)});
    }
  }
}

}  // namespace analyzer
