#include "importers/jfr_importer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "formats/jfr_json.h"
#include "importers/profile_import.h"
#include "importers/take_damage.h"

namespace importers {
namespace {

namespace jfr = formats::jfr_json;
using queries::SiteId;
using queries::SiteStatRow;

constexpr std::size_t most_chains = 20;  // in meta

/// What a JVM needs for an array of primitives or (compressed) references: header of 16 bytes, rounded up to 8; -1 =
/// not an array. JDK 20 and later say the size themselves.
std::int64_t array_bytes(std::string_view type, std::int64_t elements) {
  if (!type.ends_with("[]") || elements < 0 || elements > std::numeric_limits<std::int32_t>::max()) return -1;
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> sizes{{{"byte[]", 1},
                                                                            {"boolean[]", 1},
                                                                            {"char[]", 2},
                                                                            {"short[]", 2},
                                                                            {"int[]", 4},
                                                                            {"float[]", 4},
                                                                            {"long[]", 8},
                                                                            {"double[]", 8}}};
  const auto* const found =
      std::find_if(sizes.begin(), sizes.end(), [&](const auto& row) { return row.first == type; });
  const std::int64_t size = found == sizes.end() ? 4 : found->second;
  return (16 + elements * size + 7) / 8 * 8;
}

class JfrImport {
 public:
  explicit JfrImport(ImportJob& job)
      : job_(job), profile_(begin_profile(job, "jfr")), record_(profile_.records.front()), rows_(record_) {}

  void run() {
    jfr::Reader reader(job_.input.bytes(), damage_);
    for (jfr::Event event; reader.next(event);) add(event);
    if (samples_ == 0 && tlab_samples_ == 0 && old_objects_ == 0 && profile_.series.empty()) {
      const char* const reason = reader.event_count() == 0 ? ": a JFR recording without events"
                                                           : ": no events of the heap in this JFR recording";
      throw formats::InputError(job_.input.path() + reason +
                                " (jdk.ObjectAllocationSample, jdk.OldObjectSample, jdk.GCHeapSummary: record with "
                                "settings=profile, print without --events or with these)");
    }
    finish();
  }

 private:
  void add(const jfr::Event& event) {
    if (event.time >= 0) {
      if (begin_ < 0 || event.time < begin_) begin_ = event.time;
      end_ = std::max(end_, event.time);
    }
    switch (event.kind) {
      case jfr::Kind::allocation_sample:
        if (event.bytes < 0) return incomplete(event);
        ++samples_;
        weight_ += static_cast<double>(event.bytes);
        return add_allocation(event, event.bytes);
      case jfr::Kind::allocation_in_new_tlab:
      case jfr::Kind::allocation_outside_tlab: {
        const std::int64_t bytes = event.buffer_bytes >= 0 ? event.buffer_bytes : event.bytes;
        if (bytes < 0) return incomplete(event);
        ++tlab_samples_;
        tlab_.emplace_back(site_of(event), bytes);
        return;
      }
      case jfr::Kind::old_object: return add_old_object(event);
      case jfr::Kind::heap_summary:
      case jfr::Kind::resident_set:
        if (event.bytes < 0 || event.time < 0) return incomplete(event);
        moments_.push_back({event.time, event.bytes, event.kind, event.is_after_collection});
    }
  }

  void incomplete(const jfr::Event& event) { damage_.add(event.offset, 0, "an event without its figure or time"); }

  SiteId site_of(const jfr::Event& event) {
    SiteId site = queries::no_site;
    for (auto frame = event.frames.rbegin(); frame != event.frames.rend(); ++frame) {
      std::string name = frame->type;
      if (!frame->method.empty()) name += (name.empty() ? "" : ".") + frame->method;
      if (!name.empty()) site = profile_.sites.add(site, {name, {}, frame->line, {}, frame->is_inlined});
    }
    if (event.type.empty()) return site;
    return profile_.sites.add(site, {"new " + event.type, {}, 0, {}, false});
  }

  void add_allocation(const jfr::Event& event, std::int64_t bytes) { add_bytes(site_of(event), bytes); }

  void add_bytes(SiteId site, std::int64_t bytes) {
    SiteStatRow& row = rows_.stat(site);
    row.allocated_bytes = queries::add_known(row.allocated_bytes, signed_figure(bytes));
    row.allocation_samples = queries::add_known(row.allocation_samples, 1);
  }

  void add_old_object(const jfr::Event& event) {
    ++old_objects_;
    const SiteId site = site_of(event);
    SiteStatRow& row = rows_.stat(site);
    row.live_samples = queries::add_known(row.live_samples, 1);
    const std::int64_t bytes = event.bytes >= 0 ? event.bytes : array_bytes(event.type, event.elements);
    Old& old = old_[index(site)];
    old.count = queries::add_known(old.count, 1);
    if (bytes < 0) ++unknown_sizes_;
    if (bytes >= 0) old.bytes = queries::add_known(old.bytes, signed_figure(bytes));
    if (event.age >= 0) oldest_ = std::max(oldest_, event.age);
    if (!event.holders.empty()) ++chains_[chain_text(event)];
  }

