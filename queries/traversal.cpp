#include "queries/traversal.h"

#include <algorithm>

namespace queries {
namespace {

Row row_of(ObjectId object, std::uint32_t step) {
  Row row;
  row.object = object;
  row.step = step;
  return row;
}

void set_edge(Row& row, const Edge& edge) {
  row.slot = edge.slot;
  row.name = edge.name;
  row.strength = edge.strength;
  row.by_edge = true;
}

/// Bitmap over all objects; grown at first use.
Bitmap object_set(GraphCache& graph) { return Bitmap(std::uint64_t{graph.object_count()} + 1); }

void require(GraphCache& graph, ObjectId object) {
  if (!graph.node(object).exists) throw FunctionError("no object " + std::to_string(index(object)));
}

}  // namespace

std::vector<Row> path_to_root(GraphCache& graph, ObjectId object) {
  require(graph, object);
  Node node = graph.node(object);
  if (node.distance == no_distance) return {};
  std::vector<Row> upward;  // from the object to the root; each row's edge leads to it from the next row
  std::vector<ObjectId> candidates;
  upward.push_back(row_of(object, 0));
  while (node.distance > 0) {
    graph.poll();
    Row& here = upward.back();
    // A referrer one step nearer, over an edge that keeps alive where there is one.
    std::optional<Edge> best;
    ObjectId from = no_object;
    const auto consider = [&](ObjectId candidate) {
      const Node nearer = graph.node(candidate);
      // Distances are those within the strongest way to reach an object: a nearer object that is held more weakly is
      // not why this one is alive.
      if (nearer.distance != node.distance - 1 || nearer.reachability > node.reachability) return false;
      const std::optional<Edge> edge = graph.edge(candidate, here.object);
      if (!edge || (best && best->strength <= edge->strength)) return false;
      best = edge;
      from = candidate;
      return edge->strength == Strength::strong;
    };
    graph.referrers(here.object, candidates);
    if (std::none_of(candidates.begin(), candidates.end(), consider)) {
      const std::uint32_t class_id = graph.class_of_class_object(here.object);
      if (class_id != index(no_class)) {
        Lookup& instance = graph.lookup(
            "SELECT id FROM object WHERE class_id = ?1 AND root_distance = ?2 AND reachability <= ?3 "
            "ORDER BY id LIMIT 1");
        if (instance.with(class_id, node.distance - 1, static_cast<int>(node.reachability)).step()) {
          const ObjectId id{static_cast<std::uint32_t>(instance.integer(0))};
          instance.reset();
          consider(id);
        }
      }
    }
    if (!best) return paths_to_root(graph, object, 1);  // distances that do not match the references
    set_edge(here, *best);
    node = graph.node(from);
    upward.push_back(row_of(from, 0));
  }
  std::reverse(upward.begin(), upward.end());
  for (std::size_t i = 0; i < upward.size(); ++i) upward[i].step = static_cast<std::uint32_t>(i);
  return upward;
}

namespace {

/// Breadth first from `object`: it and every object that an edge leads to for which enter(edge, inside) is true, each
/// once, with its distance. `inside` holds the objects met so far.
template <typename Enter>
std::vector<Row> walk(GraphCache& graph, ObjectId object, Enter&& enter) {
  Bitmap inside = object_set(graph);
  inside.set(index(object));
  std::vector<Row> rows{row_of(object, 0)};
  std::vector<Edge> edges;
  for (std::size_t at = 0; at < rows.size(); ++at) {
    graph.poll();
    const std::uint32_t distance = rows[at].step + 1;
    graph.successors(rows[at].object, edges);
    for (const Edge& edge : edges) {
      if (inside.test(index(edge.target)) || !enter(edge, inside)) continue;
      inside.set(index(edge.target));
      rows.push_back(row_of(edge.target, distance));
    }
  }
  return rows;
}

}  // namespace

std::vector<Row> reachable_from(GraphCache& graph, ObjectId object, bool all) {
  require(graph, object);
  return walk(graph, object, [&](const Edge& edge, const Bitmap&) { return all || graph.holds(edge.strength); });
}

/// Every way to an object that `object` dominates leads through the object's dominator, which is met before.
std::vector<Row> retained_set(GraphCache& graph, ObjectId object) {
  require(graph, object);
  if (!graph.node(object).live) return {};
  return walk(graph, object, [&](const Edge& edge, const Bitmap& inside) {
    if (!graph.holds(edge.strength)) return false;
    const ObjectId dominator = graph.node(edge.target).dominator;
    return dominator != no_object && inside.test(index(dominator));
  });
}

std::vector<Row> dominated(GraphCache& graph, ObjectId object, std::uint32_t depth) {
  require(graph, object);
  std::vector<Row> rows{row_of(object, 0)};
  // A set of few objects is found from inside, without reading every object's dominator. No object is smaller than
  // 8 bytes, so the retained size bounds the number.
  constexpr std::int64_t small_set_bytes = 1 << 20;
  const std::optional<std::int64_t> retained = graph.retained_size(object);
  if (retained && *retained <= small_set_bytes) {
    std::vector<std::pair<ObjectId, ObjectId>> children;  // (dominator, object)
    for (const Row& row : retained_set(graph, object)) {
      if (row.object != object) children.emplace_back(graph.node(row.object).dominator, row.object);
    }
    std::sort(children.begin(), children.end());
    for (std::size_t at = 0; at < rows.size(); ++at) {
      if (depth != 0 && rows[at].step == depth) break;
      const std::uint32_t level = rows[at].step + 1;
      auto child = std::lower_bound(children.begin(), children.end(), std::pair{rows[at].object, ObjectId{0}});
      for (; child != children.end() && child->first == rows[at].object; ++child) {
        rows.push_back(row_of(child->second, level));
      }
    }
  } else {
    const GraphCache::Children& children = graph.dominator_children();
    for (std::size_t at = 0; at < rows.size(); ++at) {
      graph.poll();
      if (depth != 0 && rows[at].step == depth) break;
      const std::uint32_t level = rows[at].step + 1;
      const std::uint32_t parent = index(rows[at].object);
      for (std::uint32_t i = children.first[parent]; i < children.first[parent + 1]; ++i) {
        rows.push_back(row_of(children.child[i], level));
      }
    }
  }
  rows.erase(rows.begin());
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return a.step != b.step ? a.step < b.step : a.object < b.object; });
  return rows;
}

