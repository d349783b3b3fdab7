#include "analyzer/passes/fragmentation.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>

namespace analyzer {
namespace {

using namespace queries;

constexpr std::uint64_t page_size = 4096;
constexpr std::size_t most_pins = 100;  // rows; pin_stats sums all of them
constexpr std::array<std::uint64_t, 11> request_sizes = {16,    64,     256,     1024,    4096,    16384,
                                                         65536, 262144, 1048576, 4194304, 16777216};

/// Kinds of regions that hold blocks of one size and go back to the system only when all of them are free.
constexpr std::string_view whole_kinds[] = {"slab", "span", "page"};

/// Kinds of regions whose memory is the system's again. Also in queries/sql/reports/report_free_*.sql.
constexpr std::string_view released_kinds[] = {"retained", "returned"};

template <typename Kinds>
bool is_one_of(const RegionRow& region, const Kinds& kinds) {
  return std::any_of(std::begin(kinds), std::end(kinds),
                     [&](std::string_view kind) { return region.kind.find(kind) != std::string::npos; });
}

/// What both names begin with, in whole words, and without what follows a comma.
std::string_view common_words(std::string_view a, std::string_view b) {
  a = a.substr(0, a.find(','));
  b = b.substr(0, b.find(','));
  if (a == b) return a;
  std::size_t end = 0;
  for (std::size_t i = 0; i <= std::min(a.size(), b.size()); ++i) {
    const bool a_ends = i == a.size() || a[i] == ' ';
    const bool b_ends = i == b.size() || b[i] == ' ';
    if (a_ends && b_ends) end = i;
    if (i == a.size() || i == b.size() || a[i] != b[i]) break;
  }
  return a.substr(0, end);
}

std::uint64_t size_of(const RegionRow& region) { return region.end > region.start ? region.end - region.start : 0; }

/// What is known of one region while walking.
struct RegionWork {
  std::size_t arena = 0;  // index into arenas
  bool goes_back_whole = false;
  bool is_released = false;
  std::uint64_t offset = 0;         // of its first byte in the arena's regions put together, released ones left out
  ObjectId highest = no_object;     // its highest used block,
  std::uint64_t highest_start = 0;  // where that begins,
  std::uint64_t previous_end = 0;   // and where the used block below ends (the region's start when there is none)
  std::uint64_t pinned_bytes = 0;
  std::uint64_t free_below = 0;  // free bytes between previous_end and highest_start
};

struct ArenaWork {
  ArenaRow row;
  std::uint64_t held_bytes = 0;                                // of regions that are not released: what the map shows
  std::array<std::uint64_t, request_sizes.size()> servable{};  // requests of each size
  std::vector<std::uint64_t> cells;                            // used bytes; empty = no map
};

/// Counts the pages of one region as its used blocks come by in address order.
class PageCounter {
 public:
  void begin(const RegionRow& region) {
    start_ = region.start;
    end_ = std::max(region.end, region.start);
    page_ = no_page;
    used_ = 0;
    touched_ = sparse_ = sparse_free_ = 0;
  }
  void add(std::uint64_t from, std::uint64_t to) {
    const std::uint64_t first = from / page_size;
    const std::uint64_t last = (to - 1) / page_size;
    if (first != page_) {
      flush();
      page_ = first;
    }
    if (first == last) {
      used_ += to - from;
      return;
    }
    used_ += (first + 1) * page_size - from;
    flush();
    touched_ += last - first - 1;  // those between are full
    page_ = last;
    used_ = to - last * page_size;
  }
  /// Adds what was counted to the arena; returns the unused bytes of sparse pages.
  std::uint64_t finish(ArenaRow& arena) {
    flush();
    const std::uint64_t pages = end_ > start_ ? (end_ - 1) / page_size - start_ / page_size + 1 : 0;
    arena.page_count += pages;
    arena.empty_page_count += pages - std::min(pages, touched_);
    arena.sparse_page_count += sparse_;
    return sparse_free_;
  }

