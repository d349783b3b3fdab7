#include "importers/sanitizer_importer.h"

#include <algorithm>
#include <deque>
#include <map>

#include "formats/sanitizer.h"
#include "importers/allocation_functions.h"
#include "importers/profile_import.h"
#include "importers/profile_symbols.h"
#include "importers/take_damage.h"

namespace importers {
namespace {

namespace sanitizer = formats::sanitizer;
using queries::LeakKind;
using queries::SiteId;

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// GCC's and Clang's as libraries.
bool is_runtime(std::string_view module) {
  const std::string_view name = file_name(module);
  return name.starts_with("liblsan.so") || name.starts_with("libasan.so") || name.starts_with("libhwasan.so") ||
         name.starts_with("libclang_rt.");
}

/// Without a name "libz.so.1+0x1e01": the same in every run, where addresses are not.
std::string name_of(const sanitizer::Frame& frame) {
  if (!frame.function.empty()) return frame.function;
  if (frame.offset.empty()) return frame.address;
  return std::string(file_name(frame.module)) + "+" + frame.offset;
}

class SanitizerImport {
 public:
  explicit SanitizerImport(ImportJob& job)
      : job_(job),
        report_(sanitizer::read_report(job.input.bytes(), damage_)),
        profile_(begin_profile(job, "sanitizer")),
        record_(profile_.records.front()),
        rows_(record_),
        symbols_(job.options.modules) {}

  void run() {
    if (report_.runs.empty() && report_.suppressions.empty()) {
      throw formats::InputError(job_.input.path() + ": no sanitizer's report in it");
    }
    for (const sanitizer::Run& run : report_.runs) add(run);
    for (const auto& [key, sum] : leaks_) {
      (void)rows_.stat(SiteId{key.first});  // views list the sites that have a row
      record_.leaks.push_back({SiteId{key.first}, key.second, sum.count, sum.bytes, {}});
    }
    for (const sanitizer::Suppression& row : report_.suppressions) {
      record_.leaks.push_back({queries::no_site, LeakKind::direct, figure(row.count), figure(row.bytes), row.pattern});
    }
    record_.sum_total();
    make_meta();
    symbols_.describe(job_.snapshot);
    take_damage(damage_, job_.snapshot);
  }

 private:
  struct Figures {
    std::int64_t count = 0, bytes = 0;
    void add(std::uint64_t more_count, std::uint64_t more_bytes) {
      count = queries::add_known(count, figure(more_count));
      bytes = queries::add_known(bytes, figure(more_bytes));
    }
  };

  /// By the module's file, where the report has no name; innermost first, empty = not known.
  std::vector<formats::Frame> names_of(const sanitizer::Frame& frame) {
    if (!frame.function.empty() || frame.offset.empty() || frame.module.empty()) return {};
    const auto [known, is_new] = frames_.try_emplace({frame.module, frame.offset});
    if (!is_new) return known->second;
    MappedModule module;  // as if it were loaded where its headers say: offsets are counted from there
    module.path = frame.module;
    module.end = std::uint64_t{1} << 47;
    module.is_program = file_name(frame.module) == file_name(job_.options.modules.exe);
    module.build_id = frame.build_id;
    const auto offset = formats::parse_number<std::uint64_t>(std::string_view(frame.offset).substr(2), 16);
    if (offset) known->second = symbols_.names(module, *offset);
    return known->second;
  }

  SiteId site_of(const std::vector<sanitizer::Frame>& stack) {
    path_.clear();
    names_.clear();
    for (const sanitizer::Frame& frame : stack) {
      const std::vector<formats::Frame> named = names_of(frame);
      for (const formats::Frame& one : named) {
        names_.push_back(one.function);
        const std::string_view function = names_.back();
        names_.push_back(one.file);
        path_.push_back({function, names_.back(), one.line, frame.module, one.is_inlined});
      }
      if (!named.empty()) continue;
      names_.push_back(name_of(frame));
      path_.push_back({names_.back(), frame.file, frame.line, frame.module, false});
    }
    std::size_t runtime = 0;  // its malloc, where it has no names
    while (runtime + 1 < path_.size() && is_runtime(path_[runtime].module)) ++runtime;
    path_.erase(path_.begin(), path_.begin() + static_cast<std::ptrdiff_t>(runtime));
    drop_allocation_functions(path_);
    return profile_.sites.add_path(path_);
  }