  /// "byte[] ← HashMap$Node.value ← HashMap$Node[] ← HashMap.table ← static Cache.entries (Class Loader Data)".
  static std::string chain_text(const jfr::Event& event) {
    std::string text = event.type;
    for (const jfr::Holder& holder : event.holders) {
      text += " ← ";
      if (holder.is_static) text += "static ";
      text += holder.type;
      if (!holder.field.empty() && !holder.field.starts_with('[')) text += "." + holder.field;
    }
    if (!event.root.empty()) text += " (" + event.root + ")";
    return text;
  }

  void finish() {
    if (samples_ == 0) {  // else both are of the same allocations
      for (const auto& [site, bytes] : tlab_) {
        add_bytes(site, bytes);
        weight_ += static_cast<double>(bytes);
      }
      samples_ = tlab_samples_;
    }
    if (samples_ > 0) profile_.sampling.mean_interval_bytes = std::max(1.0, weight_ / static_cast<double>(samples_));
    for (const auto& [site, old] : old_) {
      record_.leaks.push_back({SiteId{site}, queries::LeakKind::at_end, old.count, old.bytes, {}});
    }
    add_series();
    record_.sum_total();
    if (begin_ >= 0) {
      profile_.start = begin_;
      profile_.seconds = end_ - begin_;
      record_.taken_at_ms = job_.snapshot.taken_at_ms = static_cast<std::int64_t>(end_ * 1000);
    }
    describe();
    take_damage(damage_, job_.snapshot);
  }

  void add_series() {
    std::stable_sort(moments_.begin(), moments_.end(),
                     [](const Moment& a, const Moment& b) { return a.time < b.time; });
    for (const Moment& moment : moments_) {
      const double t = moment.time - begin_;
      const auto value = static_cast<double>(moment.bytes);
      if (moment.kind == jfr::Kind::resident_set) {
        profile_.series_named("rss_bytes", "bytes").points.push_back({t, value});
        continue;
      }
      profile_.series_named("heap_used_bytes", "bytes").points.push_back({t, value});
      if (moment.is_after_collection)
        profile_.series_named("live_after_gc_bytes", "bytes").points.push_back({t, value});
    }
  }

  void describe() {
    queries::Snapshot& snapshot = job_.snapshot;
    snapshot.runtime = "JVM";
    const auto put = [&](std::string key, std::string value) {
      snapshot.meta.emplace_back(std::move(key), std::move(value));
    };
    put("jfr.allocation_samples", std::to_string(samples_));
    put("jfr.old_objects", std::to_string(old_objects_));
    if (oldest_ > 0) put("jfr.oldest_object_seconds", std::to_string(oldest_));
    std::vector<std::pair<std::string, std::uint64_t>> chains(chains_.begin(), chains_.end());
    std::stable_sort(chains.begin(), chains.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    if (chains.size() > most_chains) chains.resize(most_chains);
    for (std::size_t i = 0; i < chains.size(); ++i) {
      const std::string number = (i < 9 ? "0" : "") + std::to_string(i + 1);
      put("jfr.held_by." + number, std::to_string(chains[i].second) + " × " + chains[i].first);
    }
    if (unknown_sizes_ > 0) {
      snapshot.warnings.push_back(
          std::to_string(unknown_sizes_) + " of " + std::to_string(old_objects_) +
          " old objects are of a size that the recording does not say (it does from JDK 20 on): "
          "they are counted, without bytes");
    }
    if (old_objects_ > 0 && chains_.empty()) {
      snapshot.warnings.emplace_back(
          "what holds the old objects was not recorded: -XX:StartFlightRecording=path-to-gc-roots=true");
    }
  }

  struct Old {
    std::int64_t count = 0;
    std::int64_t bytes = 0;
  };
  struct Moment {
    double time;
    std::int64_t bytes;
    jfr::Kind kind;
    bool is_after_collection;
  };

  ImportJob& job_;
  formats::DamageLog damage_;
  queries::AllocationProfile& profile_;
  queries::ProfileRecord& record_;
  SiteRows rows_;
  std::vector<std::pair<SiteId, std::int64_t>> tlab_;
  std::map<std::uint32_t, Old> old_;  // by site
  std::map<std::string, std::uint64_t> chains_;
  std::vector<Moment> moments_;
  std::int64_t samples_ = 0, tlab_samples_ = 0, old_objects_ = 0, unknown_sizes_ = 0;
  double weight_ = 0;
  double begin_ = -1, end_ = -1, oldest_ = 0;
};

}  // namespace

void import_jfr(ImportJob& job) { JfrImport(job).run(); }

std::vector<std::pair<std::string, std::string>> describe_jfr(formats::Bytes head) {
  formats::DamageLog beyond_the_head;
  jfr::Reader reader(head, beyond_the_head);
  jfr::Event event;
  std::vector<std::pair<std::string, std::string>> facts;
  if (reader.next(event) && !event.type.empty()) facts.emplace_back("first_object", event.type);
  return facts;
}

}  // namespace importers
