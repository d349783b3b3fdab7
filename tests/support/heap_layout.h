// Lays out a native heap by hand, block by block from low addresses to high, as an importer of cores would fill a
// snapshot: used blocks become objects, free ones rows of free_block, regions get their sums.
//
//   tests::HeapLayout heap;
//   heap.region("main arena", 0x10000);
//   const queries::ObjectId session = heap.used(24, "Session");
//   heap.free(64);
//   const queries::Snapshot snapshot = heap.build();
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queries/snapshot.h"

namespace tests {

class HeapLayout {
 public:
  /// Begins a region; regions come in address order. `name`: "glibc arena 1".
  void region(std::string_view kind, std::uint64_t start, std::int32_t arena = 0, std::string_view name = "arena") {
    queries::RegionRow row;
    row.start = row.end = start;
    row.kind = kind;
    row.name = name;
    row.arena = arena;
    snapshot_.regions.push_back(std::move(row));
  }
  queries::ObjectId used(std::uint64_t size, std::string_view class_name = "block") {
    queries::RegionRow& row = snapshot_.regions.back();
    const queries::ObjectId id{snapshot_.object_count++};
    snapshot_.addresses.add(row.end);
    snapshot_.shallow.push_back(size);
    snapshot_.class_of.push_back(class_named(class_name));
    row.live_bytes += size;
    ++row.live_count;
    row.end += size;
    return id;
  }
  void free(std::uint64_t size, std::int32_t bin = -1) {
    queries::RegionRow& row = snapshot_.regions.back();
    snapshot_.free_blocks.push_back({row.end, size, static_cast<std::uint32_t>(snapshot_.regions.size() - 1), bin});
    row.free_bytes += size;
    row.largest_free_bytes = std::max(row.largest_free_bytes, size);
    row.end += size;
  }
  void cached(std::uint64_t size) {
    snapshot_.regions.back().cached_bytes += size;
    snapshot_.regions.back().end += size;
  }
  void overhead(std::uint64_t size) {
    snapshot_.regions.back().overhead_bytes += size;
    snapshot_.regions.back().end += size;
  }
  /// Bytes that the program asked for, of this block or of every block of a class.
  void requested(queries::ObjectId id, std::uint64_t bytes) {
    slack_.emplace_back(id, static_cast<std::uint32_t>(snapshot_.shallow[id] - bytes));
  }
  void requested(std::string_view class_name, std::uint64_t bytes) {
    snapshot_.classes[index(class_named(class_name))].requested_size = bytes;
  }
  void reference(queries::ObjectId source, queries::ObjectId target) { edges_.emplace_back(source, target); }
  void root(queries::ObjectId id, queries::RootKind kind, std::string_view name) {
    queries::RootRow row;
    row.object = id;
    row.kind = kind;
    if (!name.empty()) row.name = snapshot_.name_id(name);
    snapshot_.roots.push_back(row);
  }
  [[nodiscard]] std::uint64_t size() const { return snapshot_.regions.back().end - snapshot_.regions.back().start; }

  [[nodiscard]] queries::Snapshot build() const {
    queries::Snapshot snapshot = snapshot_;
    snapshot.path = "core.1";
    snapshot.format = "core";
    snapshot.addresses.freeze();
    snapshot.length.freeze(snapshot.object_count);
    std::vector<std::pair<queries::ObjectId, queries::ObjectId>> edges = edges_;
    std::stable_sort(edges.begin(), edges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::size_t at = 0;
    for (std::uint32_t v = 0; v <= snapshot.object_count; ++v) {
      snapshot.references.first.push_back(static_cast<std::uint32_t>(snapshot.references.target.size()));
      for (; at < edges.size() && index(edges[at].first) == v; ++at) {
        snapshot.references.target.push_back(edges[at].second);
      }
    }
    snapshot.references.strength.freeze(edges.size());
    auto slack = slack_;
    std::sort(slack.begin(), slack.end());
    for (const auto& [id, bytes] : slack) snapshot.slack.append(id, bytes);
    snapshot.slack.freeze(snapshot.object_count);
    for (const queries::RootRow& row : snapshot.roots) snapshot.direct_roots.push_back(row.object);
    std::sort(snapshot.direct_roots.begin(), snapshot.direct_roots.end());
    snapshot.direct_roots.erase(std::unique(snapshot.direct_roots.begin(), snapshot.direct_roots.end()),
                                snapshot.direct_roots.end());
    return snapshot;
  }

 private:
  queries::ClassId class_named(std::string_view name) {
    for (std::uint32_t i = 0; i < snapshot_.classes.size(); ++i) {
      if (snapshot_.classes[i].name == name) return queries::ClassId{i};
    }
    queries::ClassRow row;
    row.name = name;
    row.kind = queries::ClassKind::block;
    snapshot_.classes.push_back(std::move(row));
    return queries::ClassId{static_cast<std::uint32_t>(snapshot_.classes.size() - 1)};
  }

  queries::Snapshot snapshot_;
  std::vector<std::pair<queries::ObjectId, queries::ObjectId>> edges_;
  std::vector<std::pair<queries::ObjectId, std::uint32_t>> slack_;
};

}  // namespace tests
