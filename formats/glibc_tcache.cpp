#include "formats/glibc_tcache.h"

#include <algorithm>
#include <optional>

namespace formats::glibc {
namespace {

constexpr std::uint64_t tls_searched = 16 << 10;  // on that side of the thread pointer where static TLS is
constexpr unsigned most_counted = 1U << 16;

/// The struct's words, copied once.
struct Fields {
  std::vector<unsigned> counts;
  std::vector<std::uint64_t> heads;
};

std::optional<Fields> read_fields(const ProcessImage& image, std::uint64_t address, const TcacheLayout& layout) {
  std::vector<std::byte> bytes(layout.bytes());
  if (!image.read(address, bytes.data(), bytes.size())) return std::nullopt;
  Fields fields;
  unsigned most = 0;
  for (unsigned i = 0; i < layout.bins; ++i) {
    const std::byte* at = bytes.data() + std::size_t{i} * layout.count_bytes;
    fields.counts.push_back(layout.count_bytes == 1 ? load_u8(at) : load_le<std::uint16_t>(at));
    fields.heads.push_back(load_le<std::uint64_t>(bytes.data() + layout.entries() + std::size_t{i} * 8));
    most = std::max(most, fields.counts.back());
  }
  // What is left is told; what a bin can hold is what the empty ones have left.
  if (layout.counts_down) {
    for (unsigned& count : fields.counts) count = most - count;
  }
  return fields;
}

std::uint64_t size_of_bin(unsigned bin) { return smallest_chunk + std::uint64_t{bin} * alignment; }

bool on_list(const ProcessImage& image, const Territory& territory, std::uint64_t entry, unsigned bin) {
  if (entry < header_bytes || !territory.has_chunk_at(entry - header_bytes)) return false;
  const auto head = image.word(entry - 8);
  if (!head) return false;
  const std::uint64_t size = *head & size_mask;
  return bin < tcache_small_bins ? size == size_of_bin(bin) : size > size_of_bin(tcache_small_bins - 1);
}

std::optional<Tcache> tcache_at(const ProcessImage& image, const Territory& territory, std::uint64_t address) {
  const auto head = image.word(address - 8);
  if (!head) return std::nullopt;
  for (const TcacheLayout& layout : tcache_layouts) {
    if ((*head & size_mask) != layout.chunk_size) continue;
    const std::optional<Fields> fields = read_fields(image, address, layout);
    if (!fields) return std::nullopt;
    Tcache tcache{address, &layout, 0, 0, true};
    for (unsigned i = 0; i < layout.bins; ++i) {
      if ((fields->counts[i] == 0) != (fields->heads[i] == 0)) return std::nullopt;
      if (fields->counts[i] == 0) continue;
      if (!on_list(image, territory, fields->heads[i], i)) return std::nullopt;
      tcache.counted += fields->counts[i];
      tcache.empty = false;
    }
    return tcache;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Tcache> find_tcaches(const ProcessImage& image, const Territory& territory,
                                 std::span<const std::uint64_t> candidates) {
  std::vector<Tcache> found;
  for (const std::uint64_t candidate : candidates) {
    if (std::optional<Tcache> tcache = tcache_at(image, territory, candidate)) found.push_back(*tcache);
  }
  std::sort(found.begin(), found.end(), [](const Tcache& a, const Tcache& b) { return a.address < b.address; });
  // libc's `tcache` variable is in static TLS, below the thread pointer (above it on AArch64); the nearest word that
  // names one is it.
  const bool above = image.core().machine == elf::Machine::aarch64;
  for (const elf::Thread& thread : image.core().threads) {
    const std::uint64_t pointer = thread.thread_pointer & ~std::uint64_t{7};
    for (std::uint64_t distance = 8; distance <= tls_searched; distance += 8) {
      if (above ? pointer > ~std::uint64_t{0} - tls_searched : distance > pointer) break;
      const auto word = image.word(above ? pointer + distance : pointer - distance);
      if (!word) break;
      const auto named = std::lower_bound(found.begin(), found.end(), *word,
                                          [](const Tcache& one, std::uint64_t wanted) { return one.address < wanted; });
      if (named == found.end() || named->address != *word || named->thread != 0) continue;
      named->thread = thread.os_id;
      break;
    }
  }
  std::erase_if(found, [](const Tcache& tcache) { return tcache.empty && tcache.thread == 0; });
  return found;
}

void vote_of_tcache(const ProcessImage& image, const Tcache& tcache, LinkVote& vote) {
  const std::optional<Fields> fields = read_fields(image, tcache.address, *tcache.layout);
  if (!fields) return;
  for (const std::uint64_t head : fields->heads) {
    if (head != 0) vote.add(head, header_bytes);
  }
}

void mark_tcache(const ProcessImage& image, const Tcache& tcache, const Territory& territory, Links links, Marks& marks,
                 std::vector<BrokenList>& broken) {
  const std::optional<Fields> fields = read_fields(image, tcache.address, *tcache.layout);
  if (!fields) return;
  for (unsigned i = 0; i < tcache.layout->bins; ++i) {
    std::uint64_t entry = fields->heads[i];
    unsigned listed = 0;
    while (entry != 0) {
      if (listed++ == most_counted || !on_list(image, territory, entry, i)) {
        broken.push_back({tcache.address + tcache.layout->entries() + std::uint64_t{i} * 8, entry - header_bytes, i});
        break;
      }
      marks.add(entry - header_bytes, BlockState::cached, i);
      entry = links.decode(image.word(entry).value_or(0), entry);
    }
  }
}

}  // namespace formats::glibc
