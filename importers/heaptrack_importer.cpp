#include "importers/heaptrack_importer.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>

#include "formats/demangle.h"
#include "formats/heaptrack.h"
#include "importers/allocation_events.h"
#include "importers/allocation_tracker.h"
#include "importers/hexadecimal.h"
#include "importers/profile_symbols.h"
#include "importers/take_damage.h"
#include "queries/allocation_profile.h"

namespace importers {
namespace {

namespace heaptrack = formats::heaptrack;
using heaptrack::Line;
using queries::EventKind;
using queries::SiteId;

constexpr std::uint64_t largest_block = AllocationFigures::largest_size;

/// Where raw addresses are: modules as they are loaded at a moment of the recording.
class LoadedModules {
 public:
  void clear() { ranges_.clear(); }
  void add(std::string_view path, bool is_program, const heaptrack::ModuleLine& module) {
    MappedModule whole;
    whole.path = path;
    whole.is_program = is_program;
    const std::size_t first = ranges_.size();
    for (const heaptrack::ModuleLine::Segment& segment : module.segments) {
      const std::uint64_t start = module.base + segment.address;
      if (start < module.base || start + segment.size < start) continue;
      if (ranges_.size() == first || start < whole.start) whole.start = start;
      whole.end = std::max(whole.end, start + segment.size);
      ranges_.push_back({start, start + segment.size, module.base, {}});
    }
    whole.start &= ~std::uint64_t{0xFFF};  // from the file's first byte on
    for (std::size_t i = first; i < ranges_.size(); ++i) ranges_[i].module = whole;
    is_sorted_ = false;
  }
  struct Range {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t base = 0;
    MappedModule module;
  };
  [[nodiscard]] const Range* find(std::uint64_t address) {
    if (!is_sorted_) {
      std::stable_sort(ranges_.begin(), ranges_.end(),
                       [](const Range& a, const Range& b) { return a.start < b.start; });
      is_sorted_ = true;
    }
    auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                  [](std::uint64_t at, const Range& range) { return at < range.start; });
    if (after == ranges_.begin() || address >= std::prev(after)->end) return nullptr;
    return &*std::prev(after);
  }

 private:
  std::vector<Range> ranges_;
  bool is_sorted_ = true;
};

class HeaptrackImport {
 public:
  explicit HeaptrackImport(ImportJob& job)
      : job_(job),
        snapshot_(job.snapshot),
        reader_(job.input, damage_),
        texts_(1),
        pointers_(1),
        sites_(1, queries::no_site),
        symbols_(job.options.modules),
        event_rows_(job) {
    snapshot_.profile = std::make_shared<queries::AllocationProfile>();
    profile_ = snapshot_.profile.get();
    snapshot_.path = job.input.path();
    snapshot_.format = "heaptrack";
    snapshot_.runtime = "native";
    snapshot_.pointer_size = 8;
    event_rows_.set_time(0);
  }

  void run() {
    event_rows_.are_wanted() ? read<true>() : read<false>();
    finish();
  }

 private:
  /// Twice, as an event costs 14 ns: the mere question whether its row is wanted would add 0.6.
  template <bool with_rows>
  void read() {
    Line line;
    while (reader_.next(line)) {
      switch (line.tag) {
        case '+': has_addresses_ ? allocate_block<with_rows>(line) : allocate_kind<with_rows>(line); break;
        case '-': has_addresses_ ? free_block<with_rows>(line) : free_kind<with_rows>(line); break;
        default: other(line);
      }
    }
  }

  template <bool with_rows>
  void allocate_kind(const Line& line) {
    if (line.count != 1 || line.numbers[0] >= by_kind_.kind_count())
      return reject(line, "allocation of an unknown kind");
    const KindId kind{static_cast<std::uint32_t>(line.numbers[0])};
    by_kind_.allocate(kind);
    if constexpr (with_rows) kind_events_.allocate(kind);
  }
  template <bool with_rows>
  void free_kind(const Line& line) {
    if (line.count != 1 || line.numbers[0] >= by_kind_.kind_count()) return reject(line, "free of an unknown kind");
    const KindId kind{static_cast<std::uint32_t>(line.numbers[0])};
    by_kind_.free(kind);
    if constexpr (with_rows) kind_events_.free(kind);
  }
  template <bool with_rows>
  void allocate_block(const Line& line) {
    const auto& [size, trace, address] = line.numbers;
    if (line.count != 3 || trace >= sites_.size() || size > largest_block)
      return reject(line, "allocation with wrong numbers");
    const SiteId site = sites_[static_cast<std::size_t>(trace)];
    by_address_.allocate(address, size, site);
    if constexpr (with_rows) block_events_.allocate(EventKind::allocation, address, size, site);
  }
  template <bool with_rows>
  void free_block(const Line& line) {
    if (line.count != 1) return reject(line, "free with wrong numbers");
    by_address_.free(line.numbers[0]);
    if constexpr (with_rows) block_events_.free(EventKind::free, line.numbers[0], queries::no_site);
  }
  void reject(const Line& line, const char* what) { reader_.reject(line, what); }

