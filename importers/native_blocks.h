// The used blocks of a native heap as objects: dense ids in address order, and which block an address points into.
#pragma once

#include <cstdint>

#include "formats/process_image.h"
#include "queries/address_map.h"
#include "queries/columns.h"

namespace importers::native {

/// Borrows both columns, of a snapshot being filled.
class Blocks {
 public:
  Blocks(const queries::AddressMap& addresses, const queries::SizeColumn& usable)
      : addresses_(addresses), usable_(usable) {
    if (addresses_.size() == 0) return;
    const queries::AddressMap::Place last = addresses_.at_or_below(~std::uint64_t{0});
    lowest_ = addresses_.address_of(queries::ObjectId{0});
    end_ = last.address + usable_[last.id];
  }

  struct Hit {
    queries::ObjectId id = queries::no_object;
    std::uint64_t offset = 0;  ///< in the block
  };
  /// The block that holds `address`; one past its end is not in it. id = no_object when there is none.
  [[nodiscard]] Hit find(std::uint64_t address) const {
    if (address < lowest_ || address >= end_) return {};  // most words are no pointers
    const queries::AddressMap::Place below = addresses_.at_or_below(address);
    if (below.id == queries::no_object) return {};
    const std::uint64_t offset = address - below.address;
    return offset < usable_[below.id] ? Hit{below.id, offset} : Hit{};
  }
  /// The block that begins at `address`; no_object when there is none. O(1).
  [[nodiscard]] queries::ObjectId at(std::uint64_t address) const {
    return address < lowest_ || address >= end_ ? queries::no_object : addresses_.id_of(address);
  }
  /// Whether `address` lies between the first block and the end of the last.
  [[nodiscard]] bool spans(std::uint64_t address) const { return address - lowest_ < end_ - lowest_; }
  /// Calls f(id, address) in id order.
  template <typename F>
  void for_each(F&& f) const {
    addresses_.for_each(f);
  }
  [[nodiscard]] std::uint32_t count() const { return addresses_.size(); }
  [[nodiscard]] std::uint64_t address(queries::ObjectId id) const { return addresses_.address_of(id); }
  [[nodiscard]] std::uint64_t usable(queries::ObjectId id) const { return usable_[id]; }

 private:
  const queries::AddressMap& addresses_;
  const queries::SizeColumn& usable_;
  std::uint64_t lowest_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace importers::native
