// Memory of large tables that are read at random: in pages of 2 MiB where the system gives them (random access over 40
// MB is mostly TLB misses in small ones). A hint: refused, it changes nothing but speed.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace queries {

inline constexpr std::size_t huge_page = std::size_t{2} << 20;

/// Not initialised; std::free() gives it back. From 8 MiB on in huge pages, rounded up to whole ones. Throws
/// std::bad_alloc.
[[nodiscard]] inline void* allocate_huge(std::size_t count, std::size_t size) {
  if (count > static_cast<std::size_t>(-1) / 2 / size) throw std::bad_alloc();
  std::size_t bytes = count * size;
  const bool huge = bytes >= 4 * huge_page;
  if (huge) bytes = (bytes + huge_page - 1) / huge_page * huge_page;
  void* const data = huge ? std::aligned_alloc(huge_page, bytes) : std::malloc(bytes);
  if (data == nullptr) throw std::bad_alloc();
  if (huge) ::madvise(data, bytes, MADV_HUGEPAGE);
  return data;
}

/// For std::vector.
template <typename T>
struct HugePages {
  using value_type = T;
  HugePages() = default;
  template <typename Other>
  explicit HugePages(const HugePages<Other>&) {}
  [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(allocate_huge(count, sizeof(T))); }
  void deallocate(T* data, std::size_t) { std::free(data); }
  bool operator==(const HugePages&) const = default;
};

}  // namespace queries
