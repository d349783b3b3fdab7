// Where a memray capture is: the Python stack of each thread, as sites, and the native frames below it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/memray.h"
#include "importers/profile_symbols.h"
#include "queries/allocation_profile.h"

namespace importers {

/// Frames of Python code by the numbers of the capture → sites.
class PythonFrames {
 public:
  PythonFrames(queries::SiteTree& sites, std::uint32_t python_version)
      : sites_(sites), python_version_(python_version) {}

  /// A frame by its id, with its line (version 11).
  void define_frame(const formats::memray::Record& record);
  /// A code object; a later one of the same id replaces it, as ids of freed code come again.
  void define_code(const formats::memray::Record& record);
  /// A frame as a place in a code object, by its id (aggregated captures from version 12 on).
  void define_place(const formats::memray::Record& record);

  /// The site of a defined frame called from `caller`. One that was never defined is "(unknown)".
  queries::SiteId add(queries::SiteId caller, std::uint64_t id);
  /// The site of a place in a code object called from `caller`. O(1) once the place was seen.
  queries::SiteId add_place(queries::SiteId caller, std::uint64_t code_id, std::int64_t offset);

 private:
  struct Code {
    std::uint32_t function = 0, file = 0;  // texts of the site tree
    std::int64_t first_line = 0;
    formats::Bytes line_table;                             // borrows the input
    std::unordered_map<std::int64_t, std::int32_t> lines;  // by offset, as they are asked for
  };
  [[nodiscard]] queries::SiteRow unknown_row();
  [[nodiscard]] queries::SiteRow row_of_place(std::uint64_t code_id, std::int64_t offset);

  queries::SiteTree& sites_;
  std::uint32_t python_version_;
  std::unordered_map<std::uint64_t, queries::SiteRow> frames_;
  std::unordered_map<std::uint64_t, Code> codes_;
};

/// The native frames of a capture, which are numbered from 1, each with its caller's number; and the modules they are
/// in.
class NativeFrames {
 public:
  NativeFrames(queries::SiteTree& sites, const ModulePaths& paths) : sites_(sites), symbols_(paths) {}

  void define(std::uint64_t address, std::uint64_t caller) { frames_.push_back({address, caller}); }
  /// The modules of the process from now on: add_segment() for each.
  void clear_segments();
  void add_segment(std::string_view file, std::uint64_t base, std::uint64_t start, std::uint64_t size);
  /// `site` with those frames of `id` below it that are not the interpreter's: the innermost ones, up to the first in
  /// Python itself. They are "module+0xoffset" where no file has a name. O(1) once the pair was seen.
  queries::SiteId add(queries::SiteId site, std::uint64_t id);
  [[nodiscard]] const ProfileSymbols& symbols() const { return symbols_; }

 private:
  struct Frame {
    std::uint64_t address = 0, caller = 0;
  };
  struct Segment {
    std::uint64_t start = 0, end = 0, base = 0;
    std::uint32_t module_text = 0;  // of the site tree
    std::size_t module = 0;         // in modules_
    bool is_interpreter = false;
  };
  struct Key {
    queries::SiteId site;
    std::uint64_t id;
    bool operator==(const Key& other) const { return site == other.site && id == other.id; }
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return (key.id * 0x9E37'79B9'7F4A'7C15 ^ index(key.site)) >> 3; }
  };
  [[nodiscard]] const Segment* find(std::uint64_t address);
  /// Of an address, innermost first.
  [[nodiscard]] std::vector<queries::SiteRow> rows_of(std::uint64_t address, const Segment* segment);

  queries::SiteTree& sites_;
  ProfileSymbols symbols_;
  std::unordered_map<std::uint64_t, std::vector<queries::SiteRow>> rows_;  // by address, of these segments
  std::vector<Frame> frames_;
  std::vector<Segment> segments_;
  std::vector<MappedModule> modules_;  // from the first byte of the first segment to the last of the last
  bool is_sorted_ = true;
  std::unordered_map<Key, queries::SiteId, KeyHash> known_;
};

/// The stack of every thread. Push and pop are O(1).
class ThreadStacks {
 public:
  void switch_to(std::uint64_t thread) {
    thread_ = thread;
    current_ = &stacks_[thread];
  }
  [[nodiscard]] std::uint64_t thread() const { return thread_; }
  [[nodiscard]] queries::SiteId top() const { return current_->empty() ? queries::no_site : current_->back(); }
  void push(queries::SiteId site) { current_->push_back(site); }
  /// Pops of frames that are not there (a thread that ran before the capture began) are none.
  void pop(std::uint32_t count) { current_->resize(current_->size() - std::min<std::size_t>(count, current_->size())); }

 private:
  std::unordered_map<std::uint64_t, std::vector<queries::SiteId>> stacks_;
  std::uint64_t thread_ = 0;
  std::vector<queries::SiteId>* current_ = &stacks_[0];
};

}  // namespace importers
