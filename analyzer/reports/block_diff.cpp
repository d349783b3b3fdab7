#include "analyzer/reports/block_diff.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>

#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"

namespace analyzer {
namespace {

constexpr std::uint32_t none = 0xFFFF'FFFF;

/// The names of a database's classes, and the same number for the same name in both.
class ClassNames {
 public:
  std::vector<std::uint32_t> read(const queries::Database& database) {
    std::vector<std::uint32_t> numbers;
    queries::Statement row = report_statement(database, "report_classes");
    while (row.step()) {
      const auto id = static_cast<std::size_t>(row.integer(0));
      const auto [at, is_new] = numbers_.emplace(row.text(1), static_cast<std::uint32_t>(names_.size()));
      if (is_new) names_.push_back(row.text(1));
      if (id >= numbers.size()) numbers.resize(id + 1, none);
      numbers[id] = at->second;
    }
    return numbers;
  }
  [[nodiscard]] std::string name(std::uint32_t number) const {
    return number < names_.size() ? names_[number] : std::string("?");
  }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

/// One database's blocks, one after the other.
class Blocks {
 public:
  Blocks(const queries::Database& database, ClassNames& names)
      : statement_(report_statement(database, "report_blocks")), numbers_(names.read(database)) {
    next();
  }
  void next() {
    has_one_ = statement_.step();
    if (!has_one_) return;
    id = static_cast<std::uint32_t>(statement_.integer(0));
    address = static_cast<std::uint64_t>(statement_.integer(1));
    size = statement_.integer(2);
    const auto class_id = static_cast<std::size_t>(statement_.integer(3));
    name = class_id < numbers_.size() ? numbers_[class_id] : none;
    dominator = statement_.is_null(4) ? none : static_cast<std::uint32_t>(statement_.integer(4));
    is_live = !statement_.is_null(5);
    retained = is_live ? statement_.integer(5) : 0;
  }
  [[nodiscard]] bool has_one() const { return has_one_; }

  std::uint32_t id = 0;
  std::uint64_t address = 0;
  std::int64_t size = 0;
  std::uint32_t name = none;  ///< of ClassNames
  std::uint32_t dominator = none;
  bool is_live = false;
  std::int64_t retained = 0;

 private:
  queries::Statement statement_;
  std::vector<std::uint32_t> numbers_;
  bool has_one_ = false;
};

struct Sum {
  std::int64_t count = 0;
  std::int64_t bytes = 0;
  void add(std::int64_t size) {
    ++count;
    bytes += size;
  }
};
struct Change {
  Sum kept;
  Sum fresh;
  Sum gone;
};
/// A block that only the second dump has.
struct Fresh {
  std::uint32_t id = 0;
  std::uint32_t name = none;
  std::uint32_t dominator = none;
  bool is_live = false;
  std::int64_t size = 0;
};
/// One that both have, and that retains more than it did.
struct Grown {
  std::uint32_t id = 0;
  std::uint64_t address = 0;
  std::uint32_t name = none;
  std::int64_t before = 0;
  std::int64_t after = 0;
  [[nodiscard]] std::int64_t by() const { return after - before; }
};

class Differ {
 public:
  Differ(const queries::Database& before, const queries::Database& after) : after_(after) { match(before, after); }

  [[nodiscard]] Section section(const queries::Database& before, const ReportOptions& options) const {
    Section section;
    section.name = "blocks";
    section.title = "Blocks";
    section.paragraphs.push_back("Both are dumps of process " + before.meta("core.process_id").value_or("?") +
                                 ": a block with the same address, size and type is the same in both. " +
                                 format_count(static_cast<std::uint64_t>(kept_)) + " stayed, " +
                                 format_count(static_cast<std::uint64_t>(fresh_.size())) + " are new, " +
                                 format_count(static_cast<std::uint64_t>(gone_)) + " are gone.");
    section.tables.push_back(types(options.rows));
    section.tables.push_back(holders(options.rows));
    section.tables.push_back(grown());
    return section;
  }

