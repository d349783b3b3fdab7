// The object records of a dump in address order, and single ones by address. Works on the runs of the catalog: a merge
// of ascending runs, which on real heaps hardly ever overlap, so the second walk reads the file nearly in sequence.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "importers/hprof_catalog.h"

namespace importers::hprof {

class ObjectWalk {
 public:
  /// Borrows the catalog. O(runs log runs).
  explicit ObjectWalk(const Catalog& catalog);

  /// Calls f(address, HeapRecord) for every object once, by ascending address: instances, arrays and class dumps.
  /// Where two records claim one address a class dump wins, else the one that comes first in the file.
  template <typename F>
  void for_each(F&& f) const;

  /// The record of the object at this address. O(log runs + 4096 records).
  [[nodiscard]] std::optional<formats::hprof::HeapRecord> find(RawId address) const;

 private:
  struct ClassAt {
    RawId address = 0;
    std::uint32_t entry = 0;
  };
  /// A position inside a run.
  struct Cursor {
    RawId address = 0;
    std::uint64_t run_offset = 0;
    formats::hprof::HeapReader reader;
    formats::hprof::HeapRecord record;
    [[nodiscard]] bool later_than(const Cursor& other) const {
      return address != other.address ? address > other.address : run_offset > other.run_offset;
    }
  };
  [[nodiscard]] Cursor open(const Run& run) const;
  bool advance(Cursor& cursor) const {
    if (!cursor.reader.next(cursor.record)) return false;
    cursor.address = formats::hprof::load_id(cursor.record.body.data(), id_size_);
    return true;
  }
  [[nodiscard]] formats::hprof::HeapRecord class_record(const ClassAt& at) const {
    const ClassEntry& entry = catalog_.classes[at.entry];
    return {formats::hprof::HeapTag::class_dump, entry.dump_offset, entry.dump};
  }

  const Catalog& catalog_;
  unsigned id_size_;
  std::vector<Run> runs_;                 ///< by first address
  std::vector<RawId> last_address_;       ///< greatest last address of runs_[0 … i]
  std::vector<ClassAt> classes_;          ///< by address
  mutable formats::DamageLog no_damage_;  ///< runs hold only records that were read before
};

template <typename F>
void ObjectWalk::for_each(F&& f) const {
  constexpr RawId no_limit = std::numeric_limits<RawId>::max();
  std::vector<Cursor> open_runs;  // a heap: the smallest address in front
  const auto later = [](const Cursor& a, const Cursor& b) { return a.later_than(b); };
  std::size_t next_run = 0;
  std::size_t next_class = 0;
  RawId last = 0;
  bool any = false;
  const auto emit = [&](RawId address, const formats::hprof::HeapRecord& record) {
    while (next_class < classes_.size() && classes_[next_class].address <= address) {
      last = classes_[next_class].address;
      any = true;
      f(last, class_record(classes_[next_class++]));
    }
    if (any && address <= last) return;
    last = address;
    any = true;
    f(address, record);
  };
  while (next_run < runs_.size() || !open_runs.empty()) {
    while (next_run < runs_.size() &&
           (open_runs.empty() || runs_[next_run].first_address <= open_runs.front().address)) {
      open_runs.push_back(open(runs_[next_run++]));
      std::push_heap(open_runs.begin(), open_runs.end(), later);
    }
    std::pop_heap(open_runs.begin(), open_runs.end(), later);
    Cursor cursor = std::move(open_runs.back());
    open_runs.pop_back();
    RawId limit = open_runs.empty() ? no_limit : open_runs.front().address;
    if (next_run < runs_.size()) limit = std::min(limit, runs_[next_run].first_address);
    bool more = true;
    do {
      emit(cursor.address, cursor.record);
      more = advance(cursor);
    } while (more && cursor.address < limit);
    if (more) {
      open_runs.push_back(std::move(cursor));
      std::push_heap(open_runs.begin(), open_runs.end(), later);
    }
  }
  while (next_class < classes_.size()) {
    const ClassAt& at = classes_[next_class++];
    if (!any || at.address > last) f(at.address, class_record(at));
    last = at.address;
    any = true;
  }
}

}  // namespace importers::hprof
