#include "analyzer/suspects/suspects.h"

#include <algorithm>
#include <cmath>

#include "analyzer/quantities.h"
#include "analyzer/suspects/causes.h"
#include "analyzer/suspects/code_evidence.h"
#include "analyzer/suspects/dominator_sweeps.h"
#include "analyzer/suspects/group_paths.h"
#include "analyzer/suspects/native_words.h"
#include "analyzer/suspects/object_words.h"
#include "analyzer/suspects/root_paths.h"
#include "analyzer/suspects/thread_evidence.h"

namespace analyzer {

using namespace queries;

namespace {

constexpr unsigned deepest_descent = 1000;  // as Eclipse MAT
constexpr unsigned chain_run = 32;          // so many objects of one class in a row are a linked list
constexpr std::size_t longest_stored_path = 1000;

struct Descent {
  ObjectId point = no_object;
  bool is_chain = false;  ///< the point is the first node of a linked list
};

/// Follows the largest child down to where retained memory drops: Eclipse MAT's rule, but a linked list is one thing,
/// not a thousand drops of nearly nothing.
///
/// A native container's tree is one thing, too: the descent ends at its topmost node (`is_tree`, by class).
Descent find_accumulation(const HeapGraph& graph, const Results& results, const HeavyTree& tree, ObjectId from,
                          double ratio, const std::vector<bool>& is_tree) {
  ObjectId at = from;
  ObjectId run_start = from;
  unsigned run = 0;
  for (unsigned depth = 0; depth < deepest_descent; ++depth) {
    const ObjectId child = tree.largest_child(at);
    if (child == no_object) break;
    const auto own = static_cast<double>(results.retained_size[index(at)]);
    if (static_cast<double>(results.retained_size[index(child)]) < ratio * own) break;
    if (graph.class_of(child) == graph.class_of(at)) {
      if (is_tree[index(graph.class_of(at))]) break;
      if (run == 0) run_start = at;
      if (++run == chain_run) return {run_start, true};
    } else {
      run = 0;
    }
    at = child;
  }
  return {at, false};
}

struct Draft {
  SuspectRow row;
  RootPath path;
  std::vector<SuspectEvidenceRow> evidence;
};

/// What is known of a candidate before it is put in words.
struct Findings {
  const Candidate& candidate;
  const std::vector<ClassShare>& shares;  ///< of what it retains
  const Members& children;                ///< of the accumulation point
  const Members& members;                 ///< of a group
  const GroupPath* group;                 ///< nullptr: a single object
  bool is_chain;
};

class Finder {
 public:
  Finder(const Snapshot& snapshot, const HeapGraph& graph, const ObjectDetails& details, const SuspectOptions& options,
         Results& results)
      : graph_(graph),
        details_(details),
        options_(options),
        results_(results),
        words_(snapshot, graph),
        context_{words_, details, results},
        live_bytes_(metric_value(results, "heap.live_bytes")) {}

  void run();

 private:
  [[nodiscard]] double percent(double bytes) const { return live_bytes_ > 0 ? 100.0 * bytes / live_bytes_ : 0; }
  [[nodiscard]] std::string size_text(std::uint64_t bytes) const {
    return format_size(static_cast<double>(bytes)) + " (" + format_decimal(percent(static_cast<double>(bytes)), 1) +
           " % of the live heap)";
  }
  static void add(Draft& draft, std::string kind, std::string name, std::string text, ObjectId object = no_object,
                  std::int64_t count = -1, std::int64_t bytes = -1, ClassId class_id = no_class);
  [[nodiscard]] std::string subject_text(const Candidate& candidate) const;
  [[nodiscard]] std::string top_text(const std::vector<ClassShare>& shares) const;
  [[nodiscard]] std::string parts_text(const Draft& draft, const Members& children) const;
  [[nodiscard]] std::string where_text(const Draft& draft, const Candidate& candidate) const;
  void classify(const Candidate& candidate, SuspectRow& row) const;
  [[nodiscard]] bool is_native() const { return words_.snapshot().manual_memory; }
  [[nodiscard]] static std::uint64_t retained_instances(const Findings& found, ClassId class_id);
  [[nodiscard]] std::optional<Cause> cause_of(const Findings& found, const std::optional<HeldCollection>& held,
                                              const Draft& draft) const;
  [[nodiscard]] std::string title_of(const Findings& found, const std::optional<HeldCollection>& held,
                                     const std::string& holder, const std::string& pattern, const Draft& draft) const;
  void describe(const Findings& found, Draft& draft);
  static void add_collection(const Collection& collection, Draft& draft);
  void add_cause(const Cause& cause, Draft& draft) const;
  void add_tables(const Candidate& candidate, const std::vector<ClassShare>& shares, const Members& children,
                  const Members& members, Draft& draft) const;
  void add_keywords(Draft& draft) const;
  [[nodiscard]] Draft whole_heap_suspect(const Cause& cause, double of_bytes) const;
  /// A block that an allocator or a runtime library took for itself: it grows with nothing that the program does.
  [[nodiscard]] bool is_runtime_own(ObjectId id) const {
    const std::vector<RootRow>& roots = words_.snapshot().roots;
    return std::any_of(roots.begin(), roots.end(),
                       [&](const RootRow& root) { return root.object == id && root.kind == RootKind::allocator; });
  }
  void add_finalizer_thread(Draft& draft) const;
  void add_hints();
  void store();

