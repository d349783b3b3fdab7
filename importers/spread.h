// Where a key of the input goes in a table of open addressing.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>

namespace importers {

/// An odd number that no input can know: chosen for each run, so that no keys can be made up to share a slot. Nothing
/// that is written depends on it.
inline std::uint64_t secret_factor() {
  static const std::uint64_t factor = [] {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device() | 1;
  }();
  return factor;
}

/// Multiply-shift (Dietzfelbinger et al. 1997): the high bits of the product. `slots` is a power of two, at least 2.
inline std::size_t spread(std::uint64_t key, std::size_t slots) {
  return static_cast<std::size_t>((key * secret_factor()) >> (std::countl_zero(slots) + 1));
}

}  // namespace importers
