#include "importers/memory_samples.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "formats/input.h"
#include "formats/perf_c2c.h"
#include "formats/perf_mem.h"
#include "formats/perf_script.h"
#include "importers/take_damage.h"

namespace importers::native {
namespace {

using formats::MemoryAccess;
using queries::MemorySampleRow;
using queries::no_object;
using queries::SharedLineRow;
using queries::SharedLineUse;

constexpr std::size_t most_rows = 100'000;
constexpr std::uint64_t line = 64;

class Joiner {
 public:
  Joiner(const Process& process, const Blocks& blocks, const TypedBlocks& types, const NativeCode& code,
         queries::Snapshot& snapshot)
      : process_(process), blocks_(blocks), types_(types), code_(code), snapshot_(snapshot) {
    for (std::size_t i = 0; i < process.core.threads.size(); ++i) {
      threads_.emplace(process.core.threads[i].os_id, static_cast<std::int64_t>(i));
    }
  }

  void read(const std::string& path) {
    formats::DamageLog damage;
    const formats::Input input = formats::Input::open(path, damage);
    const formats::Bytes bytes = input.bytes();
    const formats::Bytes head = bytes.first(std::min<std::size_t>(bytes.size(), 1 << 16));
    if (formats::perf_c2c::looks_like(head)) {
      read_all(formats::perf_c2c::Reader(bytes, damage), "perf c2c");
    } else if (formats::perf_mem::looks_like(head)) {
      read_all(formats::perf_mem::Reader(bytes, damage), "perf mem");
    } else if (formats::perf_script::looks_like(head)) {
      read_all(formats::perf_script::Reader(bytes, damage), "perf script");
    } else {
      throw formats::InputError(path +
                                ": not what perf says of memory accesses: `perf c2c report --stdio`, `perf mem report "
                                "--stdio`, `perf mem -D report` or `perf script`, of `perf c2c record` or `perf mem "
                                "record`");
    }
    take_damage(damage, snapshot_);
  }

  void finish() {
    snapshot_.meta.emplace_back("memory_samples.accesses", std::to_string(seen_));
    snapshot_.meta.emplace_back("memory_samples.in_this_core", std::to_string(known_));
    if (others_ != 0) {
      snapshot_.warnings.push_back(std::to_string(others_) + " of " + std::to_string(seen_) +
                                   " memory accesses that perf recorded are of other processes");
    }
    if (seen_ != 0 && known_ == 0) {
      snapshot_.warnings.emplace_back(
          "no address that perf recorded lies in this core's heap or variables: addresses change from run to run, the "
          "core has to be of the process that was recorded");
    }
    find_lines();
  }

 private:
  template <typename Reader>
  void read_all(Reader reader, const char* evidence) {
    while (const auto access = reader.next()) {
      ++seen_;
      if (access->process_id >= 0 && process_.core.process_id != 0 && access->process_id != process_.core.process_id) {
        ++others_;
        continue;
      }
      if (access->address) add(*access, evidence);
    }
  }

  void add(const MemoryAccess& access, const char* evidence) {
    MemorySampleRow row;
    row.address = *access.address;
    row.is_line = access.address_is_line_only;
    row.evidence = evidence;
    const Blocks::Hit hit = blocks_.find(row.address);
    row.object = hit.id;
    const formats::ProcessImage::Range* range = process_.image.find(row.address);
    if (hit.id != no_object || (range != nullptr && range->writable)) ++known_;
    if (hit.id != no_object) row.place = types_.types[types_.type_of[index(hit.id)]].name;
    if (!row.is_line && (hit.id != no_object || process_.modules.find(row.address) != nullptr)) {
      row.member = member_at(row.address, blocks_, types_, code_);
    }
    const auto thread = threads_.find(access.thread_id);
    row.thread = thread == threads_.end() ? -1 : thread->second;
    row.thread_os_id = access.thread_id;
    row.function = access.function;
    row.module = access.module;
    row.source = access.source;
    row.event = access.event;
    const auto number = [](const std::optional<std::uint64_t>& value) {
      return value ? static_cast<std::int64_t>(*value) : -1;
    };
    row.samples = number(access.samples);
    row.loads = number(access.loads.count);
    row.stores = number(access.stores.count);
    row.hitm_local = number(access.hitm_local.count);
    row.hitm_remote = number(access.hitm_remote.count);
    row.mean_cycles = number(access.hitm_remote.mean_cycles  ? access.hitm_remote.mean_cycles
                             : access.hitm_local.mean_cycles ? access.hitm_local.mean_cycles
                                                             : access.loads.mean_cycles);
    if (snapshot_.memory_samples.size() < most_rows) snapshot_.memory_samples.push_back(std::move(row));
  }

