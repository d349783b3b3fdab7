#include "importers/native_references.h"

#include <algorithm>
#include <limits>

#include "importers/native_links.h"
#include "importers/native_words.h"

namespace importers::native {
namespace {

using queries::NameId;
using queries::no_name;
using queries::no_object;
using queries::ObjectId;
using queries::Strength;

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

class ReferenceScan {
 public:
  ReferenceScan(ImportJob& job, const formats::ProcessImage& image, const NativeHeap& heap, const Blocks& blocks,
                const TypedBlocks& types, const Doubts& doubts, KnownMemory& known)
      : job_(job),
        blocks_(blocks),
        types_(types),
        doubts_(doubts),
        links_(image, blocks, types),
        known_(known),
        references_(job.snapshot.references),
        names_(job.snapshot, types.layouts),
        words_(image, heap.metadata()) {}

  LeftOutWords run() {
    const std::uint32_t count = job_.snapshot.object_count;
    references_.first.reserve(std::size_t{count} + 1);
    references_.first.push_back(0);
    auto live = types_.live_prefix.begin();
    job_.snapshot.addresses.for_each([&](ObjectId id, std::uint64_t address) {
      std::uint64_t size = blocks_.usable(id);
      while (live != types_.live_prefix.end() && live->first < id) ++live;
      if (live != types_.live_prefix.end() && live->first == id) size = std::min(size, live->second);
      scan_block({id, address}, address + size);
      if (references_.target.size() > std::numeric_limits<std::uint32_t>::max() - 1) {
        throw formats::InputError(job_.snapshot.path + ": more than 4,294,967,294 references: not supported");
      }
      references_.first.push_back(static_cast<std::uint32_t>(references_.target.size()));
      if (job_.progress && (index(id) & 0x3FFFF) == 0) job_.progress("references", index(id), count);
    });
    references_.strength.freeze(references_.target.size());
    return std::move(left_out_);
  }

 private:
  struct Block {
    ObjectId id{};
    std::uint64_t address = 0;
  };

  void scan_block(const Block& block, std::uint64_t end) {
    std::uint64_t before = 0;
    words_.for_each(block.address, end, [&](std::uint64_t at, std::uint64_t word) {
      const Blocks::Hit hit = blocks_.find(word);
      if (hit.id == no_object || hit.id == block.id) {
        known_.see(word);
      } else if (hit.offset == 0 && types_.is_end_of_previous(hit.id, at, blocks_)) {
        if (job_.details != nullptr) left_out_.emplace_back(block.id, slot_of(at - block.address));
      } else {
        add(block, {at, word, before, block.id}, hit);
      }
      before = word;
    });
  }

  void add(const Block& block, const PointingWord& word, const Blocks::Hit& hit) {
    const Strength strength = links_.leads_back(word.at, block.id, hit)            ? Strength::weak
                              : doubts_.of_word(word, hit) != queries::Doubt::none ? Strength::uncertain
                                                                                   : Strength::strong;
    if (strength != Strength::strong) {
      references_.strength.append(ObjectId{static_cast<std::uint32_t>(references_.target.size())}, strength);
    }
    references_.target.push_back(hit.id);
    if (job_.rows == nullptr) return;
    const std::uint64_t offset = word.at - block.address;
    job_.rows->reference(block.id, slot_of(offset), hit.id, names_.at(block.id, offset), strength);
  }

  ImportJob& job_;
  const Blocks& blocks_;
  const TypedBlocks& types_;
  const Doubts& doubts_;
  Links links_;
  KnownMemory& known_;
  queries::ReferenceColumns& references_;
  SlotNames names_;
  Words words_;
  LeftOutWords left_out_;
};

}  // namespace

LeftOutWords make_references(ImportJob& job, const formats::ProcessImage& image, const NativeHeap& heap,
                             const Blocks& blocks, const TypedBlocks& types, const Doubts& doubts, KnownMemory& known) {
  return ReferenceScan(job, image, heap, blocks, types, doubts, known).run();
}

}  // namespace importers::native