std::vector<Row> dominator_chain(GraphCache& graph, ObjectId object) {
  require(graph, object);
  std::vector<Row> rows;
  if (!graph.node(object).live) return rows;
  for (ObjectId at = object; at != no_object; at = graph.node(at).dominator) {
    graph.poll();
    if (rows.size() > graph.object_count()) throw FunctionError("dominator_id has a cycle: the database is damaged");
    rows.push_back(row_of(at, static_cast<std::uint32_t>(rows.size())));
  }
  return rows;
}

std::vector<Row> referrers(GraphCache& graph, ObjectId object) {
  require(graph, object);
  std::vector<Row> rows;
  std::vector<ObjectId> sources;
  std::vector<Edge> edges;
  graph.referrers(object, sources);
  for (const ObjectId source : sources) {
    graph.poll();
    graph.references(source, edges);
    for (const Edge& edge : edges) {
      if (edge.target != object) continue;
      rows.push_back(row_of(source, 1));
      set_edge(rows.back(), edge);
    }
  }
  const std::uint32_t class_id = graph.class_of_class_object(object);
  if (class_id != index(no_class)) {
    graph.instances(class_id, sources);
    for (const ObjectId source : sources) {
      rows.push_back(row_of(source, 1));
      set_edge(rows.back(), {class_edge_slot, object, class_edge_name, Strength::strong});
    }
  }
  return rows;
}

