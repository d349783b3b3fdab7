#include "importers/memcheck_importer.h"

#include <algorithm>
#include <map>

#include "formats/memcheck.h"
#include "importers/allocation_functions.h"
#include "importers/profile_import.h"
#include "importers/take_damage.h"

namespace importers {
namespace {

namespace memcheck = formats::memcheck;
using queries::LeakKind;
using queries::SiteId;
using queries::SiteStatRow;

constexpr LeakKind leak_kinds[] = {LeakKind::definite, LeakKind::indirect, LeakKind::possible, LeakKind::reachable};

class MemcheckImport {
 public:
  MemcheckImport(ImportJob& job, memcheck::Report report)
      : job_(job),
        report_(std::move(report)),
        profile_(begin_profile(job, "memcheck")),
        record_(profile_.records.front()),
        rows_(record_) {}

  void run() {
    if (report_.processes.empty()) throw formats::InputError(job_.input.path() + ": a memcheck report of no process");
    for (const memcheck::Process& process : report_.processes) add(process);
    for (const auto& [key, sum] : leaks_) {
      record_.leaks.push_back({SiteId{key.first}, leak_kinds[key.second], sum.count, sum.bytes, {}});
      add_live(SiteId{key.first}, sum);
    }
    // A row of zero says that it has looked, where no row would say that nothing is known.
    if (record_.leaks.empty() && finds_no_leaks_) record_.leaks.push_back({queries::no_site, leak_kinds[0], 0, 0, {}});
    for (const auto& [name, sum] : suppressed_) {
      record_.leaks.push_back({queries::no_site, LeakKind::definite, sum.count, sum.bytes, name});
      add_live(queries::no_site, sum);
    }
    if (knows_live_) add_live(queries::no_site, in_use_elsewhere_);
    record_.sum_total();
    make_meta();
  }

 private:
  struct Figures {
    std::int64_t count = 0, bytes = 0;
    void add(std::uint64_t more_count, std::uint64_t more_bytes) {
      count = queries::add_known(count, figure(more_count));
      bytes = queries::add_known(bytes, figure(more_bytes));
    }
  };

  void add_live(SiteId site, const Figures& sum) {
    SiteStatRow& row = rows_.stat(site);
    if (!knows_live_) return;
    row.live_count = queries::add_known(row.live_count, sum.count);
    row.live_bytes = queries::add_known(row.live_bytes, sum.bytes);
  }

  SiteId site_of(const std::vector<memcheck::Frame>& stack) {
    path_.clear();
    for (const memcheck::Frame& frame : stack) {
      path_.push_back({frame.function.empty() ? std::string_view(frame.address) : frame.function, frame.file,
                       frame.line, frame.module, false});
    }
    drop_allocation_functions(path_);
    return profile_.sites.add_path(path_);
  }

  void add(const memcheck::Process& process) {
    memcheck::Sum shown[4];
    for (const memcheck::Loss& loss : process.losses) {
      const auto kind = static_cast<std::size_t>(loss.kind);
      leaks_[{index(site_of(loss.stack)), kind}].add(loss.blocks, loss.bytes);
      shown[kind].bytes += loss.bytes;
      shown[kind].blocks += loss.blocks;
    }
    for (std::size_t kind = 0; kind < 4; ++kind) {
      if (!process.sums[kind]) continue;
      const memcheck::Sum& sum = *process.sums[kind];
      if (sum.bytes <= shown[kind].bytes && sum.blocks <= shown[kind].blocks) continue;
      leaks_[{index(queries::no_site), kind}].add(sum.blocks - std::min(sum.blocks, shown[kind].blocks),
                                                  sum.bytes - std::min(sum.bytes, shown[kind].bytes));
      is_incomplete_ = true;
    }
    add_suppressed(process);
    finds_no_leaks_ = finds_no_leaks_ && process.finds_no_leaks;
    const bool has_summary = process.sums[static_cast<std::size_t>(memcheck::LossKind::reachable)].has_value();
    knows_live_ = knows_live_ && (has_summary || process.in_use || process.tells_reachable);
    if (process.in_use && !has_summary && process.losses.empty()) {  // --leak-check=no, or nothing is in use
      in_use_elsewhere_.add(process.in_use->blocks, process.in_use->bytes);
    }
    if (process.allocation_count) {
      SiteStatRow& row = rows_.stat(queries::no_site);
      row.allocation_count = queries::add_known(row.allocation_count, figure(*process.allocation_count));
      row.allocated_bytes = queries::add_known(row.allocated_bytes, figure(process.allocated_bytes.value_or(0)));
    }
  }