  void add(const sanitizer::Run& run) {
    std::uint64_t bytes = 0, objects = 0;
    for (const sanitizer::Leak& leak : run.leaks) {
      const SiteId site = site_of(leak.stack);
      leaks_[{index(site), leak.is_direct ? LeakKind::direct : LeakKind::indirect}].add(leak.objects, leak.bytes);
      bytes += leak.bytes;
      objects += leak.objects;
      for (const sanitizer::LeakedObject& object : leak.leaked_objects) {
        queries::SiteSizeRow& row = rows_.size(site, std::min<std::uint64_t>(object.size, std::uint64_t{1} << 62));
        row.live_count = queries::add_known(row.live_count, 1);
        row.live_bytes = queries::add_known(row.live_bytes, figure(object.size));
      }
    }
    if (run.summed_leaks && (run.summed_leaks->first > bytes || run.summed_leaks->second > objects)) {
      // max_leaks=N omits the smaller ones, but counts them.
      leaks_[{index(queries::no_site), LeakKind::direct}].add(
          run.summed_leaks->second - std::min(run.summed_leaks->second, objects),
          run.summed_leaks->first - std::min(run.summed_leaks->first, bytes));
    }
    if (run.tool != "LeakSanitizer") ++errors_[run.error.substr(0, run.error.find(' '))];
    has_leak_check_ = has_leak_check_ || run.tool == "LeakSanitizer";
  }

  void make_meta() {
    auto& meta = job_.snapshot.meta;
    meta.emplace_back("sanitizer.reports", std::to_string(report_.runs.size()));
    if (!report_.runs.empty()) {
      meta.emplace_back("sanitizer.process_id", std::to_string(report_.runs.front().process_id));
    }
    std::uint64_t error_count = 0;
    for (const auto& [kind, count] : errors_) error_count += count;
    meta.emplace_back("sanitizer.other_errors", std::to_string(error_count));
    for (const auto& [kind, count] : errors_) meta.emplace_back("sanitizer.error." + kind, std::to_string(count));
    for (const sanitizer::Suppression& row : report_.suppressions) {
      meta.emplace_back("sanitizer.suppression." + row.pattern, std::to_string(row.count));
    }
    if (!has_leak_check_ && !report_.runs.empty()) {
      job_.snapshot.warnings.push_back("the program was ended by an error (" +
                                       report_.runs.front().error.substr(0, 60) + ") before its leaks were looked for");
    }
  }

  ImportJob& job_;
  formats::DamageLog damage_;
  sanitizer::Report report_;
  queries::AllocationProfile& profile_;
  queries::ProfileRecord& record_;
  SiteRows rows_;
  std::vector<queries::SiteFrame> path_;
  std::deque<std::string> names_;  // of path_
  ProfileSymbols symbols_;
  std::map<std::pair<std::string, std::string>, std::vector<formats::Frame>> frames_;  // by module and offset
  std::map<std::pair<std::uint32_t, LeakKind>, Figures> leaks_;  // by site and kind, in an order of their own
  std::map<std::string, std::uint64_t> errors_;
  bool has_leak_check_ = false;
};

}  // namespace

void import_sanitizer(ImportJob& job) { SanitizerImport(job).run(); }

std::vector<std::pair<std::string, std::string>> describe_sanitizer(formats::Bytes head) {
  formats::DamageLog ignored;
  const sanitizer::Report report = sanitizer::read_report(head, ignored);
  if (report.runs.empty()) return {};
  const sanitizer::Run& run = report.runs.front();
  return {{"tool", run.tool}, {"error", run.error}, {"process_id", std::to_string(run.process_id)}};
}

}  // namespace importers
