#include "analyzer/suspects/collections.h"

#include <algorithm>
#include <array>
#include <map>

#include "analyzer/suspects/object_words.h"

namespace analyzer {

using namespace queries;

namespace {

struct Shape {
  std::string_view name;
  CollectionKind kind;
  std::string_view size_field;     ///< "" = not stored
  std::string_view storage_field;  ///< array, inner map or first node
  std::string_view node_class;     ///< of linked ones and of bins
};

constexpr std::array shapes{
    Shape{"java.util.HashMap", CollectionKind::map, "size", "table", "Node"},
    Shape{"java.util.concurrent.ConcurrentHashMap", CollectionKind::map, "baseCount", "table", "Node"},
    Shape{"java.util.Hashtable", CollectionKind::map, "count", "table", "Entry"},
    Shape{"java.util.TreeMap", CollectionKind::map, "size", "root", "Entry"},
    Shape{"java.util.IdentityHashMap", CollectionKind::map, "size", "table", ""},
    Shape{"java.util.concurrent.ConcurrentSkipListMap", CollectionKind::map, "", "head", ""},
    Shape{"java.util.WeakHashMap", CollectionKind::weak_map, "size", "table", "Entry"},
    Shape{"java.util.ArrayList", CollectionKind::list, "size", "elementData", ""},
    Shape{"java.util.Vector", CollectionKind::list, "elementCount", "elementData", ""},
    Shape{"java.util.LinkedList", CollectionKind::list, "size", "first", "Node"},
    Shape{"java.util.concurrent.CopyOnWriteArrayList", CollectionKind::list, "", "array", ""},
    Shape{"java.util.concurrent.CopyOnWriteArraySet", CollectionKind::set, "", "al", ""},
    Shape{"java.util.HashSet", CollectionKind::set, "", "map", ""},
    Shape{"java.util.TreeSet", CollectionKind::set, "", "m", ""},
    Shape{"java.util.concurrent.ConcurrentHashMap$KeySetView", CollectionKind::set, "", "map", ""},
    Shape{"java.util.Collections$SetFromMap", CollectionKind::set, "", "m", ""},
    Shape{"java.util.ArrayDeque", CollectionKind::queue, "", "elements", ""},
    Shape{"java.util.PriorityQueue", CollectionKind::queue, "size", "queue", ""},
    Shape{"java.util.concurrent.ConcurrentLinkedQueue", CollectionKind::queue, "", "head", "Node"},
    Shape{"java.util.concurrent.ConcurrentLinkedDeque", CollectionKind::queue, "", "head", "Node"},
    Shape{"java.util.concurrent.LinkedBlockingQueue", CollectionKind::queue, "", "head", "Node"},
    Shape{"java.util.concurrent.LinkedBlockingDeque", CollectionKind::queue, "count", "first", "Node"},
    Shape{"java.util.concurrent.PriorityBlockingQueue", CollectionKind::queue, "size", "queue", ""},
};

constexpr std::size_t sample_size = 64;
constexpr std::uint64_t longest_walk = 1'000'000;  // nodes counted where no field has the size

const FieldValue* field(const std::vector<FieldValue>& fields, std::string_view name) {
  for (const FieldValue& value : fields) {
    if (value.name == name) return &value;
  }
  return nullptr;
}

ObjectId reference(const std::vector<FieldValue>& fields, std::string_view name) {
  const FieldValue* found = field(fields, name);
  return found != nullptr && found->type == 'L' ? found->target : no_object;
}

bool is_listener(const ObjectWords& words, ObjectId id) {
  ClassId at = words.graph().class_of(id);
  for (unsigned depth = 0; at != no_class && depth < 32; ++depth) {
    if (has_word(short_class_name(words.class_name(at)),
                 {"listener", "observer", "callback", "handler", "subscriber", "$$lambda"})) {
      return true;
    }
    at = words.snapshot().classes[index(at)].super;
  }
  return false;
}

/// Non-null elements of a reference array, at most `most`, evenly spaced. The graph has no nulls: exact and cheap.
std::vector<ObjectId> spaced_targets(const HeapGraph& graph, ObjectId array, std::size_t most) {
  const std::uint64_t first = graph.edges_begin(array);
  const std::uint64_t count = graph.edges_end(array) - first;
  std::vector<ObjectId> targets;
  const std::uint64_t taken = std::min<std::uint64_t>(count, most);
  for (std::uint64_t i = 0; i < taken; ++i) {
    targets.push_back(graph.target(static_cast<std::uint32_t>(first + i * count / taken)));
  }
  return targets;
}

class Tally {
 public:
  void add(const std::string& name) { ++counts_[name]; }
  [[nodiscard]] std::pair<std::string, std::uint64_t> most() const {
    std::pair<std::string, std::uint64_t> best;
    for (const auto& [name, count] : counts_) {
      if (count > best.second) best = {name, count};
    }
    return best;
  }

