#include "importers/hprof_objects.h"

namespace importers::hprof {

using formats::hprof::HeapReader;
using formats::hprof::HeapRecord;

ObjectWalk::ObjectWalk(const Catalog& catalog)
    : catalog_(catalog), id_size_(catalog.header.id_size), runs_(catalog.runs) {
  std::sort(runs_.begin(), runs_.end(), [](const Run& a, const Run& b) {
    return a.first_address != b.first_address ? a.first_address < b.first_address : a.offset < b.offset;
  });
  last_address_.reserve(runs_.size());
  RawId last = 0;
  for (const Run& run : runs_) {
    last = std::max(last, run.last_address);
    last_address_.push_back(last);
  }
  for (std::uint32_t entry = 0; entry < catalog.classes.size(); ++entry) {
    if (catalog.classes[entry].dumped) classes_.push_back({catalog.classes[entry].id, entry});
  }
  std::sort(classes_.begin(), classes_.end(), [](const ClassAt& a, const ClassAt& b) { return a.address < b.address; });
}

ObjectWalk::Cursor ObjectWalk::open(const Run& run) const {
  const auto bytes =
      catalog_.file.subspan(static_cast<std::size_t>(run.offset), static_cast<std::size_t>(run.end - run.offset));
  Cursor cursor{0, run.offset, HeapReader(bytes, run.offset, id_size_, no_damage_), {}};
  advance(cursor);
  return cursor;
}

std::optional<HeapRecord> ObjectWalk::find(RawId address) const {
  const auto class_at = std::lower_bound(classes_.begin(), classes_.end(), address,
                                         [](const ClassAt& at, RawId wanted) { return at.address < wanted; });
  if (class_at != classes_.end() && class_at->address == address) return class_record(*class_at);
  auto at = static_cast<std::size_t>(
      std::upper_bound(runs_.begin(), runs_.end(), address,
                       [](RawId wanted, const Run& run) { return wanted < run.first_address; }) -
      runs_.begin());
  std::optional<HeapRecord> found;
  while (at-- > 0 && last_address_[at] >= address) {
    if (runs_[at].last_address < address) continue;
    Cursor cursor = open(runs_[at]);
    do {
      if (cursor.address != address) continue;
      if (!found || cursor.record.offset < found->offset) found = cursor.record;
      break;
    } while (advance(cursor) && cursor.address <= address);
  }
  return found;
}

}  // namespace importers::hprof