 private:
  static constexpr std::uint64_t no_page = ~std::uint64_t{0};

  void flush() {
    if (page_ == no_page) return;
    const std::uint64_t from = std::max(page_ * page_size, start_);
    const std::uint64_t covered = std::min(end_ - from, (page_ + 1) * page_size - from);
    ++touched_;
    if (used_ < (covered + 9) / 10) {  // 10 · used < covered
      ++sparse_;
      sparse_free_ += covered - used_;
    }
    page_ = no_page;
    used_ = 0;
  }

  std::uint64_t start_ = 0, end_ = 0;
  std::uint64_t page_ = no_page;
  std::uint64_t used_ = 0;
  std::uint64_t touched_ = 0, sparse_ = 0, sparse_free_ = 0;
};

class Finder {
 public:
  Finder(const Snapshot& snapshot, std::size_t row_limit) : snapshot_(snapshot), row_limit_(row_limit) {}

  Fragmentation run() {
    make_arenas();
    walk_used();
    walk_free();
    make_pins();
    make_requested();
    make_unusable();
    make_metrics();
    keep_arenas();
    return std::move(found_);
  }

 private:
  void make_arenas();
  void place_maps();
  void walk_used();
  void draw(const RegionWork& work, std::uint64_t from, std::uint64_t to);
  void walk_free();
  void make_pins();
  void make_requested();
  void make_unusable();
  void make_metrics();
  void keep_arenas();

