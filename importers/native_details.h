// Words and text of single native blocks, on demand, for reports.
#pragma once

#include <memory>

#include "formats/process_image.h"
#include "importers/native_blocks.h"
#include "importers/native_heap.h"
#include "importers/native_references.h"
#include "importers/native_types.h"
#include "queries/object_details.h"
#include "queries/snapshot.h"

namespace importers::native {

class NativeDetails final : public queries::ObjectDetails {
 public:
  /// Keeps the image; borrows the snapshot. `metadata`: NativeHeap::metadata(). `left_out`: of make_references().
  NativeDetails(std::shared_ptr<const formats::ProcessImage> image, AddressRanges metadata, const TypedBlocks& types,
                LeftOutWords left_out, const queries::Snapshot& snapshot);

  /// The references of the block, those of its rows, as (name of the member or "+0x18", slot, target).
  [[nodiscard]] std::vector<queries::FieldValue> fields(queries::ObjectId id, std::size_t limit) const override;
  /// Of blocks whose content is text: up to the first NUL.
  [[nodiscard]] std::optional<std::string> text(queries::ObjectId id, std::size_t limit) const override;
  [[nodiscard]] std::string reference_name(queries::ObjectId source, queries::ObjectId target) const override;
  [[nodiscard]] queries::Doubt reference_doubt(queries::ObjectId source, queries::ObjectId target) const override;

 private:
  [[nodiscard]] std::string name_at(queries::ObjectId id, std::uint64_t offset) const;
  template <typename F>
  void visit(queries::ObjectId id, F&& f) const;

  std::shared_ptr<const formats::ProcessImage> image_;
  AddressRanges metadata_;
  std::vector<std::pair<queries::ObjectId, std::uint64_t>> live_prefix_;
  LeftOutWords left_out_;
  std::vector<bool> is_text_;  ///< by class
  BlockLayouts layouts_;
  const queries::Snapshot& snapshot_;
  Blocks blocks_;
};

}  // namespace importers::native