  /// Lines that were found modified in another processor's cache, and in which more than one word is used.
  void find_lines() {
    std::map<std::uint64_t, std::vector<const MemorySampleRow*>> lines;
    for (const MemorySampleRow& row : snapshot_.memory_samples) {
      if (!row.is_line) lines[row.address / line * line].push_back(&row);
    }
    std::vector<SharedLineRow> measured;
    for (const auto& [address, rows] : lines) {
      std::uint64_t modified = 0;
      std::set<std::uint64_t> words;
      for (const MemorySampleRow* row : rows) {
        const auto hits = std::max<std::int64_t>(row->hitm_local, 0) + std::max<std::int64_t>(row->hitm_remote, 0);
        modified += static_cast<std::uint64_t>(hits);
        if (hits > 0 || row->stores > 0) words.insert(row->address);
      }
      if (modified == 0 || words.size() < 2) continue;  // else the word itself is shared
      measured.push_back(make_line(address, rows, modified));
    }
    std::stable_sort(measured.begin(), measured.end(),
                     [](const SharedLineRow& a, const SharedLineRow& b) { return a.samples > b.samples; });
    std::vector<SharedLineRow>& all = snapshot_.shared_lines;
    for (SharedLineRow& row : measured) {
      const auto known =
          std::find_if(all.begin(), all.end(), [&](const SharedLineRow& one) { return one.address == row.address; });
      if (known == all.end()) continue;
      row.uses.insert(row.uses.begin(), known->uses.begin(), known->uses.end());
      row.kind = known->kind;
      all.erase(known);
    }
    all.insert(all.begin(), std::make_move_iterator(measured.begin()), std::make_move_iterator(measured.end()));
  }

  SharedLineRow make_line(std::uint64_t address, const std::vector<const MemorySampleRow*>& rows,
                          std::uint64_t modified) const {
    constexpr std::size_t most_uses = 64;
    SharedLineRow to;
    to.address = address;
    to.confidence = "measured";
    to.samples = modified;
    std::set<queries::ObjectId> objects;
    for (const MemorySampleRow* row : rows) {
      if (row->object != no_object) objects.insert(row->object);
      if (to.uses.size() == most_uses) continue;
      SharedLineUse use;
      use.address = row->address;
      use.thread = row->thread;
      use.function = row->function;
      use.access = row->stores > 0 ? "write" : "read";
      use.member = row->member;
      use.evidence = row->evidence;
      const std::int64_t hits =
          std::max<std::int64_t>(row->hitm_local, 0) + std::max<std::int64_t>(row->hitm_remote, 0);
      use.samples = static_cast<std::uint64_t>(hits > 0 ? hits : std::max<std::int64_t>(row->stores, 0));
      to.uses.push_back(std::move(use));
    }
    to.kind = objects.empty() ? "variables" : objects.size() > 1 ? "neighbours" : "members";
    if (!objects.empty()) {
      to.object = *objects.begin();
      to.place = types_.types[types_.type_of[index(to.object)]].name;
    } else if (const formats::Module* module = process_.modules.find(address)) {
      to.place = module->name();
    }
    return to;
  }

  const Process& process_;
  const Blocks& blocks_;
  const TypedBlocks& types_;
  const NativeCode& code_;
  queries::Snapshot& snapshot_;
  std::map<std::int64_t, std::int64_t> threads_;  ///< os id → index
  std::uint64_t seen_ = 0;
  std::uint64_t known_ = 0;
  std::uint64_t others_ = 0;
};

}  // namespace

std::string member_at(std::uint64_t address, const Blocks& blocks, const TypedBlocks& types, const NativeCode& code) {
  const Blocks::Hit hit = blocks.find(address);
  if (hit.id == no_object) return code.variable_at(address);
  char place[24];
  std::snprintf(place, sizeof place, "+0x%llx", static_cast<unsigned long long>(hit.offset));
  const BlockLayout* layout = types.layouts.find(hit.id);
  if (layout == nullptr) return place;
  const std::string name = layout->name_at(hit.offset);
  if (layout->stride != 0 && hit.offset >= layout->begin) {
    const std::string element = "[" + std::to_string((hit.offset - layout->begin) / layout->stride) + "]";
    return name.empty() ? element : element + name.substr(2);
  }
  return name.empty() ? place : name;
}

void join_memory_samples(const std::vector<std::string>& files, const Process& process, const Blocks& blocks,
                         const TypedBlocks& types, const NativeCode& code, queries::Snapshot& snapshot) {
  if (files.empty()) return;
  Joiner joiner(process, blocks, types, code, snapshot);
  for (const std::string& path : files) joiner.read(path);
  joiner.finish();
}

}  // namespace importers::native
