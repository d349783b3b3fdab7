#include "analyzer/suspects/thread_evidence.h"

#include <algorithm>

#include "analyzer/quantities.h"

namespace analyzer {

using namespace queries;

namespace {

constexpr std::size_t most_frames = 40;

std::int64_t thread_index(const Snapshot& snapshot, ObjectId thread) {
  for (std::size_t i = 0; i < snapshot.threads.size(); ++i) {
    if (snapshot.threads[i].object == thread) return static_cast<std::int64_t>(i);
  }
  return -1;
}

struct Local {
  ObjectId object = no_object;
  std::int64_t frame = -1;
  std::uint64_t retained = 0;
};

}  // namespace

std::string frame_text(const FrameRow& frame) {
  std::string text = frame.function;
  std::string where = frame.file;
  if (frame.line > 0) where += (where.empty() ? "line " : ":") + std::to_string(frame.line);
  if (frame.line == -3) where = "native method";
  if (!where.empty()) text += " (" + where + ')';
  return text;
}

std::size_t thread_step(const ObjectWords& words, const RootPath& path) {
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (thread_index(words.snapshot(), path[at].object) >= 0) return at;
  }
  return path.size();
}

void add_thread_evidence(const CauseContext& context, const RootPath& path, std::size_t step,
                         std::uint64_t suspect_bytes, std::vector<SuspectEvidenceRow>& evidence) {
  const Snapshot& snapshot = context.words.snapshot();
  const std::int64_t thread = thread_index(snapshot, path[step].object);
  if (thread < 0) return;
  const std::int64_t stack = snapshot.threads[static_cast<std::size_t>(thread)].stack;
  std::vector<Local> locals;
  for (const RootRow& root : snapshot.roots) {
    if (root.thread != thread || root.object == no_object || root.object == path[step].object) continue;
    const bool on_path = step + 1 < path.size() && path[step + 1].object == root.object;
    const std::uint64_t retained = context.results.retained_size[index(root.object)];
    const bool heavy =
        context.results.dominator[index(root.object)] == path[step].object && retained > suspect_bytes / 10;
    if (on_path || heavy) locals.push_back({root.object, root.frame, retained});
  }
  std::sort(locals.begin(), locals.end(), [](const Local& a, const Local& b) {
    return std::tuple(b.retained, a.object, a.frame) < std::tuple(a.retained, b.object, b.frame);
  });
  locals.erase(std::unique(locals.begin(), locals.end(),
                           [](const Local& a, const Local& b) { return a.object == b.object && a.frame == b.frame; }),
               locals.end());

  std::vector<std::size_t> frames;
  for (std::size_t i = 0; i < snapshot.frames.size(); ++i) {
    if (stack >= 0 && snapshot.frames[i].stack == stack) frames.push_back(i);
  }
  std::sort(frames.begin(), frames.end(),
            [&](std::size_t a, std::size_t b) { return snapshot.frames[a].depth < snapshot.frames[b].depth; });
  bool keyword = false;
  for (std::size_t i = 0; i < frames.size() && i < most_frames; ++i) {
    const FrameRow& frame = snapshot.frames[frames[i]];
    const bool significant = std::any_of(locals.begin(), locals.end(), [&](const Local& local) {
      return local.frame == static_cast<std::int64_t>(frames[i]);
    });
    SuspectEvidenceRow row;
    row.kind = "frame";
    row.name = significant ? "significant" : "";
    row.text = frame_text(frame);
    evidence.push_back(row);
    if (significant && !keyword) {
      row.kind = "keyword";
      row.name = frame.function;
      row.text = frame.file + (frame.line > 0 ? ":" + std::to_string(frame.line) : std::string());
      evidence.push_back(row);
      keyword = true;
    }
  }
  for (const Local& local : locals) {
    SuspectEvidenceRow row;
    row.kind = "local";
    row.name = context.words.label(local.object);
    row.object = local.object;
    row.class_id = context.words.graph().class_of(local.object);
    row.bytes = static_cast<std::int64_t>(local.retained);
    if (local.frame >= 0 && static_cast<std::size_t>(local.frame) < snapshot.frames.size()) {
      row.text = frame_text(snapshot.frames[static_cast<std::size_t>(local.frame)]);
    }
    evidence.push_back(std::move(row));
  }
}

}  // namespace analyzer
