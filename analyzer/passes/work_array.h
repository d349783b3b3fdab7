// Memory that a pass works in: an array of a trivial type that is not initialised (the pass writes it once anyway),
// asks for huge pages (queries/huge_pages.h) and is given back to the system at once,
// so that the peak of a run is what its widest pass needs.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <type_traits>
#include <utility>

#include "queries/huge_pages.h"

namespace analyzer {

template <typename T>
class WorkArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  WorkArray() = default;
  /// Throws std::bad_alloc. Content is undefined.
  explicit WorkArray(std::size_t size) : size_(size) {
    if (size != 0) data_ = static_cast<T*>(queries::allocate_huge(size, sizeof(T)));
  }
  WorkArray(WorkArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  WorkArray& operator=(WorkArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    other.release();
    return *this;
  }
  ~WorkArray() { std::free(data_); }

  void release() {
    std::free(data_);
    data_ = nullptr;
    size_ = 0;
  }
  /// The elements from `at` on are not needed any more: their memory goes back in whole huge pages, their content is
  /// undefined from now on. For an array that is read once from its end.
  void give_back_from(std::size_t at) {
    const auto base = reinterpret_cast<std::uintptr_t>(data_);
    const std::uintptr_t begin =
        (base + at * sizeof(T) + queries::huge_page - 1) / queries::huge_page * queries::huge_page;
    const std::uintptr_t end = (base + size_ * sizeof(T)) / queries::huge_page * queries::huge_page;
    if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] T& operator[](std::size_t at) { return data_[at]; }
  [[nodiscard]] const T& operator[](std::size_t at) const { return data_[at]; }
  [[nodiscard]] std::span<const T> span() const { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace analyzer