 private:
  std::map<std::string, std::uint64_t> counts_;
};

/// Length of the chain of `next` (or TreeMap-less `node`) references, by the graph alone: successors of the same class.
std::uint64_t chain_length(const ObjectWords& words, const ObjectDetails& details, ObjectId node) {
  const HeapGraph& graph = words.graph();
  const ClassId of = graph.class_of(node);
  // Which of the references is `next` is asked once; all nodes have the same layout.
  std::uint64_t length = 0;
  ObjectId previous = no_object;
  while (node != no_object && length < longest_walk) {
    ++length;
    ObjectId next = no_object;
    for (std::uint32_t edge = graph.edges_begin(node), end = graph.edges_end(node); edge < end; ++edge) {
      const ObjectId target = graph.target(edge);
      if (target == previous || target == node || graph.class_of(target) != of) continue;
      if (length == 1 && details.reference_name(node, target) != "next") continue;
      next = target;
      break;
    }
    previous = node;
    node = next;
  }
  return length;
}

void look_at_elements(const ObjectWords& words, const ObjectDetails& details, const std::vector<ObjectId>& nodes,
                      bool are_entries, Collection::Elements& elements) {
  Tally classes;
  Tally keys;
  for (ObjectId id : nodes) {
    if (are_entries) {
      const std::vector<FieldValue> fields = details.fields(id);
      if (const ObjectId key = reference(fields, "key"); key != no_object) keys.add(words.class_name(key));
      ObjectId value = no_object;
      for (const std::string_view name : {"value", "val", "item"}) {
        if (value == no_object) value = reference(fields, name);
      }
      id = value;
      if (id == no_object) continue;
    }
    ++elements.sampled;
    classes.add(words.label(id));
    if (is_listener(words, id)) ++elements.listeners;
  }
  std::tie(elements.most_common, elements.matching) = classes.most();
  elements.keys = keys.most().first;
}

}  // namespace

bool is_collection_internal(std::string_view name) {
  while (name.ends_with("[]")) name.remove_suffix(2);
  if (name == "java.lang.Object" || name == "java.util.Map$Entry") return true;
  if (!name.starts_with("java.util.")) return false;
  if (name.starts_with("java.util.Collections$") || name.starts_with("java.util.ImmutableCollections$") ||
      name == "java.util.LinkedHashMap" || name == "java.util.LinkedHashSet" || name == "java.util.Stack") {
    return true;
  }
  for (const Shape& shape : shapes) {
    if (name.starts_with(shape.name) && (name.size() == shape.name.size() || name[shape.name.size()] == '$'))
      return true;
  }
  return name == "java.util.LinkedHashMap$Entry" || name == "java.util.Arrays$ArrayList";
}

std::optional<Collection> look_at_collection(const ObjectWords& words, const ObjectDetails& details, ObjectId id) {
  if (id == no_object || words.is_class(id)) return std::nullopt;
  const Shape* shape = nullptr;
  ClassId at = words.graph().class_of(id);
  for (unsigned depth = 0; shape == nullptr && at != no_class && depth < 64; ++depth) {
    for (const Shape& candidate : shapes) {
      if (words.class_name(at) == candidate.name) shape = &candidate;
    }
    at = words.snapshot().classes[index(at)].super;
  }
  if (shape == nullptr) return std::nullopt;

  Collection result;
  result.object = id;
  result.kind = shape->kind;
  const std::vector<FieldValue> fields = details.fields(id);
  if (const FieldValue* size = field(fields, shape->size_field); size != nullptr && size->type != 'L') {
    if (size->integer >= 0) result.size = static_cast<std::uint64_t>(size->integer);
  }
  const ObjectId storage = reference(fields, shape->storage_field);
  if (storage == no_object) {
    if (!result.size) result.size = 0;
    return result;
  }
  if (shape->kind == CollectionKind::set) {  // a set is a map or a list inside
    const std::optional<Collection> inner = look_at_collection(words, details, storage);
    if (!inner) return result;
    result.size = inner->size;
    result.capacity = inner->capacity;
    result.elements = inner->elements;
    if (inner->kind == CollectionKind::map) {  // its elements are the keys
      result.elements.most_common = inner->elements.keys;
      result.elements.keys.clear();
      result.elements.matching = result.elements.sampled;
    }
    return result;
  }
  const HeapGraph& graph = words.graph();
  const bool is_array = words.snapshot().length.has(storage);
  if (is_array) {
    result.capacity = words.snapshot().length[storage];
    const std::uint64_t used = graph.edges_end(storage) - graph.edges_begin(storage);
    if (!result.size) result.size = used;
    // Concurrent maps spread the count over cells; a base count of 0 in a full table is no count.
    if (shape->size_field == "baseCount" && *result.size < used) result.size = used;
    look_at_elements(words, details, spaced_targets(graph, storage, sample_size), !shape->node_class.empty(),
                     result.elements);
    return result;
  }
  std::vector<ObjectId> nodes;
  ObjectId node = storage;
  if (!result.size) result.size = chain_length(words, details, storage);
  while (node != no_object && nodes.size() < sample_size) {
    nodes.push_back(node);
    const std::vector<FieldValue> links = details.fields(node);
    ObjectId next = reference(links, "next");
    if (next == no_object) next = reference(links, "right");
    if (std::find(nodes.begin(), nodes.end(), next) != nodes.end()) break;
    node = next;
  }
  look_at_elements(words, details, nodes, true, result.elements);
  return result;
}

Collection look_at_array(const ObjectWords& words, const ObjectDetails& details, ObjectId id) {
  Collection result;
  result.object = id;
  const HeapGraph& graph = words.graph();
  result.size = graph.edges_end(id) - graph.edges_begin(id);
  if (words.snapshot().length.has(id)) result.capacity = words.snapshot().length[id];
  look_at_elements(words, details, spaced_targets(graph, id, sample_size), false, result.elements);
  return result;
}

}  // namespace analyzer
