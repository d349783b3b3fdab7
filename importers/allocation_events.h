// Single events of a trace as rows of `event` (--events), written as they come: what is held is what is live. Which
// allocation a free ends is found by address, or by kind where the recorder has dropped the addresses; both keep the
// same blocks as allocation_tracker.h does, so that the rows sum to its figures.
//
// Cost, measured by tests/bench/traces.sh: 38 ns an event by kind, 61 to 74 by address, most of it the row's bytes; at
// most a comparison an event where nobody asked for them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "importers/allocation_figures.h"
#include "importers/block_table.h"
#include "importers/import_job.h"
#include "queries/row_sink.h"

namespace importers {

/// Numbers the rows and says when and where they happened.
class EventRows {
 public:
  explicit EventRows(const ImportJob& job) : job_(job), are_wanted_(job.options.events && job.rows != nullptr) {}

  [[nodiscard]] bool are_wanted() const { return are_wanted_; }
  /// The record has a clock. Steps backwards are ignored, as those of AllocationFigures are. Importers of formats with
  /// a clock begin at 0: recorders say the time for the first time after some events.
  void set_time(std::uint32_t ms) { row_.t_ms = std::max<std::int64_t>(row_.t_ms, ms); }
  /// A row of Snapshot::threads.
  void set_thread(std::int64_t thread) { row_.thread = thread; }

  /// A block begins; the id of the row.
  std::uint64_t begin(queries::EventKind kind, std::uint64_t address, std::uint64_t size, queries::SiteId site) {
    return write(kind, address, static_cast<std::int64_t>(size), site, 0);
  }
  /// `size` bytes of the block that the event `allocation` began end.
  void end(queries::EventKind kind, std::uint64_t address, std::uint64_t size, queries::SiteId site,
           std::uint64_t allocation) {
    write(kind, address, static_cast<std::int64_t>(size), site, allocation);
  }
  /// The end of a block that is not known.
  void end_unknown(queries::EventKind kind, std::uint64_t address, queries::SiteId site) {
    write(kind, address, -1, site, 0);
  }
  /// What the table's columns need to be understood. `is_estimated`: KindEvents.
  void finish(bool is_estimated) const;

 private:
  std::uint64_t write(queries::EventKind kind, std::uint64_t address, std::int64_t size, queries::SiteId site,
                      std::uint64_t allocation);

  const ImportJob& job_;
  bool are_wanted_;
  queries::AllocationEvent row_;
};

/// Events of blocks with addresses. Memory: 34 to 69 bytes per live block.
class BlockEvents {
 public:
  explicit BlockEvents(EventRows& rows) : rows_(rows) {}

  /// A block at the address of another ends it: that one's free was missed.
  void allocate(queries::EventKind kind, std::uint64_t address, std::uint64_t size, queries::SiteId site);
  void free(queries::EventKind kind, std::uint64_t address, queries::SiteId site);

  // For mappings, of which munmap ends parts (mapped_ranges.h).

  /// A part of a block without its row: what began it, and how large it is.
  struct Part {
    std::uint64_t address = 0;
    std::uint64_t allocation = 0;  // id of the event, 0 = an empty slot
    std::uint64_t size = 0;
    [[nodiscard]] bool is_empty() const { return allocation == 0; }
  };
  /// Takes out what is at the address, without a row; an empty part when there is nothing.
  Part take(std::uint64_t address);
  /// Keeps what is left of a block.
  void keep(const Part& part);
  /// Rows of what ends; an empty part: munmap of what is not known.
  void unmap(const Part& part);

 private:
  /// The empty slot of the address.
  std::size_t make_empty(std::uint64_t address);

  EventRows& rows_;
  BlockTable<Part> blocks_;
};

/// Events of blocks of which only site and size are known. A freed block is taken for the youngest of its kind.
/// Memory: 16 bytes per live block, 24 per kind.
class KindEvents {
 public:
  explicit KindEvents(EventRows& rows) : rows_(rows) {}

  /// Kinds are numbered from 0 as they come, as those of KindTracker are.
  void add_kind(queries::SiteId site, std::uint64_t size) { kinds_.push_back({size, site, none}); }
  void allocate(KindId id);
  void free(KindId id);

 private:
  static constexpr std::uint32_t none = 0xFFFF'FFFFu;
  struct Kind {
    std::uint64_t size = 0;
    queries::SiteId site = queries::no_site;
    std::uint32_t youngest = none;  // entry of live_
  };
  struct Entry {
    std::uint64_t allocation = 0;  // id of the event
    std::uint32_t next = none;     // an older one of the kind; of an unused entry, another such
  };
  EventRows& rows_;
  std::vector<Kind> kinds_;
  std::vector<Entry> live_;
  std::uint32_t unused_ = none;
};

}  // namespace importers
