#include "importers/native_details.h"

#include <algorithm>

#include "importers/native_doubts.h"
#include "importers/native_words.h"
#include "queries/utf8.h"

namespace importers::native {

using queries::FieldValue;
using queries::no_object;
using queries::ObjectId;

NativeDetails::NativeDetails(std::shared_ptr<const formats::ProcessImage> image, AddressRanges metadata,
                             const TypedBlocks& types, LeftOutWords left_out, const queries::Snapshot& snapshot)
    : image_(std::move(image)),
      metadata_(std::move(metadata)),
      live_prefix_(types.live_prefix),
      left_out_(std::move(left_out)),
      layouts_(types.layouts),
      snapshot_(snapshot),
      blocks_(snapshot.addresses, snapshot.shallow) {
  for (const NativeType& type : types.types) is_text_.push_back(holds_text(type));
}

template <typename F>
void NativeDetails::visit(ObjectId id, F&& f) const {
  if (index(id) >= snapshot_.object_count) return;
  const std::uint64_t address = blocks_.address(id);
  std::uint64_t size = blocks_.usable(id);
  const auto live = std::lower_bound(live_prefix_.begin(), live_prefix_.end(), id,
                                     [](const auto& entry, ObjectId wanted) { return entry.first < wanted; });
  if (live != live_prefix_.end() && live->first == id) size = std::min(size, live->second);
  Words(*image_, metadata_).for_each(address, address + size, [&](std::uint64_t at, std::uint64_t word) {
    const ObjectId target = blocks_.find(word).id;
    if (target == no_object || target == id) return true;
    const std::uint64_t offset = at - address;
    if (std::binary_search(left_out_.begin(), left_out_.end(), std::pair(id, slot_of(offset)))) return true;
    return f(offset, target);
  });
}

namespace {

std::string offset_name(std::uint64_t offset) {
  char text[24];
  std::snprintf(text, sizeof text, "+0x%llx", static_cast<unsigned long long>(offset));
  return text;
}

}  // namespace

std::string NativeDetails::name_at(ObjectId id, std::uint64_t offset) const {
  const BlockLayout* layout = layouts_.find(id);
  std::string name = layout == nullptr ? "" : layout->name_at(offset);
  return name.empty() ? offset_name(offset) : name;
}

std::vector<FieldValue> NativeDetails::fields(ObjectId id, std::size_t limit) const {
  std::vector<FieldValue> values;
  visit(id, [&](std::uint64_t offset, ObjectId target) {
    if (values.size() >= limit) return false;
    FieldValue value;
    value.name = name_at(id, offset);
    value.slot = slot_of(offset);
    value.target = target;
    values.push_back(std::move(value));
    return true;
  });
  return values;
}

std::optional<std::string> NativeDetails::text(ObjectId id, std::size_t limit) const {
  if (index(id) >= snapshot_.object_count || !is_text_[index(snapshot_.class_of[id])]) return std::nullopt;
  std::string text(std::min<std::uint64_t>(blocks_.usable(id), limit), '\0');
  if (!image_->read(blocks_.address(id), text.data(), text.size())) return std::nullopt;
  text.resize(std::min(text.find('\0'), text.size()));
  std::string scratch;
  return std::string(queries::valid_utf8(text, scratch));
}

queries::Doubt NativeDetails::reference_doubt(ObjectId source, ObjectId target) const {
  queries::Doubt doubt = queries::Doubt::none;
  visit(source, [&](std::uint64_t offset, ObjectId to) {
    if (to != target) return true;
    const std::uint64_t at = blocks_.address(source) + offset;
    const std::uint64_t value = image_->word(at).value_or(0);
    const std::uint64_t before = offset == 0 ? 0 : image_->word(at - 8).value_or(0);
    doubt = Doubts::kind_of({at, value, before, source}, blocks_.find(value));
    return false;
  });
  return doubt;
}

std::string NativeDetails::reference_name(ObjectId source, ObjectId target) const {
  std::string name;
  visit(source, [&](std::uint64_t offset, ObjectId to) {
    if (to == target) name = name_at(source, offset);
    return to != target;
  });
  return name;
}

}  // namespace importers::native
