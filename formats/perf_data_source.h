// The word in which Linux says where the data of an access came from: union perf_mem_data_src of
// include/uapi/linux/perf_event.h.
#pragma once

#include <cstdint>

#include "formats/memory_access.h"

namespace formats {

struct PerfDataSource {
  bool is_load = false, is_store = false;
  bool is_hitm = false;    ///< a load of a line that another cache had modified
  bool is_peer = false;    ///< another cache has answered, whether it had modified the line or not
  bool is_remote = false;  ///< … of another node
};

/// By the rules of perf c2c: a load is of another node when its level or the bit of its own says so; it is of another
/// cache of this node when a shared cache has answered it. What L1 answers is neither.
[[nodiscard]] constexpr PerfDataSource decode_data_source(std::uint64_t word) {
  const auto field = [word](unsigned shift, unsigned bits) { return word >> shift & ((std::uint64_t{1} << bits) - 1); };
  constexpr std::uint64_t load = 0x2, store = 0x4;                                               // mem_op
  constexpr std::uint64_t l2 = 0x20, l3 = 0x40, local_ram = 0x80, remote_cache = 0x400 | 0x800;  // mem_lvl
  constexpr std::uint64_t hitm = 0x10;                                                           // mem_snoop
  constexpr std::uint64_t peer = 0x2;                                                            // mem_snoopx
  constexpr std::uint64_t number_l2 = 2, number_l3 = 3, any_cache = 0xb;                         // mem_lvl_num
  const std::uint64_t level = field(5, 14), number = field(33, 4);
  PerfDataSource source;
  source.is_load = (field(0, 5) & load) != 0;
  source.is_store = !source.is_load && (field(0, 5) & store) != 0;
  if (!source.is_load) return source;
  source.is_remote = (level & remote_cache) != 0 || field(37, 1) != 0;
  const bool is_shared = (level & l3) != 0 || number == number_l3 || number == any_cache;
  const bool is_l2 = (level & l2) != 0 || number == number_l2;
  source.is_hitm = (field(19, 5) & hitm) != 0 && (source.is_remote || is_shared);
  source.is_peer = !source.is_hitm && (field(38, 2) & peer) != 0 &&
                   (source.is_remote || is_shared || is_l2 || (level & local_ram) != 0);
  return source;
}

/// Counts one sample: 0 or 1 of each kind. `cycles` are those of a load; 0: not known.
void count_sample(const PerfDataSource& source, std::uint64_t cycles, MemoryAccess& access);

}  // namespace formats