  const HeapGraph& graph_;
  const ObjectDetails& details_;
  const SuspectOptions& options_;
  Results& results_;
  ObjectWords words_;
  CauseContext context_;
  double live_bytes_;
  std::vector<Draft> drafts_;
};

void Finder::add(Draft& draft, std::string kind, std::string name, std::string text, ObjectId object,
                 std::int64_t count, std::int64_t bytes, ClassId class_id) {
  SuspectEvidenceRow row;
  row.kind = std::move(kind);
  row.name = std::move(name);
  row.text = std::move(text);
  row.object = object;
  row.object_count = count;
  row.bytes = bytes;
  row.class_id = class_id;
  draft.evidence.push_back(std::move(row));
}

std::string Finder::subject_text(const Candidate& candidate) const {
  if (candidate.group) {
    return format_count(candidate.instances) + " instances of " + words_.class_name(candidate.class_id) +
           words_.loaded_by(candidate.class_id) + " retain together";
  }
  const ObjectId id = candidate.object;
  if (words_.is_class(id)) return "The " + words_.label(id) + words_.loaded_by(words_.subject(id)) + " retains";
  if (words_.is_a(id, "java.lang.Thread")) {
    return "The thread " + thread_name(context_, id) + " (" + words_.class_name(id) + ") retains";
  }
  if (words_.is_a(id, "java.lang.ClassLoader")) return "The class loader " + words_.class_name(id) + " retains";
  return "One instance of " + words_.class_name(id) + words_.loaded_by(words_.subject(id)) + " retains";
}

std::string Finder::top_text(const std::vector<ClassShare>& shares) const {
  std::string text;
  for (std::size_t i = 0; i < shares.size() && i < 3; ++i) {
    text += i == 0 ? "" : ", ";
    text += format_count(shares[i].count) + ' ' + words_.class_name(shares[i].class_id) + " (" +
            format_size(static_cast<double>(shares[i].bytes)) + ')';
  }
  return text;
}

/// The largest parts of the accumulation point by the fields that hold them, where they are more than crumbs.
std::string Finder::parts_text(const Draft& draft, const Members& children) const {
  const ObjectId point = draft.row.accumulation;
  if (point == no_object) return {};
  std::string text;
  for (std::size_t i = 0; i < children.biggest.size() && i < 3; ++i) {
    const ObjectId id = children.biggest[i];
    const std::uint64_t size = results_.retained_size[index(id)];
    if (20 * size < results_.retained_size[index(point)]) break;
    const std::string name = details_.reference_name(point, id);
    text += (text.empty() ? " Its largest parts: " : "; ") + (name.empty() ? "" : name + ", ") + words_.label(id) +
            " (" + format_size(static_cast<double>(size)) + ')';
  }
  return text.empty() ? text : text + '.';
}

std::string Finder::where_text(const Draft& draft, const Candidate& candidate) const {
  const ObjectId point = draft.row.accumulation;
  std::string text;
  if (point != no_object && point != candidate.object) {
    text = " The memory is accumulated in " +
           (words_.is_class(point) ? words_.label(point) : "one instance of " + words_.class_name(point)) +
           ", which retains " + size_text(results_.retained_size[index(point)]);
    text += draft.path.empty() ? "." : ", held by " + short_path(words_, draft.path) + '.';
  } else if (draft.path.size() > 1) {
    text = " Held by " + short_path(words_, draft.path) + '.';
  }
  return text;
}

void Finder::add_cause(const Cause& cause, Draft& draft) const {
  add(draft, "cause", cause.name, cause.story, no_object, -1, static_cast<std::int64_t>(cause.bytes));
  add(draft, "advice", cause.name, cause.advice);
  for (const CauseFact& fact : cause.facts)
    add(draft, "fact", fact.name, fact.text, fact.object, fact.count, fact.bytes);
}

void Finder::add_tables(const Candidate& candidate, const std::vector<ClassShare>& shares, const Members& children,
                        const Members& members, Draft& draft) const {
  std::uint64_t count = 0;
  for (const ClassShare& share : shares) count += share.count;
  add(draft, "retained_set", "", "", no_object, static_cast<std::int64_t>(count),
      static_cast<std::int64_t>(candidate.retained));
  for (std::size_t i = 0; i < shares.size() && i < options_.top_classes; ++i) {
    add(draft, "top_class", words_.class_name(shares[i].class_id), "", no_object,
        static_cast<std::int64_t>(shares[i].count), static_cast<std::int64_t>(shares[i].bytes), shares[i].class_id);
  }
  const auto list = [&](const Members& set, const std::string& total, const std::string& kind) {
    if (set.count == 0) return;
    add(draft, total, "", "", no_object, static_cast<std::int64_t>(set.count), static_cast<std::int64_t>(set.retained));
    for (const ObjectId id : set.biggest) {
      std::string text = details_.text(id, 80).value_or(std::string());
      if (text.empty() && draft.row.accumulation != no_object) {
        text = details_.reference_name(draft.row.accumulation, id);
      }
      add(draft, kind, words_.label(id), std::move(text), id, -1,
          static_cast<std::int64_t>(results_.retained_size[index(id)]), graph_.class_of(id));
    }
  };
  list(children, "children", "child");
  list(members, "instances", "biggest");
}

void Finder::add_keywords(Draft& draft) const {
  std::vector<std::string> seen;
  const auto keyword = [&](const std::string& word) {
    if (word.empty() || std::find(seen.begin(), seen.end(), word) != seen.end()) return;
    seen.push_back(word);
    add(draft, "keyword", word, "");
  };
  if (draft.row.class_id != no_class) keyword(words_.class_name(draft.row.class_id));
  for (const RootStep& step : draft.path) {
    const std::string& name = words_.class_name(words_.subject(step.object));
    if (!is_runtime_class(name) && seen.size() < 12) keyword(name);
  }
  if (draft.row.accumulation != no_object) keyword(words_.class_name(words_.subject(draft.row.accumulation)));
}

void Finder::classify(const Candidate& candidate, SuspectRow& row) const {
  row.object = candidate.object;
  row.class_id = candidate.class_id;
  row.retained_bytes = candidate.retained;
  row.percent = percent(static_cast<double>(candidate.retained));
  if (candidate.group) {
    row.kind = "group";
  } else if (words_.is_class(candidate.object)) {
    row.kind = "class";
    row.class_id = words_.subject(candidate.object);
  } else if (words_.is_a(candidate.object, "java.lang.Thread")) {
    row.kind = "thread";
  } else {
    row.kind = words_.is_a(candidate.object, "java.lang.ClassLoader") ? "class_loader" : "object";
  }
}

std::uint64_t Finder::retained_instances(const Findings& found, ClassId class_id) {
  for (const ClassShare& share : found.shares) {
    if (share.class_id == class_id) return share.count;
  }
  return 0;
}

std::optional<Cause> Finder::cause_of(const Findings& found, const std::optional<HeldCollection>& held,
                                      const Draft& draft) const {
  const ObjectId point = draft.row.accumulation;
  if (!is_native()) return point == no_object ? std::nullopt : find_cause(context_, draft.path, held);
  if (found.candidate.group) {
    return native_container_cause(words_.class_name(found.candidate.class_id), draft.path, found.candidate.instances,
                                  found.candidate.retained);
  }
  return native_container_cause(words_.class_name(point), draft.path, retained_instances(found, graph_.class_of(point)),
                                results_.retained_size[index(point)]);
}

std::string Finder::title_of(const Findings& found, const std::optional<HeldCollection>& held,
                             const std::string& holder, const std::string& pattern, const Draft& draft) const {
  if (found.candidate.group) {
    return format_count(found.candidate.instances) + " instances of " + words_.class_name(found.candidate.class_id) +
           " retain " + size_text(found.candidate.retained) + (holder.empty() ? "" : ", most of them in " + holder);
  }
  const ObjectId point = draft.row.accumulation;
  if (point == no_object) return {};
  const std::string size = size_text(results_.retained_size[index(point)]);
  if (words_.is_class(point)) return "The static fields of " + words_.label(point) + " hold " + size;
  if (thread_step(words_, RootPath{RootStep{point, {}}}) == 0) {
    return "The local variables and fields of thread " + thread_name(context_, point) + " hold " + size;
  }
  std::string thing = words_.label(point);
  if (!pattern.empty()) {
    if (!holder.empty()) thing = pattern;
  } else if (const auto container = is_native() ? native_container(thing) : std::nullopt) {
    // "std::vector acme::shapes": its name says already that static data holds it.
    const std::string root = native_root_text(draft.path);
    if (root.starts_with("static ") && container->name.ends_with(root.substr(6))) return container->name + ", " + size;
    thing = "the " + container->name;
  } else if (held && !held->bare_array && held->collection.size) {
    thing = words_.class_name(held->collection.object) + " of " + format_count(*held->collection.size) + " elements";
  }
  return (holder.empty() ? thing : holder + " holds " + thing) + ", " + size;
}

void Finder::describe(const Findings& found, Draft& draft) {
  const Candidate& candidate = found.candidate;
  SuspectRow& row = draft.row;
  classify(candidate, row);
  const ObjectId point = row.accumulation;
  const std::optional<HeldCollection> held =
      draft.path.empty() || point == no_object ? std::nullopt : held_collection(context_, draft.path);
  const std::optional<Cause> cause = cause_of(found, held, draft);
  std::string field = draft.path.empty() ? std::string() : field_text(words_, draft.path, draft.path.size() - 1);
  if (is_native() && field.empty()) field = native_root_text(draft.path);
  std::string pattern;
  if (found.is_chain) {
    const std::uint64_t nodes = retained_instances(found, graph_.class_of(point));
    pattern = "a linked list of " + format_count(nodes) + ' ' + words_.class_name(point);
    add(draft, "fact", "linked_list", pattern, point, static_cast<std::int64_t>(nodes),
        static_cast<std::int64_t>(results_.retained_size[index(point)]));
  }
  if (cause) {
    row.cause = cause->name;
    row.title = cause->headline + ", " + size_text(cause->bytes);
  } else {
    row.title = title_of(found, held, held ? field_text(words_, draft.path, held->step) : field, pattern, draft);
  }
  std::string summary =
      subject_text(candidate) + ' ' + size_text(candidate.retained) + '.' + where_text(draft, candidate);
  if (!pattern.empty() && field.empty()) summary += " It is " + pattern + '.';
  if (!found.shares.empty()) summary += " Most of it: " + top_text(found.shares) + '.';
  if (!cause && !found.is_chain) summary += parts_text(draft, found.children);
  if (found.group != nullptr && found.group->accumulation == no_object && !found.group->pattern.empty()) {
    summary +=
        " Most of the instances are referenced from " + words_.class_name(found.group->pattern.front().class_id) + '.';
  }
  add(draft, "summary", "", std::move(summary));
  if (cause) add_cause(*cause, draft);
  if (is_native() && !cause) add(draft, "advice", "", native_advice(field));
  if (!cause && held) add_collection(held->collection, draft);
  if (std::string code = who_touches(words_.snapshot(), draft.path); !code.empty()) {
    add(draft, "fact", "variable", std::move(code));
  }
  if (found.group != nullptr) {
    for (const GroupPath::PatternStep& step : found.group->pattern) {
      add(draft, "pattern", words_.class_name(step.class_id), "", no_object, static_cast<std::int64_t>(step.count), -1,
          step.class_id);
    }
  }
  add_tables(candidate, found.shares, found.children, found.members, draft);
  if (const std::size_t thread = thread_step(words_, draft.path); thread < draft.path.size()) {
    add_thread_evidence(context_, draft.path, thread, candidate.retained, draft.evidence);
  }
  add_keywords(draft);
  row.signature = path_signature(
      words_, row.kind, draft.path,
      point == no_object ? words_.class_name(candidate.class_id) : words_.class_name(words_.subject(point)));
}

void Finder::add_collection(const Collection& collection, Draft& draft) {
  if (collection.size) {
    add(draft, "fact", "size", format_count(*collection.size) + " elements", collection.object,
        static_cast<std::int64_t>(*collection.size));
  }
  if (!collection.elements.most_common.empty()) {
    add(draft, "fact", "elements", collection.elements.most_common);
  }
}

Draft Finder::whole_heap_suspect(const Cause& cause, double of_bytes) const {
  Draft draft;
  draft.row.kind = "heap";
  draft.row.cause = cause.name;
  draft.row.retained_bytes = cause.bytes;
  draft.row.percent = of_bytes > 0 ? 100.0 * static_cast<double>(cause.bytes) / of_bytes : 0;
  draft.row.title = cause.headline + ", " + format_size(static_cast<double>(cause.bytes));
  draft.row.signature = path_signature(words_, cause.name, {}, "");
  return draft;
}

/// Where the finalizer thread is: what it waits for is why the queue grows.
void Finder::add_finalizer_thread(Draft& draft) const {
  for (const ThreadRow& thread : words_.snapshot().threads) {
    if (thread.name != "Finalizer" || thread.object == no_object) continue;
    if (results_.retained_size[index(thread.object)] == 0) continue;
    add_thread_evidence(context_, RootPath{RootStep{thread.object, "thread_object"}}, 0, draft.row.retained_bytes,
                        draft.evidence);
    return;
  }
}

void Finder::add_hints() {
  for (std::size_t i = 0; i < drafts_.size(); ++i) {
    const RootPath& path = drafts_[i].path;
    if (path.empty()) continue;
    const std::size_t start = path_start(words_, path);
    std::string others;
    std::size_t last = 0;
    for (std::size_t j = 0; j < drafts_.size(); ++j) {
      if (j == i || drafts_[j].path.empty()) continue;
      const RootPath& other = drafts_[j].path;
      if (other[path_start(words_, other)].object != path[start].object) continue;
      others += (others.empty() ? "" : ", ") + std::to_string(j + 1);
      last = j;
    }
    if (others.empty()) continue;
    const bool several = others.find(',') != std::string::npos;
    add(drafts_[i], "hint", "",
        "Suspect " + std::to_string(i + 1) + " may be related to suspect" + (several ? "s " : " ") + others +
            ": their paths have a common beginning at " + words_.label(path[start].object) + '.',
        path[start].object, static_cast<std::int64_t>(last));
    drafts_[i].evidence.back().object_count = -1;
  }
}

void Finder::store() {
  std::stable_sort(drafts_.begin(), drafts_.end(),
                   [](const Draft& a, const Draft& b) { return a.row.retained_bytes > b.row.retained_bytes; });
  add_hints();
  double largest = 0;
  for (Draft& draft : drafts_) {
    const auto number = static_cast<std::uint32_t>(results_.suspects.size());
    largest = std::max(largest, draft.row.percent);
    std::uint32_t ordinal = 0;
    for (SuspectEvidenceRow& row : draft.evidence) {
      row.suspect = number;
      row.ordinal = ordinal++;
      results_.suspect_evidence.push_back(std::move(row));
    }
    for (std::size_t i = 0; i < draft.path.size() && i < longest_stored_path; ++i) {
      results_.suspect_paths.push_back(
          {number, static_cast<std::uint32_t>(i), draft.path[i].object, draft.path[i].name});
    }
    results_.suspects.push_back(std::move(draft.row));
  }
  results_.metrics.push_back({"suspects.count", static_cast<double>(results_.suspects.size()), "count"});
  results_.metrics.push_back({"suspects.max_retained_percent", largest, "percent"});
}

void Finder::run() {
  const auto threshold = static_cast<std::uint64_t>(std::floor(live_bytes_ * options_.threshold_percent / 100));
  const bool has_tree = results_.retained_size.size() == graph_.object_count() &&
                        results_.dominator.size() == graph_.object_count() && live_bytes_ > 0;
  if (has_tree) {
    std::vector<Candidate> candidates = find_candidates(graph_, results_, threshold, options_.max_suspects);
    std::erase_if(candidates,
                  [&](const Candidate& candidate) { return !candidate.group && is_runtime_own(candidate.object); });
    if (!candidates.empty()) {
      const std::vector<Members> members =
          group_members(graph_, results_, candidates, options_.top_children, options_.max_paths);
      std::vector<bool> is_tree;
      for (const ClassRow& row : words_.snapshot().classes) {
        is_tree.push_back(row.kind == ClassKind::block && row.name.starts_with("std::map/set node"));
      }
      std::vector<Descent> descents(candidates.size());
      std::vector<ObjectId> targets;
      {
        const HeavyTree tree(results_, std::max<std::uint64_t>(1, threshold / 100));
        for (std::size_t i = 0; i < candidates.size(); ++i) {
          if (!candidates[i].group) {
            descents[i] =
                find_accumulation(graph_, results_, tree, candidates[i].object, options_.big_drop_ratio, is_tree);
            targets.push_back(descents[i].point);
          }
          targets.insert(targets.end(), members[i].sample.begin(), members[i].sample.end());
        }
      }
      RootPaths paths(words_.snapshot(), graph_, results_, details_);
      paths.search(targets);
      std::vector<GroupPath> groups(candidates.size());
      std::vector<ObjectId> points(candidates.size(), no_object);
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (candidates[i].group) {
          groups[i] =
              merge_paths(paths, graph_, results_, members[i].sample, options_.group_ratio, options_.big_drop_ratio);
          points[i] = groups[i].accumulation;
        } else {
          points[i] = descents[i].point;
        }
      }
      const std::vector<std::vector<ClassShare>> shares = retained_by_class(graph_, results_, candidates);
      const std::vector<Members> children = children_of(results_, points, options_.top_children);
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        Draft draft;
        draft.row.accumulation = points[i];
        draft.path = candidates[i].group ? paths.named(groups[i].common) : paths.path(points[i]);
        describe({candidates[i], shares[i], children[i], members[i], candidates[i].group ? &groups[i] : nullptr,
                  descents[i].is_chain},
                 draft);
        drafts_.push_back(std::move(draft));
      }
    }
  }
  if (const auto cause = find_finalizer_cause(context_)) {
    const double with_them = live_bytes_ + static_cast<double>(cause->bytes);
    if (static_cast<double>(cause->bytes) > with_them * options_.threshold_percent / 100) {
      Draft draft = whole_heap_suspect(*cause, with_them);
      add(draft, "summary", "",
          format_size(static_cast<double>(cause->bytes)) + " (" + format_decimal(draft.row.percent, 1) +
              " % of what the collector keeps) is no longer used by the program and waits for finalizers or cleaners.");
      add_cause(*cause, draft);
      add_finalizer_thread(draft);
      drafts_.push_back(std::move(draft));
    }
  }
  if (const auto cause = find_duplicate_strings_cause(context_, threshold)) {
    Draft draft = whole_heap_suspect(*cause, live_bytes_);
    add(draft, "summary", "",
        size_text(cause->bytes) + " are copies of strings that exist already; the strings listed waste most.");
    add_cause(*cause, draft);
    drafts_.push_back(std::move(draft));
  }
  store();
}

}  // namespace

void find_suspects(const Snapshot& snapshot, const HeapGraph& graph, const ObjectDetails& details,
                   const SuspectOptions& options, Results& results) {
  Finder(snapshot, graph, details, options, results).run();
}

}  // namespace analyzer