 private:
  void match(const queries::Database& before, const queries::Database& after) {
    Blocks old(before, names_);
    Blocks now(after, names_);
    while (old.has_one() || now.has_one()) {
      const bool same_place = old.has_one() && now.has_one() && old.address == now.address;
      if (same_place && old.size == now.size && old.name == now.name) {
        keep(old, now);
        old.next();
        now.next();
      } else if (old.has_one() && (!now.has_one() || old.address <= now.address)) {
        changes_[old.name].gone.add(old.size);
        ++gone_;
        old.next();
      } else {
        changes_[now.name].fresh.add(now.size);
        fresh_.push_back({now.id, now.name, now.dominator, now.is_live, now.size});
        now.next();
      }
    }
  }

  void keep(const Blocks& old, const Blocks& now) {
    changes_[now.name].kept.add(now.size);
    ++kept_;
    if (now.retained <= old.retained) return;
    const auto more = [](const Grown& a, const Grown& b) { return a.by() != b.by() ? a.by() > b.by() : a.id < b.id; };
    grown_.push_back({now.id, now.address, now.name, old.retained, now.retained});
    std::push_heap(grown_.begin(), grown_.end(), more);  // the least of the most is in front
    if (grown_.size() <= most_grown) return;
    std::pop_heap(grown_.begin(), grown_.end(), more);
    grown_.pop_back();
  }

  [[nodiscard]] Table types(std::size_t rows) const {
    Table table;
    table.name = "blocks";
    table.title = "By type";
    table.columns = {{"class", CellFormat::text},       {"new_count", CellFormat::integer},
                     {"new_bytes", CellFormat::bytes},  {"gone_count", CellFormat::integer},
                     {"gone_bytes", CellFormat::bytes}, {"kept_count", CellFormat::integer},
                     {"kept_bytes", CellFormat::bytes}, {"bytes_change", CellFormat::bytes}};
    table.summed_columns = {1, 2, 3, 4, 5, 6, 7};
    for (const auto& [name, change] : changes_) {
      table.rows.push_back({names_.name(name), change.fresh.count, change.fresh.bytes, change.gone.count,
                            change.gone.bytes, change.kept.count, change.kept.bytes,
                            change.fresh.bytes - change.gone.bytes});
    }
    std::stable_sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) {
      return std::tuple(-integer_of(a[7]), -integer_of(a[2]), std::get<std::string>(a[0])) <
             std::tuple(-integer_of(b[7]), -integer_of(b[2]), std::get<std::string>(b[0]));
    });
    total_and_cut(table, rows);
    return table;
  }

  /// By the nearest block above in the dominator tree that was there before; where there is none, by the root.
  [[nodiscard]] Table holders(std::size_t rows) const {
    std::map<std::string, std::map<std::uint32_t, Sum>> held;
    std::unordered_map<std::uint32_t, std::string> known;  // of topmost new blocks and old holders
    for (const std::pair<std::uint32_t, const Fresh*>& entry : tops()) {
      const auto [top, block] = entry;
      const auto [at, is_new] = known.try_emplace(top);
      if (is_new) at->second = holder_text(top);
      held[at->second][block->name].add(block->size);
    }
    Table table;
    table.name = "holders";
    table.title = "New blocks by what holds them";
    table.columns = {{"held_by", CellFormat::text},
                     {"class", CellFormat::text},
                     {"new_count", CellFormat::integer},
                     {"new_bytes", CellFormat::bytes}};
    table.summed_columns = {2, 3};
    for (const auto& [holder, classes] : held) {
      for (const auto& [name, sum] : classes) {
        table.rows.push_back({holder, names_.name(name), sum.count, sum.bytes});
      }
    }
    std::stable_sort(table.rows.begin(), table.rows.end(),
                     [](const auto& a, const auto& b) { return integer_of(a[3]) > integer_of(b[3]); });
    total_and_cut(table, rows);
    return table;
  }