std::vector<Row> referents(GraphCache& graph, ObjectId object) {
  require(graph, object);
  std::vector<Row> rows;
  std::vector<Edge> edges;
  graph.references(object, edges);
  const ObjectId class_object = graph.class_object(graph.node(object).class_id);
  if (class_object != no_object) edges.push_back({class_edge_slot, class_object, class_edge_name, Strength::strong});
  for (const Edge& edge : edges) {
    rows.push_back(row_of(edge.target, 1));
    set_edge(rows.back(), edge);
  }
  return rows;
}

std::vector<Row> instances(GraphCache& graph, const std::string& class_name, bool with_subclasses) {
  const std::vector<ClassEntry>& classes = graph.classes();
  std::vector<char> wanted(classes.size(), 0);
  std::vector<std::uint32_t> chosen;
  for (std::uint32_t id = 0; id < classes.size(); ++id) wanted[id] = classes[id].name == class_name ? 1 : 0;
  for (std::uint32_t id = 0; id < classes.size(); ++id) {
    std::uint32_t at = id;
    std::size_t depth = 0;  // a chain longer than the classes is a cycle in a damaged dump
    while (with_subclasses && at < classes.size() && wanted[at] == 0 && depth++ < classes.size())
      at = classes[at].super;
    if (at < classes.size() && wanted[at] != 0) chosen.push_back(id);
  }
  std::vector<Row> rows;
  std::vector<ObjectId> ids;
  if (chosen.size() > 2) graph.load_objects();  // else each class is a scan of the table
  for (const std::uint32_t id : chosen) {
    graph.poll();
    graph.instances(id, ids);
    for (const ObjectId object : ids) rows.push_back(row_of(object, 0));
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.object < b.object; });
  return rows;
}

std::optional<std::int64_t> what_if_cut(GraphCache& graph, ObjectId source, std::int64_t slot) {
  require(graph, source);
  const std::vector<Row> edges = referents(graph, source);
  const auto cut = std::find_if(edges.begin(), edges.end(), [slot](const Row& row) { return row.slot == slot; });
  if (cut == edges.end()) return std::nullopt;
  const ObjectId target = cut->object;
  const Node node = graph.node(target);
  if (!graph.node(source).live || !graph.holds(cut->strength) || node.distance == 0 || node.dominator != source)
    return 0;
  for (const Row& edge : edges) {  // a second reference of the same object
    if (edge.object == target && edge.slot != slot && graph.holds(edge.strength)) return 0;
  }
  // Freed exactly when every other live referrer is itself kept by the target only.
  Bitmap inside = object_set(graph);
  inside.set(index(target));
  std::vector<std::uint32_t> climbed;
  const auto kept_by_target = [&](ObjectId referrer) {
    climbed.clear();
    ObjectId at = referrer;
    for (; at != no_object && at != source && !inside.test(index(at)); at = graph.node(at).dominator) {
      graph.poll();
      climbed.push_back(index(at));
      if (climbed.size() > graph.object_count())
        throw FunctionError("dominator_id has a cycle: the database is damaged");
    }
    if (at == no_object || at == source) return false;
    for (const std::uint32_t id : climbed) inside.set(id);
    return true;
  };
  std::vector<ObjectId> others;
  graph.referrers(target, others);
  const std::uint32_t class_id = graph.class_of_class_object(target);
  if (class_id != index(no_class)) {
    std::vector<ObjectId> of_class;
    graph.instances(class_id, of_class);
    others.insert(others.end(), of_class.begin(), of_class.end());
  }
  for (const ObjectId other : others) {
    if (other == source || !graph.node(other).live) continue;
    const std::optional<Edge> edge = graph.edge(other, target);
    if (edge && graph.holds(edge->strength) && !kept_by_target(other)) return 0;
  }
  return graph.retained_size(target).value_or(0);
}

}  // namespace queries