  const Snapshot& snapshot_;
  std::size_t row_limit_;
  std::vector<RegionWork> regions_;
  std::vector<ArenaWork> arenas_;
  std::vector<std::size_t> largest_;  // arenas by bytes, largest first
  ArenaWork whole_;                   // servable and free_count of all
  std::uint64_t free_block_bytes_ = 0;
  std::uint64_t whole_page_bytes_ = 0;
  std::uint64_t sparse_page_bytes_ = 0;
  std::uint64_t pinned_bytes_ = 0;
  RequestedStatRow requested_;  // of all classes
  Fragmentation found_;
};

void Finder::make_arenas() {
  std::unordered_map<std::int32_t, std::size_t> index_of;
  regions_.resize(snapshot_.regions.size());
  for (std::size_t i = 0; i < regions_.size(); ++i) {
    const RegionRow& region = snapshot_.regions[i];
    const auto [at, is_new] = index_of.emplace(region.arena, arenas_.size());
    if (is_new) {
      arenas_.emplace_back();
      arenas_.back().row.arena = region.arena;
      arenas_.back().row.name = region.name;
    }
    ArenaWork& arena = arenas_[at->second];
    ArenaRow& row = arena.row;
    row.name = common_words(row.name, region.name);
    regions_[i].arena = at->second;
    regions_[i].goes_back_whole = is_one_of(region, whole_kinds);
    regions_[i].is_released = is_one_of(region, released_kinds);
    regions_[i].offset = arena.held_bytes;
    regions_[i].previous_end = region.start;
    ++row.region_count;
    row.bytes += size_of(region);
    row.live_bytes += region.live_bytes;
    row.cached_bytes += region.cached_bytes;
    row.overhead_bytes += region.overhead_bytes;
    row.live_count += region.live_count;
    if (regions_[i].is_released) {
      row.released_bytes += region.free_bytes;
      continue;
    }
    arena.held_bytes += size_of(region);
    row.free_bytes += region.free_bytes;
    row.largest_free_bytes = std::max(row.largest_free_bytes, region.largest_free_bytes);
  }
  place_maps();
}

/// The largest arenas get a map; cells are as small as the width allows.
void Finder::place_maps() {
  for (std::size_t i = 0; i < arenas_.size(); ++i) largest_.push_back(i);
  std::sort(largest_.begin(), largest_.end(), [&](std::size_t a, std::size_t b) {
    const ArenaRow& left = arenas_[a].row;
    const ArenaRow& right = arenas_[b].row;
    return left.bytes != right.bytes ? left.bytes > right.bytes : left.arena < right.arena;
  });
  for (std::size_t i = 0; i < std::min(largest_.size(), most_arena_maps); ++i) {
    ArenaWork& arena = arenas_[largest_[i]];
    if (arena.held_bytes == 0) continue;
    arena.row.bytes_per_cell = (arena.held_bytes - 1) / map_cells + 1;
    arena.cells.resize((arena.held_bytes - 1) / arena.row.bytes_per_cell + 1);
  }
}

void Finder::walk_used() {
  std::size_t at = 0;
  PageCounter pages;
  if (!regions_.empty()) pages.begin(snapshot_.regions[0]);
  const auto next_region = [&] {
    if (!regions_[at].is_released) sparse_page_bytes_ += pages.finish(arenas_[regions_[at].arena].row);
    if (++at < regions_.size()) pages.begin(snapshot_.regions[at]);
  };
  snapshot_.addresses.for_each([&](ObjectId id, std::uint64_t address) {
    if (index(id) >= snapshot_.object_count) return;
    while (at < regions_.size() && snapshot_.regions[at].end <= address) next_region();
    if (at == regions_.size() || address < snapshot_.regions[at].start) return;  // not of a known region
    const std::uint64_t size = std::min(snapshot_.shallow[id], snapshot_.regions[at].end - address);
    if (size == 0) return;
    RegionWork& work = regions_[at];
    if (work.is_released) return;
    if (work.highest != no_object) {
      work.previous_end = work.highest_start + snapshot_.shallow[work.highest];
    }
    work.highest = id;
    work.highest_start = address;
    pages.add(address, address + size);
    draw(work, address - snapshot_.regions[at].start + work.offset,
         address + size - snapshot_.regions[at].start + work.offset);
  });
  while (at < regions_.size()) next_region();
}

void Finder::draw(const RegionWork& work, std::uint64_t from, std::uint64_t to) {
  ArenaWork& arena = arenas_[work.arena];
  if (arena.cells.empty()) return;
  const std::uint64_t width = arena.row.bytes_per_cell;
  for (std::uint64_t cell = from / width; from < to && cell < arena.cells.size(); ++cell) {
    const std::uint64_t end = std::min(to, (cell + 1) * width);
    arena.cells[cell] += end - from;
    from = end;
  }
}

void Finder::walk_free() {
  for (const FreeBlockRow& block : snapshot_.free_blocks) {
    if (block.region >= regions_.size() || block.size == 0) continue;
    RegionWork& work = regions_[block.region];
    if (work.is_released) continue;
    ArenaWork& arena = arenas_[work.arena];
    ++arena.row.free_count;
    ++whole_.row.free_count;
    free_block_bytes_ += block.size;
    for (std::size_t i = 0; i < request_sizes.size() && request_sizes[i] <= block.size; ++i) {
      arena.servable[i] += block.size / request_sizes[i];
      whole_.servable[i] += block.size / request_sizes[i];
    }
    const std::uint64_t last = block.address + std::min(block.size, ~block.address);
    const std::uint64_t first_page = block.address / page_size + (block.address % page_size != 0 ? 1 : 0);
    if (last / page_size > first_page) whole_page_bytes_ += (last / page_size - first_page) * page_size;
    if (work.highest == no_object) {
      if (work.goes_back_whole && snapshot_.regions[block.region].cached_bytes != 0) work.pinned_bytes += block.size;
      continue;
    }
    if (block.address < work.highest_start || work.goes_back_whole) work.pinned_bytes += block.size;
    if (block.address < work.highest_start && block.address >= work.previous_end) work.free_below += block.size;
  }
}

void Finder::make_pins() {
  std::unordered_map<std::uint32_t, PinStatRow> by_class;
  std::vector<PinRow> pins;
  for (std::size_t i = 0; i < regions_.size(); ++i) {
    const RegionWork& work = regions_[i];
    if (work.pinned_bytes == 0) continue;
    pinned_bytes_ += work.pinned_bytes;
    arenas_[work.arena].row.pinned_bytes += work.pinned_bytes;
    const ClassId class_id = work.highest == no_object ? no_class : snapshot_.class_of[work.highest];
    PinStatRow& stat = by_class[index(class_id)];
    stat.class_id = class_id;
    ++stat.region_count;
    stat.pinned_bytes += work.pinned_bytes;
    if (work.highest == no_object) continue;  // a cached block, and which is not known
    // A slab with several used or cached blocks gains nothing when one of them goes.
    const RegionRow& region = snapshot_.regions[i];
    const bool gains = !work.goes_back_whole || (region.live_count <= 1 && region.cached_bytes == 0);
    const std::uint64_t free_bytes = work.goes_back_whole ? work.pinned_bytes : work.free_below;
    pins.push_back({static_cast<std::uint32_t>(i), work.highest, work.pinned_bytes,
                    gains ? free_bytes + snapshot_.shallow[work.highest] : 0});
  }
  const auto more = [](const PinRow& a, const PinRow& b) {
    return a.pinned_bytes != b.pinned_bytes ? a.pinned_bytes > b.pinned_bytes : a.region < b.region;
  };
  const std::size_t kept = std::min({pins.size(), most_pins, row_limit_});
  std::partial_sort(pins.begin(), pins.begin() + static_cast<std::ptrdiff_t>(kept), pins.end(), more);
  pins.resize(kept);
  found_.pins = std::move(pins);
  for (const auto& [id, stat] : by_class) found_.pin_stats.push_back(stat);
  std::sort(found_.pin_stats.begin(), found_.pin_stats.end(), [](const PinStatRow& a, const PinStatRow& b) {
    return a.pinned_bytes != b.pinned_bytes ? a.pinned_bytes > b.pinned_bytes : a.class_id < b.class_id;
  });
}

void Finder::make_requested() {
  std::unordered_map<std::uint32_t, RequestedStatRow> by_class;
  for (std::uint32_t i = 0; i < snapshot_.object_count; ++i) {
    const ObjectId id{i};
    const ClassId class_id = snapshot_.class_of[id];
    const std::uint64_t usable = snapshot_.shallow[id];
    std::uint64_t requested = snapshot_.classes[index(class_id)].requested_size;
    if (snapshot_.slack.has(id)) {
      const std::uint64_t slack = snapshot_.slack[id];
      if (slack > usable) continue;
      requested = usable - slack;
    } else if (requested == 0 || requested > usable) {  // larger than the block: its type was taken for another
      continue;
    }
    RequestedStatRow& stat = by_class[index(class_id)];
    stat.class_id = class_id;
    for (RequestedStatRow* row : {&stat, &requested_}) {
      ++row->block_count;
      row->usable_bytes += usable;
      row->requested_bytes += requested;
    }
  }
  for (const auto& [id, stat] : by_class) found_.requested_stats.push_back(stat);
  std::sort(found_.requested_stats.begin(), found_.requested_stats.end(),
            [](const RequestedStatRow& a, const RequestedStatRow& b) {
              const std::uint64_t left = a.usable_bytes - a.requested_bytes;
              const std::uint64_t right = b.usable_bytes - b.requested_bytes;
              return left != right ? left > right : a.class_id < b.class_id;
            });
}

void Finder::make_unusable() {
  const auto add = [&](const ArenaWork& arena, bool whole) {
    const std::uint64_t free_bytes = whole ? free_block_bytes_ : arena.row.free_bytes;
    for (std::size_t i = 0; i < request_sizes.size(); ++i) {
      const auto usable = static_cast<double>(arena.servable[i]) * static_cast<double>(request_sizes[i]);
      const double unusable = free_bytes == 0 ? 1 : std::max(0.0, 1 - usable / static_cast<double>(free_bytes));
      found_.unusable_free.push_back({whole, arena.row.arena, request_sizes[i], arena.servable[i], unusable});
      if (arena.servable[i] == 0) return;  // larger requests fail as well
    }
  };
  add(whole_, true);
  for (std::size_t i = 0; i < std::min(largest_.size(), most_arena_maps); ++i) add(arenas_[largest_[i]], false);
}

void Finder::make_metrics() {
  ArenaRow sum;
  for (const ArenaWork& arena : arenas_) {
    sum.bytes += arena.row.bytes;
    sum.free_bytes += arena.row.free_bytes;
    sum.cached_bytes += arena.row.cached_bytes;
    sum.overhead_bytes += arena.row.overhead_bytes;
    sum.released_bytes += arena.row.released_bytes;
    sum.largest_free_bytes = std::max(sum.largest_free_bytes, arena.row.largest_free_bytes);
    sum.page_count += arena.row.page_count;
    sum.empty_page_count += arena.row.empty_page_count;
    sum.sparse_page_count += arena.row.sparse_page_count;
  }
  const auto put = [&](const char* name, double value, const char* unit) {
    found_.metrics.push_back({std::string("fragmentation.") + name, value, unit});
  };
  const auto bytes = [&](const char* name, std::uint64_t value) { put(name, static_cast<double>(value), "bytes"); };
  const auto count = [&](const char* name, std::uint64_t value) { put(name, static_cast<double>(value), "count"); };
  const auto ratio = [](std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  put("external", sum.free_bytes == 0 ? 0 : 1 - ratio(sum.largest_free_bytes, sum.free_bytes), "ratio");
  if (requested_.usable_bytes != 0) {
    const std::uint64_t wasted = requested_.usable_bytes - requested_.requested_bytes;
    put("internal", ratio(wasted, requested_.usable_bytes), "ratio");
    bytes("internal_bytes", wasted);
    bytes("internal_known_bytes", requested_.usable_bytes);
  }
  bytes("region_bytes", sum.bytes);
  bytes("free_bytes", sum.free_bytes);
  bytes("largest_free_bytes", sum.largest_free_bytes);
  count("free_block_count", whole_.row.free_count);
  bytes("cached_bytes", sum.cached_bytes);
  bytes("overhead_bytes", sum.overhead_bytes);
  bytes("released_bytes", sum.released_bytes);
  bytes("pinned_bytes", pinned_bytes_);
  bytes("returnable_bytes", sum.free_bytes - std::min(sum.free_bytes, pinned_bytes_));
  bytes("whole_page_bytes", whole_page_bytes_);
  count("page_count", sum.page_count);
  count("empty_page_count", sum.empty_page_count);
  count("sparse_page_count", sum.sparse_page_count);
  bytes("sparse_page_bytes", sparse_page_bytes_);
}

char cell_character(std::uint64_t used, std::uint64_t bytes) {
  if (used == 0) return '.';
  if (used >= bytes) return '#';
  const double tenths = 10 * static_cast<double>(used) / static_cast<double>(bytes);
  return static_cast<char>('0' + std::min(9, static_cast<int>(tenths)));
}

void Finder::keep_arenas() {
  std::unordered_map<std::string, std::size_t> name_count;
  for (const ArenaWork& arena : arenas_) ++name_count[arena.row.name];
  for (std::size_t i = 0; i < std::min(largest_.size(), row_limit_); ++i) {
    ArenaWork& arena = arenas_[largest_[i]];
    for (std::size_t cell = 0; cell < arena.cells.size(); ++cell) {
      const std::uint64_t left = arena.held_bytes - cell * arena.row.bytes_per_cell;
      arena.row.map += cell_character(arena.cells[cell], std::min(left, arena.row.bytes_per_cell));
    }
    if (name_count[arena.row.name] > 1) arena.row.name += ", arena " + std::to_string(arena.row.arena);
    found_.arenas.push_back(std::move(arena.row));
  }
}

}  // namespace

Fragmentation find_fragmentation(const Snapshot& snapshot, std::size_t row_limit) {
  if (snapshot.regions.empty()) return {};
  return Finder(snapshot, row_limit).run();
}

}  // namespace analyzer
