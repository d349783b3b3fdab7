#include "importers/native_requested.h"

#include <optional>

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

}  // namespace

void find_requested_sizes(const formats::ProcessImage& image, const Blocks& blocks, const TypedBlocks& types,
                          queries::Snapshot& snapshot) {
  if (!types.header_of.empty()) {
    const std::vector<Container> container = containers(types);
    for (std::uint32_t i = 0; i < blocks.count(); ++i) {
      const queries::ObjectId id{i};
      const Container kind = container[types.type_of[i]];
      if (kind == Container::other || types.header_of[i] == 0) continue;
      const std::uint64_t header = types.places.address(types.header_of[i]);
      const std::uint64_t usable = blocks.usable(id);
      const auto begin = image.word(header);
      const auto capacity = image.word(header + 16);
      if (begin != blocks.address(id) || !capacity) continue;
      const std::uint64_t requested = kind == Container::string ? *capacity + 1 : *capacity - *begin;
      if (requested == 0 || requested > usable || usable - requested > 0xFFFF'FFFF) continue;
      snapshot.slack.append(id, static_cast<std::uint32_t>(usable - requested));
    }
  }
  snapshot.slack.freeze(snapshot.object_count);
}

}  // namespace importers::native