  /// By pattern where the report says how much each hid (-s), else as one.
  void add_suppressed(const memcheck::Process& process) {
    memcheck::Sum named;
    for (const memcheck::Suppression& suppression : process.suppressions) {
      used_[suppression.name] += suppression.count;
      if (!suppression.leaked) continue;
      suppressed_[suppression.name].add(suppression.leaked->blocks, suppression.leaked->bytes);
      named.bytes += suppression.leaked->bytes;
      named.blocks += suppression.leaked->blocks;
    }
    if (!process.suppressed || process.suppressed->bytes <= named.bytes) return;
    suppressed_["(not named in the report)"].add(
        process.suppressed->blocks - std::min(process.suppressed->blocks, named.blocks),
        process.suppressed->bytes - named.bytes);
  }

  void make_meta() {
    auto& meta = job_.snapshot.meta;
    std::map<std::string, std::uint64_t> errors;
    std::uint64_t error_count = 0, unfinished = 0, searches = 0;
    for (const memcheck::Process& process : report_.processes) {
      for (const auto& [kind, count] : process.errors) {
        errors[kind] += count;
        error_count += count;
      }
      unfinished += process.is_finished ? 0 : 1;
      searches = std::max(searches, process.leak_searches);
    }
    meta.emplace_back("memcheck.command", report_.processes.front().command);
    meta.emplace_back("memcheck.process_id", std::to_string(report_.processes.front().id));
    meta.emplace_back("memcheck.processes", std::to_string(report_.processes.size()));
    meta.emplace_back("memcheck.leak_searches", std::to_string(searches));
    meta.emplace_back("memcheck.other_errors", std::to_string(error_count));
    for (const auto& [kind, count] : errors) meta.emplace_back("memcheck.error." + kind, std::to_string(count));
    for (const auto& [name, count] : used_) meta.emplace_back("memcheck.suppression." + name, std::to_string(count));
    auto& warnings = job_.snapshot.warnings;
    if (unfinished != 0) {
      warnings.push_back(std::to_string(unfinished) + " of " + std::to_string(report_.processes.size()) +
                         " processes did not finish their report: more may have leaked");
    }
    if (is_incomplete_) {
      warnings.emplace_back(
          "the report counts blocks of which it shows no stacks: they are of site (unknown) (record with "
          "--leak-check=full --show-leak-kinds=all)");
    }
  }

  ImportJob& job_;
  memcheck::Report report_;
  queries::AllocationProfile& profile_;
  queries::ProfileRecord& record_;
  SiteRows rows_;
  std::vector<queries::SiteFrame> path_;
  std::map<std::pair<std::uint32_t, std::size_t>, Figures> leaks_;  // by site and kind, in an order of their own
  std::map<std::string, Figures> suppressed_;
  std::map<std::string, std::uint64_t> used_;
  Figures in_use_elsewhere_;  // at exit, of which there are no loss records
  bool is_incomplete_ = false;
  bool finds_no_leaks_ = true;  // all processes
  bool knows_live_ = true;      // the same: what is still reachable as well
};

memcheck::Report read(formats::Bytes bytes, formats::DamageLog& damage) {
  return memcheck::looks_like_xml(bytes) ? memcheck::read_xml(bytes, damage) : memcheck::read_text(bytes, damage);
}

}  // namespace

void import_memcheck(ImportJob& job) {
  formats::DamageLog damage;
  MemcheckImport(job, read(job.input.bytes(), damage)).run();
  take_damage(damage, job.snapshot);
}

std::vector<std::pair<std::string, std::string>> describe_memcheck(formats::Bytes head) {
  formats::DamageLog ignored;
  const memcheck::Report report = read(head, ignored);
  if (report.processes.empty()) return {};
  return {{"command", report.processes.front().command}, {"process_id", std::to_string(report.processes.front().id)}};
}

}  // namespace importers
