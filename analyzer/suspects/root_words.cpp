#include "analyzer/suspects/root_words.h"

#include <utility>

namespace analyzer {

using namespace queries;

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

namespace {

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

const RootRow* telling_root(const Snapshot& snapshot, ObjectId object) {
  const RootRow* best = nullptr;
  const auto rank = [](const RootRow& root) { return std::pair(root.doubt == Doubt::none, weight(root)); };
  for (const RootRow& row : snapshot.roots) {
    if (row.object == object && (best == nullptr || rank(row) > rank(*best))) best = &row;
  }
  return best;
}

}  // namespace analyzer
