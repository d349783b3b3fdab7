#include "queries/small_tables.h"

#include "queries/code_tables.h"
#include "queries/embedded_sql.h"
#include "queries/layout_tables.h"
#include "queries/named_queries.h"
#include "queries/profile_tables.h"
#include "queries/store.h"
#include "queries/utf8.h"

namespace queries {

void execute(sqlite3* connection, const std::string& path, std::string_view sql) {
  if (sqlite3_exec(connection, std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw StoreError(path + ": " + sqlite3_errmsg(connection));
  }
}

void create_schema(sqlite3* connection, const std::string& path) {
  execute(connection, path,
          "PRAGMA encoding='UTF-8'; PRAGMA application_id=" + std::to_string(application_id) +
              "; PRAGMA user_version=" + std::to_string(schema_version) + "; BEGIN");
  execute(connection, path, embedded::schema);
  execute(connection, path, embedded::views);
  execute(connection, path, "COMMIT");
}

Inserter::Inserter(sqlite3* connection, const std::string& path, std::string_view sql)
    : connection_(connection), path_(path) {
  if (sqlite3_prepare_v2(connection, sql.data(), static_cast<int>(sql.size()), &statement_, nullptr) != SQLITE_OK) {
    throw StoreError(path + ": " + sqlite3_errmsg(connection));
  }
}

void Inserter::bind(int at, std::string_view value) {
  scratch_.clear();
  const std::string_view valid = valid_utf8(value, scratch_);
  const char* data = valid.data() == nullptr ? "" : valid.data();
  sqlite3_bind_text64(statement_, at, data, valid.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Inserter::run() {
  const int code = sqlite3_step(statement_);
  sqlite3_reset(statement_);
  if (code != SQLITE_DONE) throw StoreError(path_ + ": " + sqlite3_errmsg(connection_));
}

ObjectRow object_row(const Snapshot& snapshot, const Results& results, ObjectId id) {
  ObjectRow row;
  row.id = id;
  row.class_id = snapshot.class_of[id];
  row.shallow_size = snapshot.shallow[id];
  if (snapshot.length.has(id)) row.length = snapshot.length[id];
  const std::size_t at = index(id);
  if (!results.reachability.empty()) row.reachability = static_cast<std::int64_t>(results.reachability[at]);
  if (!results.retained_size.empty()) {
    const std::uint64_t retained = results.retained_size[at];
    // An object of size 0 that is alive retains 0; with --weak=follow it may be alive without being strong or soft.
    const bool dominated = !results.dominator.empty() && results.dominator[at] != no_object;
    const bool live = retained != 0 || dominated ||
                      row.reachability == static_cast<std::int64_t>(Reachability::strong) ||
                      row.reachability == static_cast<std::int64_t>(Reachability::soft);
    if (live) row.retained_size = static_cast<std::int64_t>(retained);
    if (dominated) {
      row.dominator = index(results.dominator[at]);
    }
  }
  if (!results.root_distance.empty() && results.root_distance[at] != unreachable_distance) {
    row.root_distance = results.root_distance[at];
  }
  return row;
}

namespace {

using Null = Inserter::Null;

std::int64_t signed_hash(std::uint64_t hash) { return static_cast<std::int64_t>(hash); }

std::pair<bool, std::string_view> not_empty(const std::string& value) { return {!value.empty(), value}; }

class Writer {
 public:
  Writer(sqlite3* connection, const std::string& path, const Snapshot& snapshot, const Results& results)
      : connection_(connection), path_(path), snapshot_(snapshot), results_(results) {}

  void meta(std::span<const std::pair<std::string, std::string>> rows) {
    Inserter meta = into("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)");
    for (const auto& [key, value] : snapshot_.meta) meta.insert(key, value);
    for (std::size_t i = 0; i < snapshot_.warnings.size(); ++i) {
      meta.insert("warning." + std::to_string(i + 1), snapshot_.warnings[i]);
    }
    meta.insert("roots.reconstructed", snapshot_.roots_reconstructed ? 1 : 0);
    meta.insert("references.dangling", snapshot_.dangling_references);
    for (const auto& [key, value] : rows) meta.insert(key, value);
  }

  void snapshot() {
    std::uint64_t shallow_bytes = 0;
    std::uint64_t object_count = snapshot_.object_count;
    for (std::uint32_t i = 0; i < snapshot_.object_count; ++i) shallow_bytes += snapshot_.shallow[ObjectId{i}];
    if (object_count == 0) {
      for (const HistogramRow& row : snapshot_.histogram) {
        object_count += row.object_count;
        shallow_bytes += row.shallow_bytes;
      }
    }
    into("INSERT INTO snapshot VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)")
        .insert(snapshot_.path, snapshot_.format, not_empty(snapshot_.runtime),
                known_if(snapshot_.pointer_size != 0, snapshot_.pointer_size), not_negative(snapshot_.taken_at_ms),
                object_count, shallow_bytes, snapshot_.damaged_bytes, snapshot_.damage_count);
    Inserter damage = into("INSERT INTO damage VALUES (1, ?, ?, ?)");
    for (const DamageRow& row : snapshot_.damage) damage.insert(row.offset, row.bytes, row.what);
  }

  void classes() {
    Inserter insert = into("INSERT INTO class VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    std::uint32_t id = 0;
    for (const ClassRow& row : snapshot_.classes) {
      const bool array = row.kind == ClassKind::object_array || row.kind == ClassKind::primitive_array;
      insert.insert(id++, row.name, row.super, row.loader, static_cast<int>(row.kind),
                    known_if(!array, row.instance_size), not_empty(row.source), row.object,
                    static_cast<int>(row.referent), row.has_finalizer);
    }
    Inserter field = into("INSERT INTO field VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    for (const FieldRow& row : snapshot_.fields) {
      const bool named = row.name != no_name;
      field.insert(row.class_id, row.ordinal,
                   known_if(named, named ? std::string_view(snapshot_.names[index(row.name)]) : std::string_view()),
                   std::string_view(&row.type, 1), not_negative(row.offset), known_if(row.size != 0, row.size),
                   row.is_static, row.name);
    }
    Inserter name = into("INSERT INTO name VALUES (?, ?)");
    for (std::size_t i = 0; i < snapshot_.names.size(); ++i) name.insert(i, snapshot_.names[i]);
  }

  void roots() {
    Inserter root = into("INSERT INTO root VALUES (?, ?, ?, ?, ?, ?)");
    for (const RootRow& row : snapshot_.roots) {
      root.insert(row.object, static_cast<int>(row.kind), not_negative(row.thread), not_negative(row.frame), row.name,
                  known_if(row.doubt != Doubt::none, to_text(row.doubt)));
    }
    Inserter thread = into("INSERT INTO thread VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    std::int64_t id = 0;
    for (const ThreadRow& row : snapshot_.threads) {
      thread.insert(id++, row.name, row.object, not_negative(row.stack), not_empty(row.state), not_negative(row.os_id),
                    not_negative(row.stack_bytes), not_negative(row.stack_used_bytes), not_negative(row.signal));
    }
    Inserter stale = into("INSERT INTO stale_word VALUES (?, ?, ?, ?, ?)");
    for (const StaleWordRow& row : snapshot_.stale_words) {
      stale.insert(row.address, row.thread, row.object, not_empty(row.callee), not_empty(row.caller));
    }
    Inserter frame = into("INSERT INTO frame VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    id = 0;
    for (const FrameRow& row : snapshot_.frames) {
      frame.insert(id++, not_negative(row.stack), row.depth, row.function, not_empty(row.file),
                   known_if(row.line != 0, row.line), not_empty(row.module), known_if(row.address != 0, row.address));
    }
  }

  void statistics() {
    Inserter stat = into("INSERT INTO class_stat VALUES (1, ?, ?, ?, ?, ?, ?)");
    for (const ClassStatRow& row : results_.class_stats) {
      stat.insert(row.class_id, row.object_count, row.shallow_bytes, row.reachable_count, row.reachable_bytes,
                  row.retained_bytes);
    }
    if (results_.class_stats.empty()) {
      for (const HistogramRow& row : snapshot_.histogram) {
        stat.insert(row.class_id, row.object_count, row.shallow_bytes, Null{}, Null{}, Null{});
      }
    }
    Inserter component = into("INSERT INTO component VALUES (?, ?, ?, ?, ?, ?, ?)");
    std::int64_t id = 0;
    for (const ComponentRow& row : results_.components) {
      component.insert(id++, row.object_count, row.shallow_bytes,
                       known_if(row.reachability != Reachability::unreachable, row.retained_bytes),
                       static_cast<int>(row.reachability), row.has_finalizer, row.example);
    }
    Inserter leak = into("INSERT INTO leak VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    id = 0;
    for (const LeakRow& row : results_.leaks) {
      leak.insert(++id, row.class_id, row.head_count, row.cycle_count, row.object_count, row.shallow_bytes, row.example,
                  std::string_view(row.is_certain ? "leaked" : "possibly leaked"), not_empty(row.cycle_text),
                  row.holder, not_empty(row.why));
    }
    Inserter duplicate = into("INSERT INTO duplicate VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const DuplicateRow& row : results_.duplicates) {
      duplicate.insert(signed_hash(row.hash), row.is_string, row.example, row.object_count, row.bytes_each,
                       row.wasted_bytes, known_if(row.is_string, std::string_view(row.value)));
    }
    Inserter metric = into("INSERT OR REPLACE INTO metric VALUES (1, ?, ?, ?)");
    for (const MetricRow& row : results_.metrics) metric.insert(row.name, row.value, row.unit);
  }

  void suspects() {
    Inserter suspect = into("INSERT INTO suspect VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    std::int64_t id = 0;
    for (const SuspectRow& row : results_.suspects) {  // numbered as people count: from 1
      suspect.insert(++id, row.kind, row.title, row.object, row.class_id, row.accumulation, row.retained_bytes,
                     row.percent, row.signature, not_empty(row.cause));
    }
    Inserter step = into("INSERT INTO suspect_path VALUES (?, ?, ?, ?)");
    for (const SuspectPathRow& row : results_.suspect_paths)
      step.insert(std::uint64_t{row.suspect} + 1, row.step, row.object, row.name);
    Inserter evidence = into("INSERT INTO suspect_evidence VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const SuspectEvidenceRow& row : results_.suspect_evidence) {
      evidence.insert(std::uint64_t{row.suspect} + 1, row.ordinal, row.kind, not_empty(row.name), row.object,
                      row.class_id, not_negative(row.object_count), not_negative(row.bytes), not_empty(row.text));
    }
  }

  void regions() {
    Inserter mapping = into("INSERT INTO mapping VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    for (std::size_t i = 0; i < snapshot_.mappings.size(); ++i) {
      const MappingRow& row = snapshot_.mappings[i];
      mapping.insert(i, row.start, row.end, row.kind, not_empty(row.name), row.permissions, row.resident_bytes,
                     not_negative(row.thread));
    }
    Inserter region = into("INSERT INTO region VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    std::int64_t id = 0;
    for (const RegionRow& row : snapshot_.regions) {
      region.insert(id++, row.start, row.end, row.kind, row.name, row.live_bytes, row.free_bytes,
                    row.largest_free_bytes, row.arena, row.cached_bytes, row.overhead_bytes, row.live_count);
    }
    Inserter free_block = into("INSERT INTO free_block VALUES (?, ?, ?, ?)");
    for (const FreeBlockRow& row : snapshot_.free_blocks) {
      free_block.insert(row.address, row.size, row.region, not_negative(row.bin));
    }
  }

  void fragmentation() {
    Inserter arena = into("INSERT INTO arena VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const ArenaRow& row : results_.arenas) {
      arena.insert(row.arena, row.name, row.region_count, row.bytes, row.live_bytes, row.free_bytes, row.cached_bytes,
                   row.overhead_bytes, row.released_bytes, row.largest_free_bytes, row.live_count, row.free_count,
                   row.pinned_bytes, row.page_count, row.empty_page_count, row.sparse_page_count,
                   known_if(row.bytes_per_cell != 0, row.bytes_per_cell), not_empty(row.map));
    }
    Inserter unusable = into("INSERT INTO unusable_free VALUES (?, ?, ?, ?)");
    for (const UnusableFreeRow& row : results_.unusable_free) {
      unusable.insert(known_if(!row.whole, row.arena), row.request_bytes, row.servable_count, row.unusable_index);
    }
    Inserter pin = into("INSERT INTO pin VALUES (?, ?, ?, ?, ?)");
    std::int64_t id = 0;
    for (const PinRow& row : results_.pins) {  // numbered as people count: from 1
      pin.insert(++id, row.region, row.object, row.pinned_bytes, row.gain_bytes);
    }
    Inserter step = into("INSERT INTO pin_path VALUES (?, ?, ?, ?)");
    for (const PinPathRow& row : results_.pin_paths) {
      step.insert(std::uint64_t{row.pin} + 1, row.step, row.object, row.name);
    }
    Inserter stat = into("INSERT INTO pin_stat VALUES (?, ?, ?)");
    for (const PinStatRow& row : results_.pin_stats) stat.insert(row.class_id, row.region_count, row.pinned_bytes);
    Inserter requested = into("INSERT INTO requested_stat VALUES (?, ?, ?, ?)");
    for (const RequestedStatRow& row : results_.requested_stats) {
      requested.insert(row.class_id, row.block_count, row.usable_bytes, row.requested_bytes);
    }
  }

  void locality() {
    Inserter pair = into("INSERT INTO locality VALUES (?, ?, ?, ?, ?, ?)");
    for (const LocalityRow& row : results_.locality) {
      pair.insert(row.owner, row.owned, row.object_count, row.same_line, row.same_page, row.median_distance);
    }
    Inserter walk = into("INSERT INTO walk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    std::int64_t id = 0;
    for (const WalkRow& row : results_.walks) {
      walk.insert(++id, std::string_view(row.is_linked ? "linked" : "array"), row.first, row.class_id,
                  row.element_count, row.bytes, row.near_count, row.page_changes, row.line_count, row.page_count);
    }
  }

  void queries() {
    Inserter insert = into("INSERT INTO query VALUES (?, ?, ?, ?, ?)");
    for (const NamedQuery& query : named_queries()) {
      if (!query.listed) continue;
      std::string columns;
      for (const auto& [name, help] : query.columns) columns.append(name).append(": ").append(help).append("\n");
      std::string parameters;
      for (const QueryParameter& parameter : query.parameters) {
        parameters.append(":").append(parameter.name).append(" ").append(parameter.type);
        if (!parameter.default_value.empty()) parameters.append(" = ").append(parameter.default_value);
        parameters.append("  ").append(parameter.help).append("\n");
      }
      insert.insert(query.name, query.title, not_empty(columns), not_empty(parameters), query.sql);
    }
  }

 private:
  Inserter into(std::string_view sql) { return Inserter(connection_, path_, sql); }

  sqlite3* connection_;
  const std::string& path_;
  const Snapshot& snapshot_;
  const Results& results_;
};

}  // namespace

void write_small_tables(sqlite3* connection, const std::string& path, const Snapshot& snapshot, const Results& results,
                        std::span<const std::pair<std::string, std::string>> meta) {
  Writer writer(connection, path, snapshot, results);
  writer.meta(meta);
  writer.snapshot();
  writer.classes();
  writer.roots();
  writer.statistics();
  writer.suspects();
  writer.regions();
  writer.fragmentation();
  writer.locality();
  write_code_rows(connection, path, snapshot.code);
  write_layout_rows(connection, path, snapshot.layout);
  write_shared_lines(connection, path, snapshot.shared_lines);
  write_memory_samples(connection, path, snapshot.memory_samples);
  if (snapshot.profile) write_profile(connection, path, snapshot, *snapshot.profile);
  writer.queries();
}

}  // namespace queries