  void other(const Line& line) {
    switch (line.tag) {
      case 'v': version(line); break;
      case 'x': program(line); break;
      case 'X': snapshot_.meta.emplace_back("command", std::string(line.text)); break;
      case 'I': page_size_ = line.count > 0 ? line.numbers[0] : 0; break;
      case 'S': profile_->suppressions.emplace_back(heaptrack::parse_suppression(line.text)); break;
      case 'A': snapshot_.meta.emplace_back("attached", "1"); break;
      case 's': string(line); break;
      case 'i': instruction_pointer(line); break;
      case 't': trace(line); break;
      case 'a': kind(line); break;
      case 'm': module(line); break;
      case 'c': time(line); break;
      case 'R': resident(line); break;
      default: break;
    }
  }

  void version(const Line& line) {
    const std::optional<heaptrack::Version> version = heaptrack::parse_version(line.text);
    if (!version) return reject(line, "heaptrack version that makes no sense");
    if (version->format > 3) {
      throw formats::InputError(snapshot_.path + ": heaptrack file format " + std::to_string(version->format) +
                                ", of a heaptrack newer than 1.5; formats 0 to 3 are read");
    }
    format_ = version->format;
    has_addresses_ = false;
    snapshot_.meta.emplace_back("heaptrack.version", version->text());
    snapshot_.meta.emplace_back("heaptrack.format", std::to_string(format_));
  }
  void program(const Line& line) {
    const std::optional<std::string_view> path = heaptrack::parse_string(line.text, format_);
    if (!path) return reject(line, "program path of another length than said");
    program_ = *path;
    is_raw_ = has_addresses_ = true;
    snapshot_.meta.emplace_back("program", program_);
  }
  void string(const Line& line) {
    const std::optional<std::string_view> text = heaptrack::parse_string(line.text, format_);
    if (!text) reject(line, "string of another length than said");
    texts_.push_back(formats::demangle(text.value_or("")));  // numbers of later ones stay right
  }
  void instruction_pointer(const Line& line) {
    std::optional<heaptrack::InstructionPointer> pointer = heaptrack::parse_instruction_pointer(line.text);
    if (!pointer) reject(line, "instruction pointer that makes no sense");
    pointers_.push_back(pointer ? std::move(*pointer) : heaptrack::InstructionPointer{});
  }
  void trace(const Line& line) {
    const auto& [pointer, parent, unused] = line.numbers;
    SiteId site = queries::no_site;
    if (line.count != 2 || parent >= sites_.size() || (!is_raw_ && pointer >= pointers_.size())) {
      reject(line, "call path node with wrong numbers");
    } else {
      site = sites_[static_cast<std::size_t>(parent)];
      site = is_raw_ ? add_raw(site, pointer) : add_frames(site, pointers_[static_cast<std::size_t>(pointer)]);
    }
    sites_.push_back(site);
  }
  void kind(const Line& line) {
    const auto& [size, trace, unused] = line.numbers;
    const bool is_right = line.count == 2 && trace < sites_.size() && size <= largest_block;
    if (!is_right) reject(line, "allocation kind with wrong numbers");
    const SiteId site = is_right ? sites_[static_cast<std::size_t>(trace)] : queries::no_site;
    by_kind_.add_kind(site, is_right ? size : 0);
    if (event_rows_.are_wanted()) kind_events_.add_kind(site, is_right ? size : 0);
  }
  void module(const Line& line) {
    const std::optional<heaptrack::ModuleLine> module = heaptrack::parse_module(line.text, format_);
    if (!module) return reject(line, "module that makes no sense");
    if (module->clears) {
      modules_.clear();
      raw_frames_.clear();
    } else {
      const bool is_program = module->path == "x";
      modules_.add(is_program ? std::string_view(program_) : module->path, is_program, *module);
    }
  }
  void time(const Line& line) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    if (line.count != 1 || line.numbers[0] > most) return reject(line, "time that makes no sense");
    figures().set_time(static_cast<std::uint32_t>(line.numbers[0]));
    event_rows_.set_time(static_cast<std::uint32_t>(line.numbers[0]));
    if (job_.progress) {
      const auto [done, total] = reader_.windows().progress();
      job_.progress("events", done, total);
    }
  }
  void resident(const Line& line) {
    if (line.count != 1 || line.numbers[0] > largest_block || page_size_ > 1u << 20)
      return reject(line, "RSS that makes no sense");
    figures().set_rss(line.numbers[0] * page_size_);
  }

