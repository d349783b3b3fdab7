// Threads, stacks and GC roots of a dump as rows.
//
// A root that belongs to a known thread (frame local, JNI local, native stack, thread block) is a row of `root`, but in
// the graph it is a reference of the thread object: the thread retains its locals, as in Eclipse MAT. All other roots
// hold their object directly.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "importers/hprof_catalog.h"
#include "importers/hprof_classes.h"
#include "importers/hprof_details.h"
#include "queries/snapshot.h"

namespace importers::hprof {

/// References thread → local, sorted by thread (stable). Needs snapshot.addresses. O(roots log roots).
[[nodiscard]] std::vector<ThreadLocalReference> thread_locals(const Catalog& catalog, queries::Snapshot& snapshot);

/// Fills snapshot.roots, direct_roots, threads (without names) and frames. A dump without any root (cut before the
/// writer came to them) gets reconstructed ones: all classes, threads and class loaders. `system_loader` is the
/// synthetic loader of Eclipse MAT's graph, or no_object.
void make_roots(const Catalog& catalog, const std::vector<std::string>& class_names, queries::Snapshot& snapshot);

/// Names and states of threads from their objects' fields.
void name_threads(const queries::ObjectDetails& details, queries::Snapshot& snapshot);

/// "main(String[])" style: method name and the parameters of a JVM descriptor, packages left out.
[[nodiscard]] std::string method_text(const std::string& class_name, const std::string& method,
                                      const std::string& descriptor);

}  // namespace importers::hprof
