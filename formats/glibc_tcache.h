// Threads' caches of glibc's malloc (tcache_perthread_struct), found among the blocks in use by their shape: a count is
// 0 exactly where a list is empty, and each list begins with a chunk of exactly its bin's size. One that is empty all
// over looks like any zeroed block: it counts only when a thread's static TLS points to it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/glibc_bins.h"

namespace formats::glibc {

struct Tcache {
  std::uint64_t address = 0;  ///< of the struct: a block that malloc gave itself
  const TcacheLayout* layout = nullptr;
  std::int64_t thread = 0;    ///< os_id of the thread whose TLS points to it; 0 = not known
  std::uint64_t counted = 0;  ///< chunks, by its counts
  bool empty = false;
};

/// `candidates`: blocks in use that have the size of a cache's chunk. O(candidates + TLS).
[[nodiscard]] std::vector<Tcache> find_tcaches(const ProcessImage& image, const Territory& territory,
                                               std::span<const std::uint64_t> candidates);
void vote_of_tcache(const ProcessImage& image, const Tcache& tcache, LinkVote& vote);
/// Appends the lists that break off.
void mark_tcache(const ProcessImage& image, const Tcache& tcache, const Territory& territory, Links links, Marks& marks,
                 std::vector<BrokenList>& broken);

}  // namespace formats::glibc