  [[nodiscard]] const Fresh* fresh(std::uint32_t id) const {
    const auto at = std::lower_bound(fresh_.begin(), fresh_.end(), id,
                                     [](const Fresh& entry, std::uint32_t wanted) { return entry.id < wanted; });
    return at != fresh_.end() && at->id == id ? &*at : nullptr;
  }

  /// Each new block with what it is counted under: the old block above it, else the topmost new one (which a root
  /// holds, or nothing). Every block is climbed from once: what is found is remembered for all on the way.
  [[nodiscard]] std::vector<std::pair<std::uint32_t, const Fresh*>> tops() const {
    std::vector<std::uint32_t> top(fresh_.size(), none);
    std::vector<std::size_t> way;
    std::vector<std::pair<std::uint32_t, const Fresh*>> result;
    for (std::size_t i = 0; i < fresh_.size(); ++i) {
      way.assign(1, i);
      std::uint32_t found = top[i];
      while (found == none) {
        const Fresh& at = fresh_[way.back()];
        if (at.dominator == none) {
          found = at.id;
        } else if (const Fresh* above = fresh(at.dominator); above == nullptr) {
          found = at.dominator;
        } else {
          way.push_back(static_cast<std::size_t>(above - fresh_.data()));
          found = top[way.back()];
        }
      }
      for (const std::size_t on_the_way : way) top[on_the_way] = found;
      result.emplace_back(found, &fresh_[i]);
    }
    return result;
  }

  [[nodiscard]] std::string holder_text(std::uint32_t id) const {
    const Fresh* block = fresh(id);
    if (block == nullptr) {
      queries::Statement row = report_statement(after_, "report_object");
      row.bind("object", std::int64_t{id});
      return row.step() ? row.text(0) + " #" + std::to_string(id) : "#" + std::to_string(id);
    }
    if (!block->is_live) return "nothing: leaked";
    queries::Statement row = report_statement(after_, "report_root_of");
    row.bind("object", std::int64_t{id});
    if (!row.step()) return "several old blocks";
    std::string text = row.text(0);
    if (row.text(0) == "static") text += ' ' + row.text(1);
    if (!row.text(2).empty()) text += " in " + row.text(2);
    if (!row.text(3).empty()) text += " of " + row.text(3);
    return text;
  }

  [[nodiscard]] Table grown() const {
    Table table;
    table.name = "grown";
    table.title = "Old blocks that retain more";
    table.columns = {{"class", CellFormat::text},
                     {"object_id", CellFormat::text},
                     {"address", CellFormat::address},
                     {"old_retained_bytes", CellFormat::bytes},
                     {"new_retained_bytes", CellFormat::bytes},
                     {"retained_change", CellFormat::bytes}};
    std::vector<Grown> sorted = grown_;
    std::sort(sorted.begin(), sorted.end(),
              [](const Grown& a, const Grown& b) { return a.by() != b.by() ? a.by() > b.by() : a.id < b.id; });
    for (const Grown& block : sorted) {
      table.rows.push_back({names_.name(block.name), std::int64_t{block.id}, static_cast<std::int64_t>(block.address),
                            block.before, block.after, block.by()});
    }
    return table;
  }

  static constexpr std::size_t most_grown = 10;

  const queries::Database& after_;
  ClassNames names_;
  std::map<std::uint32_t, Change> changes_;
  std::vector<Fresh> fresh_;  ///< by id
  std::vector<Grown> grown_;
  std::int64_t kept_ = 0;
  std::int64_t gone_ = 0;
};

}  // namespace

bool are_of_one_process(const queries::Database& before, const queries::Database& after) {
  constexpr std::size_t kernel_limit = 15;  // of a program's name in its cores; a debugger may write more of it
  const auto program = [](const queries::Database& database) {
    return database.meta("core.program").value_or("").substr(0, kernel_limit);
  };
  const auto process = before.meta("core.process_id");
  return process && process == after.meta("core.process_id") && program(before) == program(after) &&
         before.has_objects() && after.has_objects();
}

Section block_diff(const queries::Database& before, const queries::Database& after, const ReportOptions& options) {
  return Differ(before, after).section(before, options);
}

}  // namespace analyzer
