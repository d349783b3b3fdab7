// Named causes: patterns of a leak that a path and a look at a few objects can prove, with evidence and what to do.
// A cause is named only when its evidence is there; a suspect without one is still a suspect.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/suspects/collections.h"
#include "analyzer/suspects/object_words.h"
#include "queries/object_details.h"
#include "queries/results.h"

namespace analyzer {

struct CauseFact {
  std::string name;
  queries::ObjectId object = queries::no_object;
  std::int64_t count = -1;
  std::int64_t bytes = -1;
  std::string text;
};

struct Cause {
  std::string name;         ///< suspect.cause
  std::string headline;     ///< "Listener list that only grows: static Foo.BAR holds 2,000 com.acme.View"
  std::string story;        ///< one or two sentences: what is seen
  std::string advice;       ///< what to do
  std::uint64_t bytes = 0;  ///< what the thing in the headline retains
  std::vector<CauseFact> facts;
};

struct CauseContext {
  const ObjectWords& words;
  const queries::ObjectDetails& details;
  const queries::Results& results;
};

/// The collection whose inside the path ends in, or the reference array at its end, with its step; nothing if neither.
struct HeldCollection {
  Collection collection;
  std::size_t step = 0;
  bool bare_array = false;
};
[[nodiscard]] std::optional<HeldCollection> held_collection(const CauseContext& context, const RootPath& path);

/// The cause that the path to an accumulation point shows. First match of: thread_local, class_loader,
/// finalizer_cycle (a cleaner's action), listener_list, unbounded_map.
[[nodiscard]] std::optional<Cause> find_cause(const CauseContext& context, const RootPath& path,
                                              const std::optional<HeldCollection>& held);

/// Bytes that only finalizers and cleaners still hold, with classes and cycles; nothing when there are none.
/// Cause finalizer_cycle, or finalizer_queue when nothing of it is in a cycle.
[[nodiscard]] std::optional<Cause> find_finalizer_cause(const CauseContext& context);
/// More than `threshold` bytes in copies of equal strings.
[[nodiscard]] std::optional<Cause> find_duplicate_strings_cause(const CauseContext& context, std::uint64_t threshold);

[[nodiscard]] double metric_value(const queries::Results& results, std::string_view name);
/// Name of the thread whose object this is; "" = not known.
[[nodiscard]] std::string thread_name(const CauseContext& context, queries::ObjectId thread);

}  // namespace analyzer
