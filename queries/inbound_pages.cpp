// A bucketed counting sort: references go by target into buckets of 8 192 objects (so few that the scatter stays in the
// cache's write buffers), each bucket is then sorted in the cache. Sources are visited in order, so they ascend.
#include "queries/inbound_pages.h"

#include <algorithm>
#include <vector>

#include "queries/packed_references.h"

namespace queries {
namespace {

constexpr unsigned bucket_shift = 13;
constexpr std::uint32_t bucket_objects = 1u << bucket_shift;
constexpr std::uint64_t one_pass_references = 4'000'000;
constexpr std::uint64_t most_sources = 250'000'000;

struct Inbound {
  std::uint32_t target = 0;
  std::uint32_t source = 0;
};

class ChunkWriter {
 public:
  explicit ChunkWriter(const std::function<void(ObjectId, std::string_view)>& chunk) : chunk_(chunk) {}
  void add(std::uint32_t target, std::span<const ObjectId> sources) {
    // An object with many sources gets a chunk of its own: its neighbours stay quick to look up.
    if (sources.size() * 2 >= packed_chunk_bytes) end(target);
    encode_inbound(ObjectId{target}, sources, buffer_);
    if (++objects_ == packed_chunk_objects || buffer_.size() >= packed_chunk_bytes) end(target + 1);
  }
  void end(std::uint32_t next) {
    if (objects_ != 0) chunk_(ObjectId{first_}, buffer_.view());
    buffer_.clear();
    objects_ = 0;
    first_ = next;
  }

 private:
  const std::function<void(ObjectId, std::string_view)>& chunk_;
  packed::Buffer buffer_;
  std::uint32_t first_ = 0;
  std::uint32_t objects_ = 0;
};

/// Memory of write_bucket, kept from bucket to bucket.
struct BucketSpace {
  std::vector<std::uint32_t> start;
  std::vector<ObjectId> sources;
};

/// Sorts one bucket by target and hands out each target's sources.
void write_bucket(std::uint32_t first_target, std::uint32_t targets, std::span<const Inbound> edges, BucketSpace& space,
                  ChunkWriter& chunks) {
  auto& [start, sources] = space;
  start.assign(std::size_t{targets} + 1, 0);
  for (const Inbound& edge : edges) ++start[edge.target - first_target];
  std::uint32_t sum = 0;
  for (std::uint32_t& at : start) {
    const std::uint32_t count = at;
    at = sum;
    sum += count;
  }
  if (sources.size() < edges.size()) sources.resize(edges.size());
  for (const Inbound& edge : edges) sources[start[edge.target - first_target]++] = ObjectId{edge.source};
  std::uint32_t from = 0;  // start[i] is now the end of target i
  for (std::uint32_t i = 0; i < targets; ++i) {
    chunks.add(first_target + i, std::span(sources).subspan(from, start[i] - from));
    from = start[i];
  }
}

}  // namespace

bool write_inbound_chunks(const ReferenceColumns& references, std::uint32_t object_count,
                          const std::function<void(ObjectId, std::string_view)>& chunk) {
  const std::size_t buckets = (std::size_t{object_count} + bucket_objects - 1) >> bucket_shift;
  std::vector<std::uint64_t> begin(buckets + 1, 0);
  for (const ObjectId target : references.target) ++begin[(index(target) >> bucket_shift) + 1];
  for (std::size_t i = 0; i < buckets; ++i) {
    if (begin[i + 1] > most_sources) {  // most likely one object: a closer look
      std::vector<std::uint32_t> counts(bucket_objects, 0);
      for (const ObjectId target : references.target) {
        if (index(target) >> bucket_shift == i) ++counts[index(target) & (bucket_objects - 1)];
      }
      if (*std::max_element(counts.begin(), counts.end()) > most_sources) return false;
    }
    begin[i + 1] += begin[i];
  }

  ChunkWriter chunks(chunk);
  const std::uint64_t total = references.target.size();
  const std::uint64_t pass_limit = total <= one_pass_references ? total : (total + 1) / 2;
  std::vector<Inbound> edges;
  std::vector<std::uint64_t> fill;
  BucketSpace space;
  for (std::size_t first = 0; first < buckets;) {
    std::size_t last = first + 1;
    while (last < buckets && begin[last + 1] - begin[first] <= pass_limit) ++last;
    edges.resize(std::max<std::uint64_t>(edges.size(), begin[last] - begin[first]));
    fill.assign(begin.begin() + static_cast<std::ptrdiff_t>(first), begin.begin() + static_cast<std::ptrdiff_t>(last));
    for (std::uint64_t& at : fill) at -= begin[first];
    const std::uint32_t low = static_cast<std::uint32_t>(first << bucket_shift);
    const std::uint64_t width = static_cast<std::uint64_t>(last - first) << bucket_shift;
    const ObjectId* edge = references.target.data();
    for (std::uint32_t source = 0; source < object_count; ++source) {
      for (const ObjectId* end = edge + references.first.count(source); edge != end; ++edge) {
        const std::uint32_t target = index(*edge);
        if (target - low < width) edges[fill[(target - low) >> bucket_shift]++] = {target, source};
      }
    }
    for (std::size_t bucket = first; bucket < last; ++bucket) {
      const auto target = static_cast<std::uint32_t>(bucket << bucket_shift);
      write_bucket(target, std::min(bucket_objects, object_count - target),
                   std::span(edges).subspan(begin[bucket] - begin[first], begin[bucket + 1] - begin[bucket]), space,
                   chunks);
    }
    first = last;
  }
  chunks.end(object_count);
  return true;
}

}  // namespace queries
