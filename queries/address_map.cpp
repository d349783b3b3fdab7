#include "queries/address_map.h"

#include <algorithm>
#include <stdexcept>

namespace queries {
namespace {

// A page costs 4 KiB. Up to this many pages are allowed for nothing; beyond, they must hold 128 objects each on
// average.
constexpr std::size_t free_pages = 2048;
constexpr std::uint64_t objects_per_page = 128;
constexpr std::uint64_t narrow_gap = 1024;  // pages: 4 KiB of a table

}  // namespace

void AddressMap::add(std::uint64_t address) {
  ++added_;
  if (!spilled_) {
    if ((address & 7) != 0) {
      spill();
    } else {
      const std::uint64_t page = address >> page_shift;
      if (page != last_page_) {
        const auto [found, is_new] = slots_.try_emplace(page, static_cast<std::uint32_t>(pages_.size()));
        if (is_new) {
          pages_.push_back({page, found->second, 0});
          cells_.resize(pages_.size() * cells_per_page);
        }
        last_page_ = page;
        last_slot_ = found->second;
        if (pages_.size() > free_pages && pages_.size() * objects_per_page > added_) spill();
      }
    }
    if (!spilled_) {
      const std::uint64_t granule = (address >> 3) & (granules_per_page - 1);
      cells_[std::size_t{last_slot_} * cells_per_page + (granule >> 6)].bits |= std::uint64_t{1} << (granule & 63);
      return;
    }
  }
  sorted_.push_back(address);
}

void AddressMap::spill() {
  std::sort(pages_.begin(), pages_.end(), [](const Page& a, const Page& b) { return a.number < b.number; });
  std::vector<std::uint64_t> addresses;
  for_each([&](ObjectId, std::uint64_t address) { addresses.push_back(address); });
  sorted_ = std::move(addresses);
  std::vector<Cell>().swap(cells_);  // not `= {}`: that keeps the memory
  std::vector<Page>().swap(pages_);
  decltype(slots_)().swap(slots_);
  spilled_ = true;
}

void AddressMap::freeze() {
  frozen_ = true;
  std::uint64_t count = 0;
  if (spilled_) {
    std::sort(sorted_.begin(), sorted_.end());
    sorted_.erase(std::unique(sorted_.begin(), sorted_.end()), sorted_.end());
    sorted_.shrink_to_fit();
    count = sorted_.size();
  } else {
    decltype(slots_)().swap(slots_);
    std::sort(pages_.begin(), pages_.end(), [](const Page& a, const Page& b) { return a.number < b.number; });
    for (Page& page : pages_) {
      page.first_id = static_cast<std::uint32_t>(count);
      Cell* cells = &cells_[std::size_t{page.slot} * cells_per_page];
      for (std::size_t i = 0; i < cells_per_page; ++i) {
        cells[i].rank = static_cast<std::uint32_t>(count);
        count += static_cast<std::uint64_t>(__builtin_popcountll(cells[i].bits));
      }
    }
  }
  if (count >= index(no_object)) throw std::length_error("more than 4,294,967,294 objects: not supported");
  size_ = static_cast<std::uint32_t>(count);
  if (!spilled_) make_runs();
}

/// Splits at the widest gaps, so that the tables of what is left stay small.
void AddressMap::make_runs() {
  std::vector<std::pair<std::uint64_t, std::size_t>> gaps;  // width, index of the page behind it
  for (std::size_t i = 1; i < pages_.size(); ++i) {
    const std::uint64_t width = pages_[i].number - pages_[i - 1].number;
    if (width > narrow_gap) gaps.emplace_back(width, i);
  }
  std::sort(gaps.rbegin(), gaps.rend());
  if (gaps.size() > most_runs - 1) gaps.resize(most_runs - 1);
  std::vector<std::size_t> starts{0};
  for (const auto& [width, at] : gaps) starts.push_back(at);
  std::sort(starts.begin(), starts.end());
  starts.push_back(pages_.size());
  std::uint64_t entries = 0;
  std::vector<Run> runs;
  for (std::size_t i = 0; i + 1 < starts.size() && starts[i] < pages_.size(); ++i) {
    const Page& first = pages_[starts[i]];
    const Page& last = pages_[starts[i + 1] - 1];
    const std::uint32_t end = starts[i + 1] < pages_.size() ? pages_[starts[i + 1]].first_id : size_;
    const ObjectId last_id{end - 1};
    runs.push_back({first.number,
                    last.number - first.number + 1,
                    static_cast<std::size_t>(entries),
                    {last_id, address_of(last_id)}});
    entries += runs.back().count;
    if (entries > free_pages * 64 + pages_.size() * 64) return;  // spread evenly: searched
  }
  table_.assign(static_cast<std::size_t>(entries), no_slot);
  std::size_t run = 0;
  for (const Page& page : pages_) {
    while (page.number - runs[run].first >= runs[run].count) ++run;
    table_[runs[run].table + (page.number - runs[run].first)] = page.slot;
  }
  runs_ = std::move(runs);
  if (runs_.empty()) return;
  largest_ =
      *std::max_element(runs_.begin(), runs_.end(), [](const Run& a, const Run& b) { return a.count < b.count; });
}

std::uint32_t AddressMap::slot_elsewhere(std::uint64_t page) const {
  for (const Run& run : runs_) {
    if (page - run.first < run.count) return table_[run.table + (page - run.first)];
  }
  if (!runs_.empty()) return no_slot;
  const auto found = std::lower_bound(pages_.begin(), pages_.end(), page,
                                      [](const Page& a, std::uint64_t number) { return a.number < number; });
  return found != pages_.end() && found->number == page ? found->slot : no_slot;
}

const AddressMap::Run* AddressMap::run_before(std::uint64_t page) const {
  const Run* before = nullptr;
  for (const Run& run : runs_) {
    if (page < run.first) break;
    before = page - run.first < run.count ? nullptr : &run;
  }
  return before;
}

ObjectId AddressMap::search(std::uint64_t address) const {
  const auto found = std::lower_bound(sorted_.begin(), sorted_.end(), address);
  if (found == sorted_.end() || *found != address) return no_object;
  return ObjectId{static_cast<std::uint32_t>(found - sorted_.begin())};
}

std::uint64_t AddressMap::address_of(ObjectId id) const {
  if (!sorted_.empty()) return sorted_.at(index(id));
  if (index(id) >= size_) throw std::out_of_range("no such object id");
  auto page = std::upper_bound(pages_.begin(), pages_.end(), index(id),
                               [](std::uint32_t wanted, const Page& a) { return wanted < a.first_id; });
  --page;
  const Cell* cells = &cells_[std::size_t{page->slot} * cells_per_page];
  const Cell* cell = std::upper_bound(cells, cells + cells_per_page, index(id),
                                      [](std::uint32_t wanted, const Cell& a) { return wanted < a.rank; });
  --cell;
  std::uint64_t bits = cell->bits;
  for (std::uint32_t skip = index(id) - cell->rank; skip > 0; --skip) bits &= bits - 1;
  const auto granule =
      static_cast<std::uint64_t>(cell - cells) * 64 + static_cast<std::uint64_t>(__builtin_ctzll(bits));
  return (page->number << page_shift) + (granule << 3);
}

AddressMap::Place AddressMap::at_or_below(std::uint64_t address) const {
  if (!sorted_.empty()) {
    const auto above = std::upper_bound(sorted_.begin(), sorted_.end(), address);
    if (above == sorted_.begin()) return {};
    return {ObjectId{static_cast<std::uint32_t>(above - sorted_.begin() - 1)}, *std::prev(above)};
  }
  const std::uint64_t number = address >> page_shift;
  const std::uint32_t slot = slot_of(number);
  std::uint32_t above = 0;  // how many objects lie at or below
  if (slot == no_slot) {
    if (const Run* run = run_before(number)) return run->last;  // between heaps, where code and stacks are
    const auto next = std::upper_bound(pages_.begin(), pages_.end(), number,
                                       [](std::uint64_t wanted, const Page& page) { return wanted < page.number; });
    above = next == pages_.end() ? size_ : next->first_id;
  } else {
    const std::uint64_t granule = (address >> 3) & (granules_per_page - 1);
    const Cell* cells = &cells_[std::size_t{slot} * cells_per_page];
    std::size_t at = granule >> 6;
    std::uint64_t bits = cells[at].bits & (~std::uint64_t{0} >> (63 - (granule & 63)));
    above = cells[at].rank + static_cast<std::uint32_t>(__builtin_popcountll(bits));
    constexpr std::size_t nearby = 8;  // cells: 4 KiB
    for (std::size_t i = 0; bits == 0 && i < nearby && at > 0; ++i) bits = cells[--at].bits;
    if (bits != 0) {
      const auto bit = static_cast<std::uint64_t>(63 - __builtin_clzll(bits));
      return {ObjectId{above - 1}, (number << page_shift) + ((at * 64 + bit) << 3)};
    }
  }
  if (above == 0) return {};
  return {ObjectId{above - 1}, address_of(ObjectId{above - 1})};
}

std::size_t AddressMap::bytes() const {
  return cells_.size() * sizeof(Cell) + pages_.size() * sizeof(Page) + table_.size() * 4 + sorted_.size() * 8;
}

}  // namespace queries
