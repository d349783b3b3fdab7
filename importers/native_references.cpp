#include "importers/native_references.h"

#include <algorithm>
#include <limits>

#include "importers/native_words.h"

namespace importers::native {
namespace {

using queries::NameId;
using queries::no_name;
using queries::no_object;
using queries::ObjectId;

/// "+0x18" for the offsets that most references have; beyond, a reference is named by its slot. Members have names of
/// their own where the block's layout is known: made once per layout and offset.
class SlotNames {
 public:
  SlotNames(queries::Snapshot& snapshot, const BlockLayouts& layouts)
      : snapshot_(snapshot), layouts_(layouts), names_(limit / 8, no_name), of_members_(layouts.all.size()) {}

  NameId at(ObjectId id, std::uint64_t offset) {
    if (const BlockLayout* layout = layouts_.find(id)) {
      if (const NameId name = member(*layout, offset); name != no_name) return name;
    }
    if (offset >= limit) return no_name;
    NameId& name = names_[static_cast<std::size_t>(offset / 8)];
    if (name == no_name) {
      char text[16];
      std::snprintf(text, sizeof text, "+0x%x", static_cast<unsigned>(offset));
      name = snapshot_.name_id(text);
    }
    return name;
  }

 private:
  static constexpr std::uint64_t limit = 4096;

  NameId member(const BlockLayout& layout, std::uint64_t offset) {
    if (layout.stride != 0 && offset >= layout.begin) offset = (offset - layout.begin) % layout.stride + layout.begin;
    if (offset >= limit) return no_name;
    std::vector<NameId>& known = of_members_[static_cast<std::size_t>(&layout - layouts_.all.data())];
    if (known.size() <= offset) known.resize(offset + 1, not_asked);
    NameId& name = known[static_cast<std::size_t>(offset)];
    if (name == not_asked) {
      const std::string text = layout.name_at(offset);
      name = text.empty() ? no_name : snapshot_.name_id(text);
    }
    return name;
  }

  static constexpr NameId not_asked{0xFFFF'FFFE};
  queries::Snapshot& snapshot_;
  const BlockLayouts& layouts_;
  std::vector<NameId> names_;
  std::vector<std::vector<NameId>> of_members_;  ///< by layout and offset
};

}  // namespace

LeftOutWords make_references(ImportJob& job, const formats::ProcessImage& image, const NativeHeap& heap,
                             const Blocks& blocks, const TypedBlocks& types) {
  queries::Snapshot& snapshot = job.snapshot;
  queries::ReferenceColumns& references = snapshot.references;
  const std::uint32_t count = snapshot.object_count;
  references.first.reserve(std::size_t{count} + 1);
  references.first.push_back(0);
  LeftOutWords left_out;
  SlotNames names(snapshot, types.layouts);
  Words words(image, heap.metadata());
  auto live = types.live_prefix.begin();
  snapshot.addresses.for_each([&](ObjectId id, std::uint64_t address) {
    std::uint64_t size = blocks.usable(id);
    while (live != types.live_prefix.end() && live->first < id) ++live;
    if (live != types.live_prefix.end() && live->first == id) size = std::min(size, live->second);
    words.for_each(address, address + size, [&](std::uint64_t at, std::uint64_t word) {
      const Blocks::Hit hit = blocks.find(word);
      if (hit.id == no_object || hit.id == id) return;
      const std::uint32_t slot = slot_of(at - address);
      if (hit.offset == 0 && types.is_end_of_previous(hit.id, at, blocks)) {
        if (job.details != nullptr) left_out.emplace_back(id, slot);
        return;
      }
      references.target.push_back(hit.id);
      if (job.rows != nullptr) {
        job.rows->reference(id, slot, hit.id, names.at(id, at - address), queries::Strength::strong);
      }
    });
    if (references.target.size() > std::numeric_limits<std::uint32_t>::max() - 1) {
      throw formats::InputError(snapshot.path + ": more than 4,294,967,294 references: not supported");
    }
    references.first.push_back(static_cast<std::uint32_t>(references.target.size()));
    if (job.progress && (index(id) & 0x3FFFF) == 0) job.progress("references", index(id), count);
  });
  references.strength.freeze(references.target.size());
  return left_out;
}

}  // namespace importers::native