  /// The frames of an instruction pointer, the outermost first.
  SiteId add_frames(SiteId caller, const heaptrack::InstructionPointer& pointer) {
    const std::string_view module = text(pointer.module);
    if (pointer.frames.empty())
      return profile_->sites.add(caller, {hexadecimal(pointer.address), {}, 0, module, false});
    for (std::size_t i = pointer.frames.size(); i-- > 0;) {
      const heaptrack::Frame& frame = pointer.frames[i];
      const std::string_view function = text(frame.function);
      const std::string address = function.empty() ? hexadecimal(pointer.address) : std::string();
      caller = profile_->sites.add(caller, {function.empty() ? std::string_view(address) : function, text(frame.file),
                                            frame.line, module, i + 1 != pointer.frames.size()});
    }
    return caller;
  }
  SiteId add_raw(SiteId caller, std::uint64_t address) {
    const auto [known, is_new] = raw_frames_.try_emplace(address);
    if (is_new) known->second = resolve_raw(address);
    for (const std::uint32_t frame : known->second) caller = profile_->sites.add_numbered(caller, frame);
    return caller;
  }
  /// The frames of a return address, the outermost first.
  std::vector<std::uint32_t> resolve_raw(std::uint64_t address) {
    queries::SiteTree& sites = profile_->sites;
    const LoadedModules::Range* range = modules_.find(address);
    queries::SiteRow row;
    if (range != nullptr) {
      row.module = sites.text_number(range->module.path);
      std::vector<std::uint32_t> frames;
      for (const queries::SiteRow& named : symbols_.rows(range->module, address - 1, row.module, sites)) {
        frames.push_back(sites.frame_number(named));
      }
      if (!frames.empty()) return frames;
    }
    row.function = sites.text_number(hexadecimal(range == nullptr ? address : address - range->base));
    return {sites.frame_number(row)};
  }
  [[nodiscard]] std::string_view text(std::uint32_t number) const {
    return number < texts_.size() ? std::string_view(texts_[number]) : std::string_view();
  }
  AllocationFigures& figures() { return has_addresses_ ? by_address_.figures() : by_kind_.figures(); }

  void finish() {
    if (has_addresses_) {
      by_address_.finish(*profile_);
    } else {
      by_kind_.finish(*profile_);
    }
    profile_->records.front().path = snapshot_.path;
    const std::uint64_t unknown = has_addresses_ ? by_address_.unknown_frees() : by_kind_.unknown_frees();
    snapshot_.meta.emplace_back("unknown_frees", std::to_string(unknown));
    if (has_addresses_) snapshot_.meta.emplace_back("missed_frees", std::to_string(by_address_.missed_frees()));
    if (!has_addresses_ && !reader_.has_end_mark()) {
      snapshot_.warnings.emplace_back(
          "heaptrack's closing lines are missing: the file is cut, or heaptrack was killed before it was done");
    }
    if (is_raw_) symbols_.describe(snapshot_);
    event_rows_.finish(!has_addresses_);
    take_damage(damage_, snapshot_);
  }

  ImportJob& job_;
  queries::Snapshot& snapshot_;
  queries::AllocationProfile* profile_ = nullptr;
  formats::DamageLog damage_;
  heaptrack::Reader reader_;
  unsigned format_ = 0;        // until a `v` line says otherwise
  bool is_raw_ = false;        // call path nodes have addresses instead of numbers of `i` lines
  bool has_addresses_ = true;  // events have addresses: raw files, and all of format 0
  std::uint64_t page_size_ = 4096;
  std::string program_;
  std::vector<std::string> texts_;                       // by number, from 1
  std::vector<heaptrack::InstructionPointer> pointers_;  // by number, from 1
  std::vector<SiteId> sites_;                            // by number of the call path node, from 1
  LoadedModules modules_;
  ProfileSymbols symbols_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> raw_frames_;  // by return address, of modules_
  AllocationTracker by_address_;
  KindTracker by_kind_;
  EventRows event_rows_;
  BlockEvents block_events_{event_rows_};
  KindEvents kind_events_{event_rows_};
};

}  // namespace

void import_heaptrack(ImportJob& job) { HeaptrackImport(job).run(); }

std::vector<std::pair<std::string, std::string>> describe_heaptrack(formats::Bytes head) {
  std::vector<std::pair<std::string, std::string>> facts;
  const formats::Input input = formats::Input::borrow(head);
  formats::DamageLog beyond_the_head;
  heaptrack::Reader reader(input, beyond_the_head);
  bool is_raw = false;
  for (Line line; reader.next(line);) {
    if (line.tag == 'v') {
      if (const auto version = heaptrack::parse_version(line.text)) {
        facts.emplace_back("version", version->text());
        facts.emplace_back("format", std::to_string(version->format));
      }
    } else if (line.tag == 'X') {
      facts.emplace_back("command", std::string(line.text));
    } else if (line.tag == 'x') {
      is_raw = true;
    }
  }
  facts.emplace_back("kind", is_raw ? "raw" : "interpreted");
  return facts;
}

}  // namespace importers
