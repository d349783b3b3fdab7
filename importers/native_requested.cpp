#include "importers/native_requested.h"

namespace importers::native {
namespace {

enum class Container : std::uint8_t { other, string, vector };

std::vector<Container> containers(const TypedBlocks& types) {
  std::vector<Container> all;
  for (const NativeType& type : types.types) {
    const bool is_container = type.evidence == Evidence::container;
    all.push_back(is_container && type.family == "std::string body"   ? Container::string
                  : is_container && type.family == "std::vector body" ? Container::vector
                                                                      : Container::other);
  }
  return all;
}

/// By the header of the container that the block is the buffer of; 0 = it tells nothing.
std::uint64_t by_container(const formats::ProcessImage& image, std::uint64_t address, std::uint64_t header,
                           Container kind) {
  const auto begin = image.word(header);
  const auto capacity = image.word(header + 16);
  if (begin != address || !capacity) return 0;
  return kind == Container::string ? *capacity + 1 : *capacity - *begin;
}

/// By what the block holds; 0 = it tells nothing.
std::uint64_t by_layout(const formats::ProcessImage& image, std::uint64_t address, std::uint64_t usable,
                        const BlockLayout& layout) {
  if (!layout.has_count) return layout.size;
  const auto count = image.word(address + layout.begin - 8);
  return count && *count <= usable / layout.stride ? layout.begin + *count * layout.stride : 0;
}

}  // namespace

void find_requested_sizes(const formats::ProcessImage& image, const Blocks& blocks, const TypedBlocks& types,
                          queries::Snapshot& snapshot) {
  const std::vector<Container> container = containers(types);
  blocks.for_each([&](queries::ObjectId id, std::uint64_t address) {
    const Container kind = container[types.type_of[index(id)]];
    const std::uint64_t usable = blocks.usable(id);
    std::uint64_t requested = 0;
    if (kind != Container::other && types.header_of[index(id)] != 0) {
      requested = by_container(image, address, types.places.address(types.header_of[index(id)]), kind);
    } else if (const BlockLayout* layout = types.layouts.find(id)) {
      requested = by_layout(image, address, usable, *layout);
    }
    if (requested == 0 || requested > usable || usable - requested > 0xFFFF'FFFF) return;
    snapshot.slack.append(id, static_cast<std::uint32_t>(usable - requested));
  });
  snapshot.slack.freeze(snapshot.object_count);
}

}  // namespace importers::native
