// The thread a suspect hangs on: its name, stack, the significant frame and the locals that hold the memory.
#pragma once

#include "analyzer/suspects/causes.h"

namespace analyzer {

/// Step of the path that is a thread of the dump; path.size() = none.
[[nodiscard]] std::size_t thread_step(const ObjectWords& words, const RootPath& path);

/// Rows of kind frame (name "significant" for the frame whose locals hold the memory), local and keyword, for the
/// thread at `path[step]`. Locals: those on the path, else those that the thread dominates and that retain more than a
/// tenth of the suspect.
void add_thread_evidence(const CauseContext& context, const RootPath& path, std::size_t step,
                         std::uint64_t suspect_bytes, std::vector<queries::SuspectEvidenceRow>& evidence);

/// "com.acme.Foo.bar(Foo.java:17)"
[[nodiscard]] std::string frame_text(const queries::FrameRow& frame);

}  // namespace analyzer
