#include "analyzer/suspects/causes.h"

#include <algorithm>

#include "analyzer/quantities.h"

namespace analyzer {

using namespace queries;

namespace {

constexpr std::uint64_t many_listeners = 100;
constexpr std::uint64_t many_entries = 256;

std::string count_text(std::uint64_t count) { return format_count(count); }

std::uint64_t retained(const CauseContext& context, ObjectId id) { return context.results.retained_size[index(id)]; }

bool dominates(const CauseContext& context, ObjectId above, ObjectId below) {
  for (unsigned depth = 0; below != no_object && depth < 100'000; ++depth) {
    if (below == above) return true;
    below = context.results.dominator[index(below)];
  }
  return false;
}

bool is_reference_array(const CauseContext& context, ObjectId id) {
  return context.words.snapshot().kind_of(id) == ObjectKind::object_array;
}

/// The field a person knows the object by; a thread's local is said to be one.
std::string holder_text(const CauseContext& context, const RootPath& path, std::size_t step) {
  std::string field = field_text(context.words, path, step);
  if (!field.empty()) return field;
  if (step > 0 && path[step].name.starts_with("<Java Local")) {
    return "a local variable of thread " + thread_name(context, path[step - 1].object);
  }
  return context.words.label(path[step].object);
}

std::vector<CauseFact> collection_facts(const CauseContext& context, const HeldCollection& held) {
  const Collection& collection = held.collection;
  std::vector<CauseFact> facts;
  facts.push_back({"collection", collection.object, -1, static_cast<std::int64_t>(retained(context, collection.object)),
                   context.words.class_name(collection.object)});
  if (collection.size) {
    facts.push_back({"size", collection.object, static_cast<std::int64_t>(*collection.size), -1,
                     count_text(*collection.size) + " elements"});
  }
  if (collection.capacity && *collection.capacity > 0) {
    facts.push_back({"capacity", collection.object, static_cast<std::int64_t>(*collection.capacity), -1,
                     count_text(*collection.capacity) + " slots"});
    if (collection.size) {
      const double fill = 100.0 * static_cast<double>(*collection.size) / static_cast<double>(*collection.capacity);
      facts.push_back({"fill", collection.object, -1, -1, format_decimal(fill, 1) + " % full"});
    }
  }
  if (!collection.elements.keys.empty()) facts.push_back({"keys", no_object, -1, -1, collection.elements.keys});
  if (!collection.elements.most_common.empty()) {
    facts.push_back({collection.elements.keys.empty() ? "elements" : "values", no_object, -1, -1,
                     collection.elements.most_common + " (" + count_text(collection.elements.matching) + " of " +
                         count_text(collection.elements.sampled) + " looked at)"});
  }
  return facts;
}

bool is_pool_name(std::string_view name) {
  return has_word(name, {"pool", "exec", "worker", "http-", "nio-", "task-", "scheduler", "event", "dispatcher",
                         "-thread-", "qtp", "grizzly", "batch", "job"});
}

std::optional<Cause> thread_local_cause(const CauseContext& context, const RootPath& path) {
  for (std::size_t map = 1; map < path.size(); ++map) {
    if (!context.words.class_name(path[map].object).starts_with("java.lang.ThreadLocal$")) continue;
    const ObjectId thread = path[map - 1].object;
    if (!context.words.is_a(thread, "java.lang.Thread")) continue;
    const std::string name = thread_name(context, thread);
    bool pooled = is_pool_name(name);
    std::vector<FieldValue> fields = context.details.fields(thread);
    for (const FieldValue& field : std::vector<FieldValue>(fields)) {  // JDK 19+: Thread.holder has the task
      if (field.name != "holder" || field.target == no_object) continue;
      const std::vector<FieldValue> more = context.details.fields(field.target);
      fields.insert(fields.end(), more.begin(), more.end());
    }
    for (const FieldValue& field : fields) {
      if ((field.name == "target" || field.name == "task") && field.target != no_object) {
        pooled = pooled || has_word(context.words.class_name(field.target), {"worker", "executor", "pool"});
      }
    }
    if (!pooled) continue;
    // table, entry, value: what the thread-local variable holds is the first step past the runtime's own.
    std::size_t value = map;
    while (value + 1 < path.size() &&
           (value == map || context.words.class_name(path[value].object).starts_with("java.lang.ThreadLocal$"))) {
      ++value;
    }
    const std::string of = context.words.label(path[value].object);
    Cause cause;
    cause.name = "thread_local";
    cause.bytes = retained(context, path[value].object);
    cause.headline = "ThreadLocal value left on the pooled thread " + name + ": " + of;
    cause.story = "The thread " + name + " belongs to a pool and lives on; a ThreadLocal of it still holds one " + of +
                  " of an earlier task.";
    cause.advice =
        "Call ThreadLocal.remove() in a finally block at the end of the task that set it (or let the pool's "
        "afterExecute "
        "do it).";
    cause.facts.push_back({"thread", thread, -1, static_cast<std::int64_t>(retained(context, thread)), name});
    cause.facts.push_back({"value", path[value].object, -1, static_cast<std::int64_t>(cause.bytes), of});
    return cause;
  }
  return std::nullopt;
}

std::optional<Cause> class_loader_cause(const CauseContext& context, const RootPath& path) {
  const ObjectWords& words = context.words;
  for (std::size_t at = 1; at < path.size(); ++at) {
    const ObjectId entered = path[at].object;
    const bool loader_itself = words.is_custom_loader(entered);
    const bool its_class = words.is_class(entered) && words.is_custom_loader(words.loader_of(entered));
    if (!loader_itself && !its_class) continue;
    const ObjectId loader = loader_itself ? entered : words.loader_of(entered);
    // Only a way in through an instance of the loader's own classes, or through a thread, is a leak's: an application
    // server holds its loaders by fields of its own.
    std::size_t entry = at;
    if (path[at].name == "<class>") {
      entry = at - 1;
    } else if (path[at].name != "contextClassLoader" && !words.is_a(path[at - 1].object, "java.lang.ThreadLocal")) {
      return std::nullopt;
    }
    if (entry == 0) return std::nullopt;
    const ObjectId holder = path[entry].object;
    const bool only_way = context.results.retained_size[index(loader)] != 0 &&
                          (dominates(context, holder, loader) || dominates(context, path[entry - 1].object, loader));
    if (!only_way) return std::nullopt;
    const std::string of = words.class_name(loader);
    const std::string through = holder_text(context, path, entry);
    Cause cause;
    cause.name = "class_loader";
    cause.bytes = std::max(retained(context, loader), retained(context, holder));
    cause.headline = "Class loader kept by one object: " + of + " through " + through;
    cause.story = "Everything that " + of + " loaded stays because one " +
                  (loader_itself && entry == at ? std::string("reference to the loader") : words.label(holder)) +
                  " is still held by " + through +
                  ": the object keeps its class, the class its loader, the loader all "
                  "its classes and their static fields.";
    cause.advice =
        "Deregister this object when the plugin or web application stops; nothing outside may keep objects of "
        "its classes.";
    cause.facts.push_back({"class_loader", loader, -1, static_cast<std::int64_t>(retained(context, loader)), of});
    cause.facts.push_back({"kept_by", holder, -1, static_cast<std::int64_t>(retained(context, holder)),
                           words.label(holder) + " in " + through});
    return cause;
  }
  return std::nullopt;
}

bool is_cleaner(std::string_view name) {
  return name.starts_with("jdk.internal.ref.CleanerImpl$") || name.starts_with("jdk.internal.ref.PhantomCleanable") ||
         name == "sun.misc.Cleaner" || name == "jdk.internal.ref.Cleaner";
}

std::optional<Cause> cleaner_cause(const CauseContext& context, const RootPath& path) {
  for (std::size_t at = 0; at + 1 < path.size(); ++at) {
    const ObjectId cleanable = path[at].object;
    if (!is_cleaner(context.words.class_name(cleanable))) continue;
    if (path[at + 1].name != "action" && path[at + 1].name != "thunk") continue;
    const ObjectId action = path[at + 1].object;
    // The cycle: what the cleaner waits for is held by the cleaner's own action.
    for (const FieldValue& field : context.details.fields(cleanable)) {
      if (field.name != "referent" || field.target == no_object) continue;
      if (!dominates(context, action, field.target) && !dominates(context, cleanable, field.target)) continue;
      const std::string of = context.words.label(field.target);
      Cause cause;
      cause.name = "finalizer_cycle";
      cause.bytes = retained(context, cleanable);
      cause.headline = "Cycle through a Cleaner: the cleaning action of " + of + " holds the object it waits for";
      cause.story = "A Cleaner runs its action when " + of + " is unreachable, but the action (" +
                    context.words.label(action) + ") references that very object, which so never becomes unreachable.";
      cause.advice =
          "Make the action a static class or a lambda that captures only the resource, never the object "
          "itself.";
      cause.facts.push_back(
          {"referent", field.target, -1, static_cast<std::int64_t>(retained(context, field.target)), of});
      cause.facts.push_back(
          {"action", action, -1, static_cast<std::int64_t>(retained(context, action)), context.words.label(action)});
      return cause;
    }
  }
  return std::nullopt;
}

std::optional<Cause> listener_cause(const CauseContext& context, const RootPath& path, const HeldCollection& held) {
  const Collection& collection = held.collection;
  if (collection.kind == CollectionKind::weak_map || !collection.size || *collection.size < many_listeners) {
    return std::nullopt;
  }
  const std::string field = holder_text(context, path, held.step);
  const bool named =
      has_word(field.substr(field.rfind('.') + 1), {"listener", "observer", "callback", "handler", "subscriber"});
  const bool are_listeners = 2 * collection.elements.listeners > collection.elements.sampled;
  if (!named && !are_listeners) return std::nullopt;
  const std::string of =
      collection.elements.most_common.empty() ? std::string("listeners") : collection.elements.most_common;
  Cause cause;
  cause.name = "listener_list";
  cause.bytes = retained(context, collection.object);
  cause.headline = "Listener list that only grows: " + field + " holds " + count_text(*collection.size) + " " + of;
  cause.story = count_text(*collection.size) + " listeners, most of them " + of + ", are registered in " + field +
                " (" + context.words.class_name(collection.object) + "); each keeps alive everything it references.";
  cause.advice =
      "Remove each listener when its owner is closed (removeListener in close/dispose), or register it "
      "weakly.";
  cause.facts = collection_facts(context, held);
  return cause;
}

std::optional<Cause> map_cause(const CauseContext& context, const RootPath& path, const HeldCollection& held) {
  const Collection& collection = held.collection;
  const bool is_map = collection.kind == CollectionKind::map;
  if (!is_map && collection.kind != CollectionKind::set) return std::nullopt;
  if (!collection.size || *collection.size < many_entries) return std::nullopt;
  // The working set of a method that still runs is not a cache.
  if (path[held.step].name.starts_with('<')) return std::nullopt;
  const std::string field = holder_text(context, path, held.step);
  const std::string what = is_map ? "map" : "set";
  Cause cause;
  cause.name = "unbounded_map";
  cause.bytes = retained(context, collection.object);
  cause.headline = std::string(is_map ? "Map" : "Set") + " used as a cache without bound: " + field + " holds " +
                   count_text(*collection.size) + " entries";
  cause.story = field + " is a " + context.words.class_name(collection.object) + " with " +
                count_text(*collection.size) + " entries";
  if (is_map && !collection.elements.keys.empty() && !collection.elements.most_common.empty()) {
    cause.story += " (" + collection.elements.keys + " to " + collection.elements.most_common + ")";
  }
  cause.story += "; a plain " + what + " never lets go of an entry by itself.";
  cause.advice =
      "Give it a bound or an expiry (a cache with a maximum size, LinkedHashMap.removeEldestEntry, weak keys), "
      "or remove entries when their use ends.";
  cause.facts = collection_facts(context, held);
  return cause;
}

}  // namespace

double metric_value(const Results& results, std::string_view name) {
  for (const MetricRow& metric : results.metrics) {
    if (metric.name == name) return metric.value;
  }
  return 0;
}

std::string thread_name(const CauseContext& context, ObjectId thread) {
  for (const ThreadRow& row : context.words.snapshot().threads) {
    if (row.object == thread && !row.name.empty()) return row.name;
  }
  for (const FieldValue& field : context.details.fields(thread)) {
    if (field.name != "name" || field.target == no_object) continue;
    if (const auto text = context.details.text(field.target)) return *text;
  }
  return "(unnamed)";
}

std::optional<HeldCollection> held_collection(const CauseContext& context, const RootPath& path) {
  for (std::size_t at = path.size(); at-- > 0;) {
    const ObjectId id = path[at].object;
    if (context.words.is_class(id)) return std::nullopt;
    if (const auto collection = look_at_collection(context.words, context.details, id)) {
      HeldCollection held{*collection, at, false};
      // The map or list inside a set or a CopyOnWriteArraySet: the outer one is the one that has a name.
      while (held.step > 0) {
        const auto outer = look_at_collection(context.words, context.details, path[held.step - 1].object);
        if (!outer || outer->kind != CollectionKind::set) break;
        held = {*outer, held.step - 1, false};
      }
      return held;
    }
    if (!is_collection_internal(context.words.class_name(id))) break;
  }
  if (!path.empty() && is_reference_array(context, path.back().object)) {
    return HeldCollection{look_at_array(context.words, context.details, path.back().object), path.size() - 1, true};
  }
  return std::nullopt;
}

std::optional<Cause> find_cause(const CauseContext& context, const RootPath& path,
                                const std::optional<HeldCollection>& held) {
  if (path.empty()) return std::nullopt;
  if (auto cause = thread_local_cause(context, path)) return cause;
  if (auto cause = class_loader_cause(context, path)) return cause;
  if (auto cause = cleaner_cause(context, path)) return cause;
  if (!held) return std::nullopt;
  if (auto cause = listener_cause(context, path, *held)) return cause;
  return held->bare_array ? std::nullopt : map_cause(context, path, *held);
}

std::optional<Cause> find_finalizer_cause(const CauseContext& context) {
  const Results& results = context.results;
  const auto final_bytes = static_cast<std::uint64_t>(metric_value(results, "heap.final_bytes"));
  const auto phantom_bytes = static_cast<std::uint64_t>(metric_value(results, "heap.phantom_bytes"));
  if (final_bytes + phantom_bytes == 0) return std::nullopt;
  std::uint64_t cycles = 0;
  std::uint64_t cycle_objects = 0;
  std::uint64_t cycle_bytes = 0;
  ObjectId example = no_object;
  for (const ComponentRow& row : results.components) {
    if (row.reachability != Reachability::final && row.reachability != Reachability::phantom) continue;
    if (example == no_object) example = row.example;
    ++cycles;
    cycle_objects += row.object_count;
    cycle_bytes += row.shallow_bytes;
  }
  Cause cause;
  cause.name = cycles > 0 ? "finalizer_cycle" : "finalizer_queue";
  cause.bytes = final_bytes + phantom_bytes;
  if (cycles > 0) {
    const std::string of = context.words.label(example);
    cause.headline = "Cycle through finalizers: " + count_text(cycles) + " cycles of " + count_text(cycle_objects) +
                     " objects, the largest with " + of + ", wait for the finalizer thread";
    cause.story =
        "Nothing of the program holds these objects any more, but they have finalizers (or cleaners) and "
        "reference each other, so that all of them stay until each finalizer has run and the collector has "
        "come by again.";
  } else {
    cause.headline = "Objects wait for finalizers or cleaners";
    cause.story =
        "Nothing of the program holds these objects any more; they stay until the finalizer thread has run "
        "their finalizers and the collector has come by again.";
  }
  cause.advice =
      "Replace finalize() by AutoCloseable and try-with-resources, break the cycle in close(), and look at what "
      "the finalizer thread waits for.";
  if (cycles > 0) {
    cause.facts.push_back({"cycles", example, static_cast<std::int64_t>(cycles), static_cast<std::int64_t>(cycle_bytes),
                           count_text(cycle_objects) + " objects in " + count_text(cycles) + " cycles"});
  }
  cause.facts.push_back({"final", no_object, static_cast<std::int64_t>(metric_value(results, "heap.final_count")),
                         static_cast<std::int64_t>(final_bytes), "held by finalizers only"});
  if (phantom_bytes > 0) {
    cause.facts.push_back({"phantom", no_object, static_cast<std::int64_t>(metric_value(results, "heap.phantom_count")),
                           static_cast<std::int64_t>(phantom_bytes), "held by cleaners and phantom references only"});
  }
  return cause;
}

std::optional<Cause> find_duplicate_strings_cause(const CauseContext& context, std::uint64_t threshold) {
  const auto wasted = static_cast<std::uint64_t>(metric_value(context.results, "duplicates.string_wasted_bytes"));
  if (wasted <= threshold) return std::nullopt;
  // Old runtimes let strings share one array (Android L, Java before 7u6): then this counts it many times and says
  // nothing.
  if (static_cast<double>(wasted) >= metric_value(context.results, "heap.live_bytes")) return std::nullopt;
  Cause cause;
  cause.name = "duplicate_strings";
  cause.bytes = wasted;
  cause.headline = "Duplicate strings: equal text is kept many times";
  cause.story = "Copies of strings that exist already take this much of the live heap.";
  cause.advice =
      "Share them: intern what repeats where it is parsed or read (a map of your own or String.intern), use "
      "enums or ids, or try -XX:+UseStringDeduplication.";
  std::size_t shown = 0;
  for (const DuplicateRow& row : context.results.duplicates) {
    if (!row.is_string || shown++ == 10) continue;
    cause.facts.push_back({"string", row.example, static_cast<std::int64_t>(row.object_count),
                           static_cast<std::int64_t>(row.wasted_bytes), row.value});
    if (shown == 10) break;
  }
  return cause;
}

}  // namespace analyzer
