#include "importers/native_runtime_blocks.h"

#include "importers/native_content.h"
#include "importers/native_mappings.h"

namespace importers::native {
namespace {

using formats::ProcessImage;
using queries::no_object;
using queries::ObjectId;

constexpr std::uint64_t usual_pool_size = 72'704;  // of 64-bit processes, unless GLIBCXX_TUNABLES says otherwise
constexpr const char* pool_name = "libstdc++ emergency exception pool";

/// The pool whose memory the word at `at` is: the word before it points to the first free entry, the one behind it is
/// the memory's size.
ObjectId emergency_pool(const ProcessImage& image, const Blocks& blocks, std::uint64_t at, bool is_libstdcxx) {
  const auto memory = image.word(at);
  const ObjectId id = memory ? blocks.at(*memory) : no_object;
  if (id == no_object) return no_object;
  const std::uint64_t size = image.word(at + 8).value_or(0);
  if (!(is_libstdcxx ? size >= 4096 : size == usual_pool_size) || !fits_request(size, blocks.usable(id))) {
    return no_object;
  }
  const std::uint64_t first = image.word(at - 8).value_or(0);
  if (first == 0) return id;  // all of it is in use
  if (first < *memory || first - *memory >= size) return no_object;
  const auto free_bytes = image.word(first);
  return free_bytes && *free_bytes <= size - (first - *memory) ? id : no_object;
}

void set_type(TypedBlocks& typed, ObjectId id, const std::string& name) {
  std::uint32_t type = 0;
  while (type < typed.types.size() && typed.types[type].name != name) ++type;
  if (type == typed.types.size()) typed.types.push_back({name, Evidence::container, name});
  typed.type_of[index(id)] = type;
}

}  // namespace

std::vector<std::pair<std::uint64_t, std::string>> find_runtime_blocks(const ProcessImage& image, const Blocks& blocks,
                                                                       TypedBlocks& typed) {
  std::vector<std::pair<std::uint64_t, std::string>> found;
  const std::vector<std::int32_t> files = backing_files(image);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const ProcessImage::Range& range = image.ranges()[i];
    if (files[i] < 0 || !range.writable || !range.present()) continue;
    const std::string& path = image.core().files[static_cast<std::size_t>(files[i])].path;
    const bool is_libstdcxx = path.find("/libstdc++.so") != std::string::npos;
    for (std::uint64_t at = range.start + 8; at + 16 <= range.end; at += 8) {
      const auto word = formats::load_le<std::uint64_t>(range.data + (at - range.start));
      if (blocks.at(word) == no_object) continue;
      const ObjectId id = emergency_pool(image, blocks, at, is_libstdcxx);
      if (id == no_object) continue;
      set_type(typed, id, pool_name);
      found.emplace_back(blocks.address(id), pool_name);
      return found;
    }
  }
  return found;
}

}  // namespace importers::native
