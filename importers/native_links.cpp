#include "importers/native_links.h"

#include <array>
#include <string_view>
#include <utility>

namespace importers::native {

using queries::no_object;
using queries::ObjectId;

Links::Links(const formats::ProcessImage& image, const Blocks& blocks, const TypedBlocks& types)
    : image_(image), blocks_(blocks), types_(types) {
  static constexpr std::array<std::pair<std::string_view, Part>, 3> families{{
      {"std::map/set node", Part::tree},
      {"std::list node", Part::list},
      {"std::deque block", Part::deque_block},
  }};
  for (const NativeType& type : types.types) {
    Part part = Part::none;
    for (const auto& [family, its_part] : families) {
      if (type.evidence == Evidence::container && type.family == family) part = its_part;
    }
    parts_.push_back(part);
  }
}

bool Links::leads_back(std::uint64_t at, ObjectId source, const Blocks::Hit& hit) const {
  if (types_.header_of.empty()) return false;
  if (const std::uint32_t header = types_.header_of[index(hit.id)]; header != 0) {
    const Part target = part(hit.id);
    if (target == Part::none) return false;
    const bool is_part = source != no_object && types_.header_of[index(source)] == header;
    return is_part ? from_part(at - blocks_.address(source), source)
                   : from_header(at, types_.places.address(header), target);
  }
  // From a part to what holds the header.
  if (source == no_object || types_.header_of[index(source)] == 0 || part(source) == Part::none) return false;
  const std::uint64_t header = types_.places.address(types_.header_of[index(source)]);
  return blocks_.address(hit.id) + hit.offset == header;
}

bool Links::from_header(std::uint64_t at, std::uint64_t header, Part target) const {
  switch (target) {
    case Part::tree:  // libstdc++: root, first, last; libc++: first, then the root, where the header is said to be
      return is_libcxx_tree(header) ? at == header - 8 : at == header + 16 || at == header + 24;
    case Part::list: return at == header + 8;
    case Part::deque_block: return at >= header + 16 && at < header + 80;
    default: return false;
  }
}

bool Links::from_part(std::uint64_t offset, ObjectId source) const {
  switch (part(source)) {
    case Part::tree:
      return offset == (is_libcxx_tree(types_.places.address(types_.header_of[index(source)])) ? 16u : 8u);
    case Part::list: return offset == 8;
    default: return false;
  }
}

bool Links::is_libcxx_tree(std::uint64_t header) const {
  if (header == last_tree_) return last_is_libcxx_;
  last_tree_ = header;
  const auto root = image_.word(header + 8);  // in libstdc++, whose parent is the header; in libc++, a count
  last_is_libcxx_ = !root || blocks_.at(*root) == no_object || image_.word(*root + 8) != header;
  return last_is_libcxx_;
}

}  // namespace importers::native
