#include "tests/support/graph_builder.h"

#include <algorithm>

namespace tests {

using namespace queries;

namespace {

ClassKind kind_of_name(std::string_view name) {
  if (!name.ends_with("[]")) return ClassKind::instance;
  for (const std::string_view primitive : {"boolean", "char", "float", "double", "byte", "short", "int", "long"}) {
    if (name.substr(0, name.size() - 2) == primitive) return ClassKind::primitive_array;
  }
  return ClassKind::object_array;
}

}  // namespace

ClassId GraphBuilder::class_named(std::string_view name) {
  const auto found = class_ids_.find(name);
  if (found != class_ids_.end()) return found->second;
  const ClassId id{static_cast<std::uint32_t>(classes_.size())};
  ClassRow row;
  row.name = name;
  row.kind = kind_of_name(name);
  row.source = "test";
  classes_.push_back(std::move(row));
  class_ids_.emplace(name, id);
  return id;
}

ClassRow& GraphBuilder::class_row(std::string_view name) { return classes_[index(class_named(name))]; }

ObjectId GraphBuilder::object(std::string_view class_name, std::uint64_t shallow_size) {
  return objects(1, class_name, shallow_size);
}

ObjectId GraphBuilder::objects(std::uint32_t count, std::string_view class_name, std::uint64_t shallow_size) {
  const ClassId class_id = class_named(class_name);
  const ObjectId first{object_count()};
  classes_of_.insert(classes_of_.end(), count, class_id);
  sizes_.insert(sizes_.end(), count, shallow_size);
  return first;
}

ObjectId GraphBuilder::array(std::string_view class_name, std::uint32_t length, std::uint64_t shallow_size) {
  const ObjectId id = object(class_name, shallow_size);
  lengths_.emplace_back(id, length);
  return id;
}

ObjectId GraphBuilder::class_object(std::string_view class_name, std::uint64_t shallow_size) {
  const ObjectId id = object("java.lang.Class", shallow_size);
  set_class_object(class_name, id);
  return id;
}

void GraphBuilder::set_class_object(std::string_view class_name, ObjectId object) {
  class_row(class_name).object = object;
}

void GraphBuilder::reference(ObjectId source, ObjectId target, Strength strength) {
  edges_.push_back({source, target, strength});
}

void GraphBuilder::root(ObjectId object, RootKind kind, Doubt doubt) {
  RootRow row;
  row.object = object;
  row.kind = kind;
  row.doubt = doubt;
  roots_.push_back(row);
}

void GraphBuilder::content(ObjectId object, std::uint64_t hash, bool is_string) {
  content_.push_back({object, is_string, hash});
}

Snapshot GraphBuilder::build() const {
  Snapshot snapshot;
  snapshot.path = "test.hprof";
  snapshot.format = "test";
  snapshot.pointer_size = 8;
  snapshot.object_count = object_count();
  snapshot.classes = classes_;
  snapshot.roots = roots_;
  snapshot.content = queries::EqualContent::of(content_);
  for (std::uint32_t id = 0; id < object_count(); ++id) {
    snapshot.addresses.add(0x1000 + std::uint64_t{16} * id);
    snapshot.class_of.push_back(classes_of_[id]);
    snapshot.shallow.push_back(sizes_[id]);
  }
  snapshot.addresses.freeze();
  for (const auto& [id, length] : lengths_) snapshot.length.append(id, length);
  snapshot.length.freeze(object_count());

  std::vector<std::uint32_t> first(std::size_t{object_count()} + 1, 0);
  for (const Edge& edge : edges_) ++first[index(edge.source) + 1];
  for (std::uint32_t id = 0; id < object_count(); ++id) first[id + 1] += first[id];
  snapshot.references.first.assign(first);
  snapshot.references.target.resize(edges_.size());
  std::vector<Strength> strengths(edges_.size());
  std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
  for (const Edge& edge : edges_) {
    const std::uint32_t slot = next[index(edge.source)]++;
    snapshot.references.target[slot] = edge.target;
    strengths[slot] = edge.strength;
  }
  for (std::uint32_t slot = 0; slot < strengths.size(); ++slot) {
    if (strengths[slot] != Strength::strong) snapshot.references.strength.append(ObjectId{slot}, strengths[slot]);
  }
  snapshot.references.strength.freeze(edges_.size());

  for (const RootRow& root : roots_) snapshot.direct_roots.push_back(root.object);
  std::sort(snapshot.direct_roots.begin(), snapshot.direct_roots.end());
  snapshot.direct_roots.erase(std::unique(snapshot.direct_roots.begin(), snapshot.direct_roots.end()),
                              snapshot.direct_roots.end());
  snapshot.find_uncertain_roots();
  for (std::uint32_t id = 0; id < classes_.size(); ++id) {
    if (classes_[id].object != no_object) snapshot.class_objects.emplace_back(classes_[id].object, ClassId{id});
  }
  std::sort(snapshot.class_objects.begin(), snapshot.class_objects.end());
  return snapshot;
}

}  // namespace tests
